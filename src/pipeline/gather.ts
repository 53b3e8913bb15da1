import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { lock } from 'proper-lockfile';
import { ContainerError, InputError, NoEngineError, SpackUnreachableError } from '../base/errors.js';
import { makeFolder } from '../base/folders.js';
import type { Ports } from '../base/ports.js';
import { copyPlain } from '../base/safe.js';
import { withSignal } from '../base/signal.js';
import { lastLine } from '../base/text.js';
import { listPlain } from '../base/walk.js';
import { describeFile } from '../bundle/sums.js';
import type { EngineProgram } from '../container/confinement.js';
import { imageTag } from '../container/image.js';
import type { Outdated } from '../distro/security.js';
import { smokeImage } from '../smoke/plan.js';
import { fetchWords, git, type Pin } from '../spack/checkout.js';
import { builtSpecs } from '../spack/lock.js';
import { type BuildContext, closing, openContext } from './context.js';
import {
  emptyIndex,
  isFileOf,
  type MirrorIndex,
  mirrorIndex,
  mirrorRepository,
  openMirror,
} from './mirror.js';
import { type BuildRequest, type ResolvedBuild, resolveBuild } from './resolve.js';
import { solve } from './solve.js';
import { Stopwatch } from './stage.js';
import { fetchSources } from './stages/fetch.js';
import { bringUpdates, outdatedInstalled, updatesFolder } from './stages/graft.js';

/** What came to a mirror for one target; what was there already counts as nothing. */
export interface Gathered {
  readonly identifier: string;
  /** Files and bytes that were added. */
  readonly files: number;
  readonly bytes: number;
}

/** What is known of a target once it is built. */
export interface GatheredResult {
  readonly runtimePackages: readonly string[];
  /** Names of the distribution's packages whose libraries are in the tarball. */
  readonly brought: readonly string[];
}

const filesOf = ({ sources, images, updates }: MirrorIndex) => [
  ...[...sources, ...images],
  ...updates.flatMap(({ files }) => files),
];

/**
 * Adds to a directory all that a build of a target fetches: source archives, Spack and its packages, the builder
 * image, and the image that its result is tested in. What is there already stays as it is.
 * @param result of the target: the image of its smoke test has its `runtimePackages`; of the packages whose libraries
 * it `brought`, security updates come along
 * @throws InputError for a source that a mirror does not hold, and all that the stages of a build throw
 */
export async function gather(
  request: BuildRequest,
  folder: string,
  result: GatheredResult,
  given: Ports,
): Promise<Gathered> {
  const ports = { ...given, process: withSignal(given.process, given.signal) };
  const watch = new Stopwatch(ports);
  const build = await watch.stage('resolve', () => resolveBuild(request, ports));
  refuseOtherSource(build);
  const context = openContext(build, request, ports);
  await makeFolder(folder, { input: 'folder' });
  const unlock = await lock(join(folder, mirrorIndex), {
    ...{ lockfilePath: join(folder, '.mirror.lock'), realpath: false, stale: 60_000, retries: 100 },
  });
  try {
    const outdated = await bringAll(context, watch, result);
    const known = (await openMirror(folder))?.index ?? emptyIndex;
    const index = await addAll(context, folder, outdated, result, known);
    await writeIndex(folder, index);
    context.recorder.update({ succeeded: true });
    const before = filesOf(known);
    const added = filesOf(index).filter((one) => !before.some(({ path }) => path === one.path));
    const bytes = added.reduce((sum, { size }) => sum + size, 0);
    return { identifier: build.identifier, files: added.length, bytes };
  } finally {
    await unlock();
  }
}

// A repository and a web server can't be asked without a network.
function refuseOtherSource({ release: { source }, options }: ResolvedBuild): void {
  if (source === undefined) return;
  const isHere = source.commit === undefined && source.archive === undefined;
  if (isHere && options.source === undefined) return;
  throw new InputError([
    {
      input: 'slurm-version',
      message:
        'a mirror has the releases that data/ lists. Keep another source as an archive beside it, and name its path and slurm-sha256.',
    },
  ]);
}

/**
 * Brings what a build is done with, the sources of all that Spack builds, and security updates.
 * @returns what there are updates of; undefined where nobody was asked
 */
async function bringAll(
  context: BuildContext,
  watch: Stopwatch,
  { brought }: GatheredResult,
): Promise<readonly Outdated[] | undefined> {
  const { build, recorder, indexes, ports } = context;
  return closing(context, async () => {
    const { builder, session, lock: locked } = await solve.run(context, watch, {});
    const indexed = indexes.bring(session);
    await fetchSources(build, builtSpecs(locked), () => builder.startFetcher(recorder), indexed, ports);
    recorder.dropContainer('fetch');
    if (context.securityIndex.asked === undefined || brought.length === 0) return undefined;
    const outdated = (await outdatedInstalled(context, session)).filter(({ name }) => brought.includes(name));
    if (outdated.length === 0) return outdated;
    const came = await bringUpdates(context, builder, session.layout, outdated);
    return came === undefined ? undefined : outdated;
  });
}

