// The command line from dist/ as a user runs it, from its start to its end.
import { spawn } from 'node:child_process';
import { appendFile, cp, mkdir, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ownerLabel } from '../src/base/owner.js';
import { type EntryKind, readKey } from '../src/cache/keys.js';
import { type ContainerKind, containerKinds, kindLabel } from '../src/container/container.js';
import type { BuildReport } from '../src/pipeline/report.js';
import type { StageId } from '../src/pipeline/stage.js';
import { type Bench, type BenchOfBuilds, docker, folderBytes, type Left, timed } from './bench.js';
import { metered } from './meter.js';
import type { BuildFigures, ColdFigures } from './results.js';

/** How a build is run, where it is not the release of the settings from this project. */
export interface Run {
  /** What its files are named by. */
  readonly name: string;
  readonly cacheDir: string;
  readonly buildDir: string;
  readonly options?: readonly string[];
  readonly root?: string;
  readonly release?: string;
}

let runs = 0;

/** A folder for one run. */
async function newFolder({ work }: Bench, name: string): Promise<string> {
  runs += 1;
  const folder = join(work, `${name}-${runs}`);
  await mkdir(folder);
  return folder;
}

/** A cold build with empty caches, and what later cases go on from. */
export async function measureCold(bench: BenchOfBuilds): Promise<{ figures: ColdFigures; left: Left }> {
  const cacheDir = await newFolder(bench, 'cache');
  const { buildDir } = bench;
  const { figures, output } = await runBuild(bench, { name: 'cold', cacheDir, buildDir });
  if (figures.cacheHit !== 'none') throw new Error(`the build was not cold: ${figures.cacheHit}`);
  const entryBytes = await bytesByKind(cacheDir);
  return { figures: { ...figures, entryBytes }, left: { cacheDir, output } };
}

/** What a build does otherwise than the cold one. */
type Change = Partial<Pick<Run, 'options' | 'root' | 'release'>> & {
  /** Whether a cache entry of this kind is lost. */
  readonly lost?: (kind: EntryKind | undefined) => boolean;
};

/** A build with what the cold one left in the caches, whatever was built since. */
export async function measureAfterCold(
  bench: BenchOfBuilds,
  left: Left,
  name: string,
  change: Change = {},
): Promise<BuildFigures> {
  const { buildDir } = bench;
  const { lost = () => false, ...more } = change;
  const cacheDir = await newFolder(bench, 'cache');
  const entries = join(cacheDir, 'entries');
  await cp(join(left.cacheDir, 'entries'), entries, { recursive: true, preserveTimestamps: true });
  for (const key of await entryKeys(cacheDir))
    if (lost(readKey(key).kind)) await rm(join(entries, key), { recursive: true });
  const { figures, output } = await runBuild(bench, { ...more, name, cacheDir, buildDir });
  await rm(cacheDir, { recursive: true });
  await rm(output, { recursive: true });
  return figures;
}

/** The same release from a project whose module template has one more comment. */
export async function measurePackaging(bench: BenchOfBuilds, left: Left): Promise<BuildFigures> {
  const project = await newFolder(bench, 'project');
  for (const part of ['templates', 'spack-repo', 'dist'])
    await cp(join(bench.root, part), join(project, part), { recursive: true });
  for (const part of ['data', 'toolchains', 'scripts', 'package.json'])
    await symlink(join(bench.root, part), join(project, part));
  await appendFile(join(project, 'templates', 'slurm.lua'), '-- Changed by the bench.\n');
  return measureAfterCold(bench, left, 'packaging', { root: project });
}

/** Builds once by the command line. */
export async function runBuild(
  bench: BenchOfBuilds,
  run: Run,
): Promise<{ readonly figures: BuildFigures; readonly output: string }> {
  const { settings, root, say, signal, work } = bench;
  const { name, cacheDir, buildDir, options = [], release = settings.release } = run;
  const output = await newFolder(bench, `output-${name}`);
  const report = `${output}.json`;
  const words = ['build', release, '--toolchain', settings.toolchain, '--engine', 'docker'];
  words.push('--source-mirror', settings.mirror, '--cache-dir', cacheDir, '--build-dir', buildDir);
  words.push(...options, '--output-dir', output, '--report', report);
  const keysBefore = await entryKeys(cacheDir);
  const since = Date.now() / 1000;
  const places = [work, docker('info', '--format', '{{.DockerRootDir}}')];
  const { value, resources } = await metered(places, () =>
    timed(() => runCli(run.root ?? root, words, signal)),
  );
  const { seconds: total, value: pid } = value;
  const added = (await entryKeys(cacheDir)).filter((key) => !keysBefore.includes(key)).map(readKey);
  const told: BuildReport = JSON.parse(await readFile(report, 'utf8'));
  const containers = containersOf(eventsSince(since), pid);
  const figures = { release, total, containers, resources, ...figuresOf(told, added, total) };
  say(`   ${total.toFixed(1)} s, ${figures.smokeTest.toFixed(1)} s of it the smoke test`);
  return { figures, output };
}

