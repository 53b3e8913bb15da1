// The command line from dist/ as a user runs it, from its start to its end.
import { execFileSync, spawn } from 'node:child_process';
import { appendFile, cp, mkdir, readdir, readFile, rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { timed } from './prepare.mjs';

/** A cold build with empty caches; all later cases go on from what it saves. */
export async function measureCold(context) {
  const figures = await build('cold', context);
  if (figures.cacheHit !== 'none') throw new Error(`the build was not cold: ${figures.cacheHit}`);
  const keys = await entryKeys(context.cacheDir);
  return { ...figures, keys, entryBytes: await bytesByKind(context.cacheDir, keys) };
}

export const measureNothing = (context) => build('nothing', context);

/** The same release from a project whose module template has one more comment. */
export async function measurePackaging(context) {
  const project = join(context.work, 'project');
  await mkdir(project);
  for (const part of ['templates', 'spack-repo', 'dist'])
    await cp(join(context.root, part), join(project, part), { recursive: true });
  for (const part of ['data', 'toolchains', 'scripts'])
    await symlink(join(context.root, part), join(project, part));
  await appendFile(join(project, 'templates', 'slurm.lua'), '-- Changed by the bench.\n');
  return build('packaging', { ...context, root: project });
}

/** The same release with the distribution's own libraries: the same packages. */
export const measureSystem = (context) => build('system', context, ['--dependencies', 'system']);

/** The same release for another kind of GPU: compiled again, with ccache's files of the first one. */
export const measureCuda = (context) => build('cuda', context, ['--gpu', 'cuda']);

export const measurePatch = (context) =>
  build('patch', { ...context, settings: { ...context.settings, release: context.settings.nextRelease } });

/** The same release with its result and its lock lost: concretized with Spack's indexes, nothing compiled. */
export async function measureRelocked(context) {
  for (const key of await entryKeys(context.cacheDir)) {
    if (/^slurm-factory-v\d+-(lock|result)-/.test(key))
      await rm(join(context.cacheDir, 'entries', key), { recursive: true });
  }
  return build('relocked', context);
}

async function build(name, { root, settings, work, cacheDir, say }, more = []) {
  const { release, toolchain, mirror } = settings;
  const report = join(work, `report-${name}.json`);
  const output = join(work, `output-${name}`);
  const words = ['build', release, '--toolchain', toolchain, '--engine', 'docker', '--source-mirror', mirror];
  words.push(...more, '--cache-dir', cacheDir, '--output-dir', output, '--report', report);
  const keysBefore = await entryKeys(cacheDir);
  const since = Date.now() / 1000;
  const { seconds: total, value: pid } = await timed(() => runCli(root, words));
  const { timings, cacheHit, packages, described } = JSON.parse(await readFile(report, 'utf8'));
  const added = (await entryKeys(cacheDir)).filter((key) => !keysBefore.includes(key));
  const stage = (wanted) => timings.find((timing) => timing.stage === wanted)?.seconds;
  const smokeTest = stage('smoke') ?? 0;
  say(`   ${total.toFixed(1)} s, ${smokeTest.toFixed(1)} s of it the smoke test`);
  return {
    release,
    output,
    total,
    smokeTest,
    withoutSmokeTest: total - smokeTest,
    cacheHit,
    containers: containersOf(pid, since),
    // A lock that was concretized is saved; one that was restored is not.
    concretized: added.filter((key) => key.includes('-lock-')).length,
    compiled: packages?.compiled ?? 0,
    fromCache: packages?.fromCache ?? 0,
    compiledNames: added.flatMap((key) => /-package-.*-p\d+-(.+)-[a-z0-9]{32}$/.exec(key)?.[1] ?? []),
    concretize: stage('lock'),
    // Each package is pushed to the build cache as it finishes, within the installation.
    installAndPush: stage('install'),
    tarball: stage('pack'),
    audit: stage('audit'),
    tarballBytes: described.find((file) => file.name.endsWith('-software.tar.gz')).size,
    stages: timings,
  };
}

/** Runs the command line to its end; returns the number of its process. */
function runCli(root, words) {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [join(root, 'dist', 'cli', 'index.js'), ...words], {
      stdio: ['ignore', process.stderr, 'inherit'],
    });
    child.on('error', fail);
    child.on('close', (code) =>
      code === 0 ? done(child.pid) : fail(new Error(`the build ended with ${code}`)),
    );
  });
}

/** How many containers a process of ours has made, by their names, which end with its number. */
function containersOf(pid, since) {
  const times = ['--since', since.toFixed(3), '--until', (Date.now() / 1000).toFixed(3)];
  const count = (label, end) => {
    const filters = ['--filter', 'event=create', '--filter', `label=slurm-factory=${label}`];
    const words = ['events', ...times, ...filters, '--format', '{{.Actor.Attributes.name}}'];
    const names = execFileSync('docker', words, { encoding: 'utf8' }).split('\n');
    return names.filter((name) => name.endsWith(end)).length;
  };
  return { build: count('build', `-${pid}`), smoke: count('smoke', `-${pid}-smoke`) };
}

const entryKeys = async (cacheDir) => {
  const names = await readdir(join(cacheDir, 'entries')).catch(() => []);
  return names.filter((name) => !name.startsWith('.')).sort();
};

/** Bytes of cache entries by what they are of: package, lock, … */
async function bytesByKind(cacheDir, keys) {
  const kinds = {};
  for (const key of keys) {
    const kind = key.split('-')[3];
    kinds[kind] = (kinds[kind] ?? 0) + (await folderBytes(join(cacheDir, 'entries', key)));
  }
  return kinds;
}

/** Bytes of all files below a folder. */
export async function folderBytes(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async (file) => (await stat(join(file.parentPath, file.name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