async function addAll(
  { build, ports }: BuildContext,
  folder: string,
  outdated: readonly Outdated[] | undefined,
  { runtimePackages }: GatheredResult,
  known: MirrorIndex,
): Promise<MirrorIndex> {
  const { fetched } = build.hostLayout;
  const isSource = (path: string) => path.startsWith('_source-cache/');
  const sources = await addFiles(fetched, isSource, folder, '', known.sources);
  const updates =
    outdated === undefined ? known.updates : await addUpdates(build, folder, outdated, known.updates);
  const { engine, pins } = build;
  const spack = await addCommit(pins.spack, folder, known.git.spack, ports);
  const packages = await addCommit(pins.packages, folder, known.git.packages, ports);
  if (engine instanceof NoEngineError) throw engine;
  let { images } = known;
  if (engine.kind !== 'none') {
    const { toolchain, options } = build;
    const tags = [
      imageTag(build.image),
      ...(options.smokeTest ? [smokeImage(toolchain, runtimePackages, options.containerImage).tag] : []),
    ];
    for (const tag of tags) images = await addImage(engine.kind, tag, folder, images, ports);
  }
  const { identifier, contentKey } = build;
  const others = known.targets.filter((target) => target.contentKey !== contentKey);
  return {
    ...{ schema: 1, targets: [...others, { identifier, contentKey }], sources, updates, images },
    git: { spack, packages },
  };
}

/** Copies files that are wanted to below a folder of the mirror. */
async function addFiles(
  from: string,
  wanted: (path: string) => boolean,
  folder: string,
  below: string,
  known: MirrorIndex['sources'],
): Promise<MirrorIndex['sources']> {
  const added: MirrorIndex['sources'] = [];
  for (const name of (await listPlain(from)).filter(wanted)) {
    const path = posix.join(below, name);
    if (known.some((one) => one.path === path)) continue;
    const to = join(folder, path);
    await mkdir(dirname(to), { recursive: true });
    // A file without a row is of a run that was ended.
    await rm(to, { force: true });
    added.push({ path, ...(await copyPlain(from, name, to, { mode: 0o644 })) });
  }
  return [...known, ...added].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Notes what there is something newer of, with its files; what was known of other packages stays. */
async function addUpdates(
  { target: { toolchain, arch }, hostLayout }: ResolvedBuild,
  folder: string,
  outdated: readonly Outdated[],
  known: MirrorIndex['updates'],
): Promise<MirrorIndex['updates']> {
  const own = known.find((one) => one.toolchain === toolchain && one.arch === arch);
  const others = known.filter((one) => one !== own);
  const from = join(hostLayout.fetched, updatesFolder);
  const below = posix.join(updatesFolder, `${toolchain}-${arch}`);
  const names = outdated.map(({ name }) => name);
  const files = await addFiles(from, (path) => isFileOf(path, names), folder, below, own?.files ?? []);
  const packages = [
    ...(own?.packages ?? []).filter(({ name }) => !names.includes(name)),
    ...outdated.map(({ name, newer }) => ({ name, version: newer })),
  ];
  return [...others, { toolchain, arch, packages, files }];
}

/** Fetches a commit into the mirror's repository; a ref of its own keeps it there. */
async function addCommit(
  pin: Pin,
  folder: string,
  known: readonly string[],
  { process }: Pick<Ports, 'process'>,
): Promise<string[]> {
  const { name, url, commit } = pin;
  if (known.includes(commit)) return [...known];
  const repository = mirrorRepository(folder, name);
  await mkdir(repository, { recursive: true });
  const run = (...words: string[]) => process.run([...git, '--git-dir', repository, ...words]);
  for (const words of [['init', '--quiet', '--bare'], fetchWords(pin, `${commit}:refs/pins/${commit}`)]) {
    const done = await run(...words);
    if (done.exitCode === 0) continue;
    throw new SpackUnreachableError(
      `${url} can't be mirrored: ${lastLine(done.stderr)}`,
      'Check the network and the proxy settings.',
    );
  }
  return [...known, commit];
}

async function addImage(
  program: EngineProgram,
  tag: string,
  folder: string,
  known: MirrorIndex['images'],
  { process, logger, signal }: Pick<Ports, 'process' | 'logger' | 'signal'>,
): Promise<MirrorIndex['images']> {
  if (known.some((one) => one.tag === tag)) return known;
  const path = `images/${tag.replaceAll(/[/:]/g, '_')}.tar.gz`;
  const [to, plain] = [join(folder, path), join(folder, `${path}.partial`)];
  await mkdir(dirname(to), { recursive: true });
  try {
    await rm(plain, { force: true });
    logger.info(`Saving ${tag}`);
    const saved = await process.run([program, 'save', '--output', plain, tag]);
    if (saved.exitCode !== 0) {
      throw new ContainerError(
        `The image ${tag} could not be saved: ${lastLine(saved.stderr)}`,
        'Check the disk, and that the build made the image: with smoke-test: false there is none for tests.',
      );
    }
    await pack(plain, `${plain}.gz`, signal);
    await rename(`${plain}.gz`, to);
  } finally {
    await rm(plain, { force: true });
    await rm(`${plain}.gz`, { force: true });
  }
  const { size, sha256 } = await describeFile(to);
  return [...known, { tag, path, size, sha256 }];
}

// The least effort is twice as fast as the next, for a twentieth more bytes.
async function pack(from: string, to: string, signal: AbortSignal): Promise<void> {
  const file = await open(to, 'wx', 0o644);
  await pipeline(createReadStream(from), createGzip({ level: 1 }), file.createWriteStream(), { signal });
}

async function writeIndex(folder: string, index: MirrorIndex): Promise<void> {
  const partial = join(folder, `${mirrorIndex}.partial`);
  await rm(partial, { force: true });
  const file = await open(partial, 'wx', 0o644);
  try {
    await file.writeFile(`${JSON.stringify(index, undefined, 2)}\n`);
  } finally {
    await file.close();
  }
  await rename(partial, join(folder, mirrorIndex));
}