function figuresOf(
  { timings, cacheHit, packages, described }: BuildReport,
  added: readonly ReturnType<typeof readKey>[],
  total: number,
): Omit<BuildFigures, 'release' | 'total' | 'containers' | 'resources'> {
  const stage = (wanted: StageId) => timings.find((timing) => timing.stage === wanted)?.seconds;
  const smokeTest = stage('smoke') ?? 0;
  const software = described.find((file) => file.name.endsWith('-software.tar.gz'));
  if (software === undefined) throw new Error('the build gave no software tarball');
  return {
    smokeTest,
    withoutSmokeTest: total - smokeTest,
    cacheHit,
    // A lock that was concretized is saved; one that was restored is not.
    concretized: added.filter(({ kind }) => kind === 'lock').length,
    compiled: packages?.compiled ?? 0,
    fromCache: packages?.fromCache ?? 0,
    compiledNames: added.flatMap(({ kind, name }) =>
      kind === 'package' && name !== undefined ? [name] : [],
    ),
    concretize: stage('lock'),
    // Each package is pushed to the build cache as it finishes, within the installation.
    installAndPush: stage('install'),
    tarball: stage('pack'),
    audit: stage('audit'),
    tarballBytes: software.size,
    stages: timings,
  };
}

/** Runs the command line to its end; returns the number of its process. */
function runCli(root: string, words: readonly string[], signal: AbortSignal): Promise<number | undefined> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [join(root, 'dist', 'cli', 'index.js'), ...words], {
      stdio: ['ignore', process.stderr, 'inherit'],
    });
    // From a terminal it has the interrupt already; a second one is harmless while it cleans up.
    const interrupt = () => child.kill('SIGINT');
    signal.addEventListener('abort', interrupt, { once: true });
    child.on('error', fail);
    child.on('close', (code) => {
      signal.removeEventListener('abort', interrupt);
      if (code === 0) done(child.pid);
      else fail(new Error(`the build ended with ${code}`));
    });
  });
}

/** Attributes of the containers that were made since a time, a line each. */
function eventsSince(since: number): string[] {
  const times = ['--since', since.toFixed(3), '--until', (Date.now() / 1000).toFixed(3)];
  const filters = ['--filter', 'type=container', '--filter', 'event=create'];
  const text = docker('events', ...times, ...filters, '--format', '{{json .Actor.Attributes}}');
  return text.split('\n').filter((line) => line !== '');
}

/**
 * How many containers a process of ours has made, by what they are for.
 * @param events labels and name of each container that was made, as JSON
 */
export function containersOf(
  events: readonly string[],
  pid: number | undefined,
): Record<ContainerKind, number> {
  const labels = events.map((line): Record<string, string> => JSON.parse(line));
  // The owner's fourth word is its process.
  const own = labels.filter((label) => label[ownerLabel]?.split('~')[3] === String(pid));
  const count = (kind: ContainerKind) => own.filter((label) => label[kindLabel] === kind).length;
  return Object.fromEntries(containerKinds.map((kind) => [kind, count(kind)])) as Record<
    ContainerKind,
    number
  >;
}

/** Keys of all entries of a cache folder. */
export async function entryKeys(cacheDir: string): Promise<string[]> {
  const names = await readdir(join(cacheDir, 'entries')).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names.filter((name) => !name.startsWith('.')).sort();
}

/** Bytes of cache entries by what they are of. */
async function bytesByKind(cacheDir: string): Promise<ColdFigures['entryBytes']> {
  const kinds: Partial<Record<EntryKind, number>> = {};
  for (const key of await entryKeys(cacheDir)) {
    const { kind } = readKey(key);
    if (kind === undefined) throw new Error(`${key} is no key of a cache entry`);
    kinds[kind] = (kinds[kind] ?? 0) + (await folderBytes(join(cacheDir, 'entries', key)));
  }
  return kinds;
}
