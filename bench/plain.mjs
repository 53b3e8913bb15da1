// Spack used plainly: builtin's recipe with the same features, in the same builder image, container
// settings and environment (externals, compiler, source mirror), then `tar -chzf` of what it installed.
import { execFileSync } from 'node:child_process';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parse, stringify } from 'yaml';
import { folderBytes } from './ours.mjs';
import { timed } from './prepare.mjs';
import { commandsOf, withSession } from './session.mjs';

const variants = '+pmix +restd +hwloc +cgroup +pam +mariadb sysconfdir=/etc/slurm';

/** What builtin's recipe wants besides ours, as externals too. */
const extraExternals = [
  { spec: 'glib', package: 'libglib2.0-dev' },
  { spec: 'mariadb', package: 'libmariadb-dev' },
  { spec: 'openssl', package: 'libssl-dev' },
  { spec: 'zlib', package: 'zlib1g-dev' },
].map((extra) => ({ prefix: '/usr', ...extra }));

/** Plugins that show that both sides have the same features. */
const plugins =
  'accounting_storage_mysql auth_jwt auth_munge cgroup_v2 mpi_pmix rest_auth_jwt task_affinity'.split(' ');

/** The plain way twice: with nothing there, and with what the first time has left for the next. */
export async function measurePlain(context) {
  const { host, image, work, say } = context;
  const derived = deriveImage(image, host);
  const folder = join(work, 'plain');
  const once = async (warm) => {
    say(warm ? ' warm' : ' cold');
    const { seconds: total, value } = await timed(() =>
      withSession(context, derived, folder, (session, layout) =>
        build({ ...context, session, layout, warm }),
      ),
    );
    const { prefix, layout, ...figures } = value;
    return { figures: { total, ...figures }, prefix, layout };
  };
  const cold = await once(false);
  const left = await installed(cold);
  // The user cache and the build cache stay, as they do for a user who comes back.
  for (const place of ['store', 'environment', 'stage', 'output'])
    await rm(cold.layout[place], { recursive: true, force: true });
  const warm = await once(true);
  if (warm.figures.fromSource.includes('slurm')) throw new Error('the plain warm way has compiled Slurm');
  return { spec: plainSpec(context.plan), ...left, cold: cold.figures, warm: warm.figures };
}

async function build({ plan, session, layout, library, say, warm }) {
  const { concretizeCommand } = await library('spack/commands.js');
  const { parseProgressLine } = await library('spack/progress.js');
  const inside = session.layout;
  const run = commandsOf(session, say);
  // The same Python, variables and caches as ours, other words.
  const base = concretizeCommand(session);
  const front = base.command.slice(0, base.command.indexOf('concretize'));
  const spack = (...words) => run(`spack ${words[0]}`, [...front, ...words], { env: base.env });
  const cache = `file://${inside.buildCache}`;

  await writeFile(
    join(layout.environment, 'spack.yaml'),
    await plainEnvironment({ plan, session, library, run }, warm ? cache : undefined),
  );
  const concretize = await spack('concretize', '--fresh');
  const install = await spack('install', '--no-check-signature', '--jobs', String(plan.jobs));
  const push = warm ? undefined : await spack('buildcache', 'push', '--unsigned', cache);
  const lock = JSON.parse(await readFile(join(layout.environment, 'spack.lock'), 'utf8'));
  const { stdout } = await spack('location', '--install-dir', `/${lock.roots[0].hash}`);
  const prefix = stdout.trim().split('\n').at(-1);
  const archive = join(layout.output, 'plain.tar.gz');
  const tarball = await run('tar -chzf', [
    'tar',
    '-chzf',
    `${inside.output}/plain.tar.gz`,
    '-C',
    prefix,
    '.',
  ]);
  const progress = install.lines.map(parseProgressLine).filter((line) => line !== undefined);
  const building = progress.filter((line) => /^(autoreconf|configure|cmake|meson|build)$/.test(line.phase));
  return {
    prefix: join(layout.store, relative(inside.store, prefix)),
    layout,
    concretize: concretize.seconds,
    install: install.seconds,
    ...(push === undefined ? {} : { push: push.seconds, installAndPush: install.seconds + push.seconds }),
    tarball: tarball.seconds,
    tarballBytes: (await stat(archive)).size,
    fromSource: [...new Set(building.map((line) => line.name))],
  };
}

const plainSpec = (plan) => `slurm@=${plan.options.release.spack} ${variants}`;

/** The environment that ours has, but for the recipe, the build cache and the padded install tree. */
async function plainEnvironment({ plan, session, library, run }, buildCache) {
  const { renderEnvironment } = await library('spack/environment.js');
  const { environmentBase } = await library('pipeline/decisions.js');
  const { parseVersions } = await library('distro/distro.js');
  const { distroOf } = await library('distro/distros.js');
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
  const { spack } = parse(
    renderEnvironment({
      ...environmentBase(plan.options, toolchain, plan.target.arch),
      layout: session.layout,
      versionOf: (item) => versions.get(item.package),
      sourceMirror: `file://${session.layout.sources}`,
    }),
  );
  spack.specs = [plainSpec(plan)];
  spack.concretizer = { unify: true };
  spack.config.ccache = false;
  spack.packages['zlib-api'] = { require: ['zlib'] };
  delete spack.repos.slurm_factory;
  delete spack.mirrors.built;
  if (buildCache !== undefined)
    spack.mirrors.built = { url: buildCache, source: false, binary: true, signed: false };
  delete spack.config.install_tree.padded_length;
  return stringify({ spack }, { lineWidth: 0 });
}

/** The builder image with the one library more that builtin's recipe lists. */
function deriveImage(image, host) {
  const tag = image.replace('/builder:', '/bench:');
  const install = `apt-get install -y --no-install-recommends ${extraExternals.map((extra) => extra.package).join(' ')}`;
  const dockerfile = `FROM ${image}\nRUN apt-get update && ${install} && rm -rf /var/lib/apt/lists/*\n`;
  const proxy = Object.entries(host.proxy).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]);
  execFileSync('docker', ['build', '--quiet', '--tag', tag, ...proxy, '-'], {
    input: dockerfile,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  return tag;
}

/** What the cold way leaves: the tree's and the build cache's bytes, and plugins that the tree lacks. */
async function installed({ prefix, layout }) {
  const files = await readdir(prefix, { recursive: true });
  return {
    installedBytes: await folderBytes(prefix),
    buildCacheBytes: await folderBytes(layout.buildCache),
    missingPlugins: plugins.filter((plugin) => !files.some((file) => file.endsWith(`/slurm/${plugin}.so`))),
  };
}
