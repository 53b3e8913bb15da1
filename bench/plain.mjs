// Spack used plainly: builtin's recipe with the same features, in the same builder image, container
// settings and environment (externals, compiler, source mirror), then `tar -chzf` of what it installed.
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';

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

export async function measurePlain({ plan, host, image, work, nodeProcess, library, say }) {
  const { startContainer, removeContainer } = await library('container/session.js');
  const { layoutBelow, places } = await library('container/layout.js');
  const derived = deriveImage(image, host);
  const { spack, packages, overlay, sources } = plan.hostLayout;
  const below = layoutBelow(join(work, 'plain'));
  const layout = {
    ...below,
    spack,
    packages,
    overlay,
    ...(plan.options.sourceMirror ? { sources } : {}),
  };
  for (const place of places) await mkdir(layout[place], { recursive: true });

  const name = `slurm-factory-bench-${process.pid}`;
  const interrupted = () => removeContainer('docker', name, nodeProcess);
  process.once('SIGINT', interrupted);
  const start = performance.now();
  const session = await startContainer(
    { program: 'docker', image: derived, name, host, gpu: false },
    layout,
    nodeProcess,
  );
  try {
    const figures = await build(plan, session, layout, library, say);
    await session.stop();
    return { total: (performance.now() - start) / 1000, ...figures, ...(await installed(layout)) };
  } finally {
    await session.stop();
    process.off('SIGINT', interrupted);
  }
}

async function build(plan, session, layout, library, say) {
  const { concretizeCommand } = await library('spack/commands.js');
  const inside = session.layout;
  const run = async (what, command, env = {}) => {
    const began = performance.now();
    const tail = [];
    const onLine = (line) => tail.push(line);
    const result = await session.exec(command, { env, onLine });
    if (result.exitCode !== 0) throw new Error(`${what} failed:\n${tail.slice(-40).join('\n')}`);
    const seconds = (performance.now() - began) / 1000;
    say(`   ${what}: ${seconds.toFixed(1)} s`);
    return { seconds, stdout: result.stdout };
  };
  // The same Python, variables and caches as ours, other words.
  const base = concretizeCommand(session);
  const front = base.command.slice(0, base.command.indexOf('concretize'));
  const spack = (...words) => run(`spack ${words[0]}`, [...front, ...words], base.env);

  await writeFile(
    join(layout.environment, 'spack.yaml'),
    await plainEnvironment(plan, session, library, run),
  );
  const concretize = await spack('concretize', '--fresh');
  const install = await spack('install', '--jobs', String(plan.jobs));
  const push = await spack('buildcache', 'push', '--unsigned', `file://${inside.buildCache}`);
  const lock = JSON.parse(await readFile(join(layout.environment, 'spack.lock'), 'utf8'));
  const { stdout } = await spack('location', '--install-dir', `/${lock.roots[0].hash}`);
  const prefix = stdout.trim().split('\n').at(-1);
  const tar = ['tar', '-chzf', `${inside.output}/plain.tar.gz`, '-C', prefix, '.'];
  const tarball = await run('tar -chzf', tar);
  return {
    spec: plainSpec(plan),
    concretize: concretize.seconds,
    install: install.seconds,
    push: push.seconds,
    installAndPush: install.seconds + push.seconds,
    tarball: tarball.seconds,
    tarballBytes: (await stat(join(layout.output, 'plain.tar.gz'))).size,
    installedBytes: Number((await run('du', ['du', '-sb', prefix])).stdout.split('\t')[0]),
  };
}

const plainSpec = (plan) => `slurm@=${plan.options.release.spack} ${variants}`;

/** The environment that ours has, but for the recipe, the build cache and the padded install tree. */
async function plainEnvironment(plan, session, library, run) {
  const { renderEnvironment } = await library('spack/environment.js');
  const { environmentBase } = await library('build/plan.js');
  const { packageVersionsCommand } = await library('spack/commands.js');
  const { parsePackageVersions } = await library('spack/results.js');
  const multiarch = (await run('gcc -print-multiarch', ['gcc', '-print-multiarch'])).stdout.trim();
  const toolchain = {
    ...plan.toolchain,
    dependencies: [
      // Where Debian's PMIx is found by configure; our own recipe knows.
      ...plan.toolchain.dependencies.map((item) =>
        item.spec === 'pmix' ? { ...item, prefix: `/usr/lib/${multiarch}/pmix2` } : item,
      ),
      ...extraExternals,
    ],
  };
  const names = [...toolchain.dependencies, ...toolchain.tools].map((item) => item.package);
  const query = packageVersionsCommand(toolchain.packages, [...new Set(names)]);
  const versions = parsePackageVersions((await run('dpkg-query', query)).stdout);
  const mirror = plan.options.sourceMirror;
  const remote = mirror !== undefined && /^[a-z0-9]+:\/\//.test(mirror);
  const { spack } = parse(
    renderEnvironment({
      ...environmentBase(plan.options, toolchain, plan.target.arch),
      layout: session.layout,
      versionOf: (item) => versions.get(item.package),
      sourceMirror: mirror === undefined || remote ? mirror : `file://${session.layout.sources}`,
    }),
  );
  spack.specs = [plainSpec(plan)];
  spack.packages['zlib-api'] = { require: ['zlib'] };
  delete spack.repos.slurm_factory;
  delete spack.mirrors.built;
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

/** What is in the build cache, and which of the plugins the installed tree lacks. */
async function installed(layout) {
  const cached = await listFiles(layout.buildCache);
  const sizes = await Promise.all(cached.map(async (file) => (await stat(file)).size));
  const files = await listFiles(layout.store);
  return {
    buildCacheBytes: sizes.reduce((sum, size) => sum + size, 0),
    missingPlugins: plugins.filter((plugin) => !files.some((file) => file.endsWith(`/slurm/${plugin}.so`))),
  };
}

async function listFiles(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
}
