// Spack used plainly: builtin's recipe with the same features, in the same builder image, container
// settings and environment (externals, compiler, source mirror), then `tar -chzf` of what it installed.
import { execFileSync } from 'node:child_process';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parse, stringify } from 'yaml';
import type { Host } from '../src/base/host.js';
import type { Layout } from '../src/container/layout.js';
import type { Session } from '../src/container/session.js';
import { parseVersions } from '../src/distro/distro.js';
import { distroOf } from '../src/distro/distros.js';
import { environmentBase } from '../src/pipeline/key.js';
import { concretizeCommand } from '../src/spack/commands.js';
import { renderEnvironment } from '../src/spack/environment.js';
import { parseProgressLine } from '../src/spack/progress.js';
import { folderBytes, type Prepared, timed } from './bench.js';
import type { PlainFigures, PlainTimes } from './results.js';
import { commandsOf, type Run, withSession } from './session.js';

const variants = '+pmix +restd +hwloc +cgroup +pam +mariadb sysconfdir=/etc/slurm';

/** What builtin's recipe wants besides ours, as externals too. */
const extraExternals = [
  { spec: 'glib', package: 'libglib2.0-dev' },
  { spec: 'mariadb', package: 'libmariadb-dev' },
  { spec: 'openssl', package: 'libssl-dev' },
  { spec: 'zlib', package: 'zlib1g-dev' },
].map((extra) => ({ prefix: '/usr', also: [], opened: false, ...extra }));

/** Plugins that show that both sides have the same features. */
const plugins =
  'accounting_storage_mysql auth_jwt auth_munge cgroup_v2 mpi_pmix rest_auth_jwt task_affinity'.split(' ');

interface PlainBuild {
  readonly figures: PlainTimes;
  /** What was installed, as this machine sees it. */
  readonly prefix: string;
  readonly layout: Layout;
}

/** The plain way twice: with nothing there, and with what the first time has left for the next. */
export async function measurePlain(bench: Prepared): Promise<PlainFigures> {
  const { host, image, plan, work, say } = bench;
  const derived = deriveImage(image, host);
  const folder = join(work, 'plain');
  const once = async (warm: boolean): Promise<PlainBuild> => {
    say(warm ? ' warm' : ' cold');
    const { seconds: total, value } = await timed(() =>
      withSession(bench, derived, folder, (session, layout) => build(bench, session, layout, warm)),
    );
    return { ...value, figures: { total, ...value.figures } };
  };
  try {
    const cold = await once(false);
    const left = await installed(cold);
    // The user cache and the build cache stay, as they do for a user who comes back.
    for (const place of ['store', 'environment', 'buildStage', 'output'] as const)
      await rm(cold.layout[place], { recursive: true, force: true });
    const { figures: warm } = await once(true);
    if (warm.fromSource.includes('slurm')) throw new Error('the plain warm way has compiled Slurm');
    return { spec: plainSpec(plan.release), ...left, cold: cold.figures, warm };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function build(
  bench: Prepared,
  session: Session,
  layout: Layout,
  warm: boolean,
): Promise<Omit<PlainBuild, 'figures'> & { readonly figures: Omit<PlainTimes, 'total'> }> {
  const { plan, say } = bench;
  const inside = session.layout;
  const run = commandsOf(session, say);
  // The same Python, variables and caches as ours, other words.
  const { command, env } = concretizeCommand(session);
  const [python, ...more] = command.slice(0, command.indexOf('concretize'));
  if (python === undefined) throw new Error(`there is no 'concretize' in: ${command.join(' ')}`);
  const spack = (word: string, ...words: string[]) =>
    run(`spack ${word}`, [python, ...more, word, ...words], { env });
  const cache = `file://${inside.buildCache}`;

  const environment = await plainEnvironment(bench, session, run, warm ? cache : undefined);
  await writeFile(join(layout.environment, 'spack.yaml'), environment);
  const concretize = await spack('concretize', '--fresh');
  const install = await spack('install', '--no-check-signature', '--jobs', String(plan.jobs));
  const push = warm ? undefined : await spack('buildcache', 'push', '--unsigned', cache);
  const lock: { roots: { hash: string }[] } = JSON.parse(
    await readFile(join(layout.environment, 'spack.lock'), 'utf8'),
  );
  const { stdout } = await spack('location', '--install-dir', `/${lock.roots[0]?.hash}`);
  const prefix = stdout.trim().split('\n').at(-1) ?? '';
  const archive = `${inside.buildStage}/plain.tar.gz`;
  const tarball = await run('tar -chzf', ['tar', '-chzf', archive, '-C', prefix, '.']);
  const figures = {
    concretize: concretize.seconds,
    install: install.seconds,
    ...(push === undefined ? {} : { push: push.seconds, installAndPush: install.seconds + push.seconds }),
    tarball: tarball.seconds,
    tarballBytes: (await stat(join(layout.buildStage, 'plain.tar.gz'))).size,
    fromSource: compiledIn(install.lines),
  };
  return { figures, layout, prefix: join(layout.store, relative(inside.store, prefix)) };
}

/** Names of the packages that an install has compiled, by what it said. */
function compiledIn(lines: readonly string[]): string[] {
  const progress = lines.map(parseProgressLine).filter((line) => line !== undefined);
  const building = progress.filter((line) => /^(autoreconf|configure|cmake|meson|build)$/.test(line.phase));
  return [...new Set(building.map((line) => line.name))];
}

const plainSpec = ({ spack }: { readonly spack: string }): string => `slurm@=${spack} ${variants}`;

/** What of an environment is another one's in the plain way. */
interface Environment {
  spack: {
    specs: string[];
    concretizer: object;
    config: { ccache: boolean; install_tree: { padded_length?: number } };
    packages: Record<string, unknown>;
    repos: { slurm_factory?: string };
    mirrors: Record<string, unknown>;
  };
}

/** The environment that ours has, but for the recipe, the build cache and the padded install tree. */
async function plainEnvironment(
  { plan }: Prepared,
  session: Session,
  run: Run,
  buildCache: string | undefined,
): Promise<string> {
  const multiarch = (await run('gcc -print-multiarch', ['gcc', '-print-multiarch'])).stdout.trim();
  const toolchain = {
    ...plan.toolchain,
    notBuilt: [],
    dependencies: [
      // Where Debian's PMIx is found by configure; our own recipe knows.
      ...plan.toolchain.dependencies.map((item) =>
        item.spec === 'pmix' ? { ...item, prefix: `/usr/lib/${multiarch}/pmix2` } : item,
      ),
      ...extraExternals,
    ],
  };
  const names = [...toolchain.dependencies, ...toolchain.tools].map((item) => item.package);
  const query = distroOf(toolchain.packageManager).versionsCommand([...new Set(names)]);
  const versions = parseVersions((await run('dpkg-query', query)).stdout);
  const { spack }: Environment = parse(
    renderEnvironment({
      ...environmentBase(plan.options, plan.release, toolchain, plan.target.arch, plan.own),
      layout: session.layout,
      versionOf: (item) => {
        const version = versions.get(item.package);
        if (version === undefined) throw new Error(`the builder image lacks ${item.package}`);
        return version;
      },
      sourceMirror: `file://${session.layout.sources}`,
    }),
  );
  spack.specs = [plainSpec(plan.release)];
  spack.concretizer = { unify: true };
  spack.config.ccache = false;
  spack.packages['zlib-api'] = { require: ['zlib'] };
  delete spack.repos.slurm_factory;
  delete spack.mirrors['built'];
  if (buildCache !== undefined)
    spack.mirrors['built'] = { url: buildCache, source: false, binary: true, signed: false };
  delete spack.config.install_tree.padded_length;
  return stringify({ spack }, { lineWidth: 0 });
}

/** The builder image with the one library more that builtin's recipe lists. */
function deriveImage(image: string, host: Host): string {
  const tag = image.replace('/builder:', '/bench:');
  const packages = extraExternals.map((extra) => extra.package).join(' ');
  const install = `apt-get install -y --no-install-recommends ${packages}`;
  const dockerfile = `FROM ${image}\nRUN apt-get update && ${install} && rm -rf /var/lib/apt/lists/*\n`;
  const proxy = Object.entries(host.proxy).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]);
  execFileSync('docker', ['build', '--quiet', '--tag', tag, ...proxy, '-'], {
    input: dockerfile,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  return tag;
}

/** What the cold way leaves: the tree's and the build cache's bytes, and plugins that the tree lacks. */
async function installed({
  prefix,
  layout,
}: PlainBuild): Promise<Pick<PlainFigures, 'installedBytes' | 'buildCacheBytes' | 'missingPlugins'>> {
  const files = await readdir(prefix, { recursive: true });
  return {
    installedBytes: await folderBytes(prefix),
    buildCacheBytes: await folderBytes(layout.buildCache),
    missingPlugins: plugins.filter((plugin) => !files.some((file) => file.endsWith(`/slurm/${plugin}.so`))),
  };
}
