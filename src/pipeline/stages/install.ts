import type { Ports } from '../../base/ports.js';
import { completePackages } from '../../cache/buildcache.js';
import type { CacheEntries } from '../../cache/entries.js';
import { packageKey } from '../../cache/keys.js';
import type { Session } from '../../container/session.js';
import { installCommand } from '../../spack/commands.js';
import { arrivedPackages, padding } from '../../spack/environment.js';
import { builtSpecs, furtherSpecs, type Lock, type LockedSpec, linkedSpecs } from '../../spack/lock.js';
import { InstallProgress, parseProgressLine } from '../../spack/progress.js';
import type { Ccache } from '../ccache.js';
import { watchCompiling } from '../compiling.js';
import type { BuildContext } from '../context.js';
import type { Indexes } from '../indexes.js';
import type { PackageSaver } from '../packages.js';
import type { Recorder } from '../record.js';
import type { PackageTimes } from '../report.js';
import type { ResolvedBuild } from '../resolve.js';
import type { SharedPackages } from '../shared.js';
import { openShared } from '../sharing.js';
import type { Stage } from '../stage.js';
import type { Builder } from './builder.js';
import { fetchSources } from './fetch.js';
import { explainFailure } from './install-failure.js';
import { type Installed, readInstalled, readPrefixes } from './installed.js';

/** What an installation takes from earlier ones, and leaves to later ones. */
export interface InstallCaches {
  readonly entries: CacheEntries;
  readonly indexes: Indexes;
  readonly ccache: Ccache;
  readonly saver: PackageSaver;
  /** Fetches the sources of what has to be compiled, once Spack's indexes are there. */
  readonly fetch: (specs: readonly LockedSpec[], indexes: Promise<unknown>) => Promise<void>;
  /** The build cache that machines share, where there is one. */
  readonly shared: SharedPackages | undefined;
}

/** Whom an installation tells of itself. */
export interface InstallListeners extends Pick<Ports, 'logger' | 'progress'> {
  /** Told how long each package took, of an installation that fails too. */
  readonly times: (packages: readonly PackageTimes[]) => void;
}

/**
 * Brings the lock's packages from the cache, then lets Spack install them: from there what is there, from
 * source the rest. Each package that was compiled is pushed as it finishes.
 * @throws PackageBuildError, ChecksumError
 */
export async function install(
  build: ResolvedBuild,
  session: Session,
  lock: Lock,
  { entries, indexes, ccache, saver, fetch, shared }: InstallCaches,
  recorder: Recorder,
  { logger, progress, times }: InstallListeners,
): Promise<Installed> {
  const { toolchain, arch } = build.target;
  const place = { toolchain, arch, builder: build.builder, padding };
  const wanted = builtSpecs(lock);
  const arrived = arrivedPackages(build.hostLayout);
  const isTested = testedIn(build, lock);
  const cached = wanted.filter((spec) => !isTested(spec));
  await Promise.all(cached.map(({ name, hash }) => entries.restore(packageKey(place, name, hash), arrived)));
  const restored = (await completePackages(arrived)).map((cached) => cached.hash);
  const directory = build.hostLayout.buildCache;
  recorder.putSave({
    what: 'packages',
    ...{ directory, place, restored },
    wanted: wanted.map(({ hash }) => hash),
  });
  logger.info(`${restored.length} of ${wanted.length} packages are in the build cache`);
  const cachedHashes = await withShared(build, session, shared, cached, restored);
  const built = wanted.filter((spec) => !cachedHashes.includes(spec.hash));
  progress?.({
    what: 'packages',
    total: wanted.length,
    cached: cachedHashes.length,
    compilesRoot: !cachedHashes.includes(lock.root.hash),
  });
  // Licences are in the sources alone, and what is built does not bring them along.
  const ownLibraries = build.target.dependencies === 'self-contained';
  const fetched = [...(ownLibraries ? linkedSpecs(lock) : []), ...furtherSpecs(lock), ...built];
  if (fetched.length > 0) {
    const indexed = indexes.bring(session);
    const sources = fetch([...new Set(fetched)], indexed);
    // Whichever fails, the others must have ended before anything is cleaned up.
    const ready = await Promise.allSettled([indexed, built.length > 0 && ccache.bring(session), sources]);
    for (const one of ready) if (one.status === 'rejected') throw one.reason;
  }

  const installed = (hash: string) => {
    saver.trigger();
    shared?.installed(hash);
  };
  await runInstall(build, session, wanted, installed, { logger, progress, times }).finally(() => {
    saver.trigger();
    shared?.push();
  });
  await ccache.finished(session);
  return readInstalled(build, session, lock);
}

/** Hashes of the packages that need not be built: what a shared build cache has comes to what is here already. */
async function withShared(
  build: ResolvedBuild,
  session: Session,
  shared: SharedPackages | undefined,
  wanted: readonly LockedSpec[],
  here: readonly string[],
): Promise<readonly string[]> {
  if (shared === undefined) return here;
  await shared.bring(wanted, here);
  const installed = await readPrefixes(build, session.layout);
  const came = wanted.map(({ hash }) => hash).filter((hash) => installed.has(hash));
  return [...new Set([...here, ...came])];
}

/** Which packages are tested, and so compiled: what comes from the build cache Spack doesn't test. */
function testedIn({ own: { tests } }: ResolvedBuild, lock: Lock): (spec: LockedSpec) => boolean {
  return (spec) => tests === 'all' || (tests === 'root' && [lock.root, ...lock.further].includes(spec));
}

/**
 * Lets Spack install, and tells how far it is.
 * @param wanted the packages that are not the distribution's
 */
async function runInstall(
  build: ResolvedBuild,
  session: Session,
  wanted: readonly LockedSpec[],
  installed: (hash: string) => void,
  { logger, progress: told, times }: InstallListeners,
): Promise<void> {
  const progress = new InstallProgress(wanted.length);
  const { command, env } = installCommand(session, build.jobs, build.own.tests);
  const tail: string[] = [];
  const onLine = (line: string) => {
    const shown = progress.read(line);
    const parsed = parseProgressLine(line);
    if (parsed?.status === 'installed') installed(parsed.hash);
    if (shown !== undefined) {
      logger.info(shown);
      if (progress.current !== undefined) told?.({ what: 'package', ...progress.current });
    } else logger.debug(line);
    if (line.trim() !== '') tail.push(line.slice(0, longestLine));
    if (tail.length > mostLines) tail.splice(0, mostLines / 2);
  };
  const compiling = () => (progress.current?.phase === 'build' ? progress.current : undefined);
  const tell = (name: string, files: number) => told?.({ what: 'compiled', name, files });
  const unwatch =
    told === undefined ? () => {} : watchCompiling(build.hostLayout.buildStage, compiling, tell);
  const result = await session.exec(command, { env, onLine }).finally(() => {
    unwatch();
    times(wanted.map(({ name, version, hash }) => ({ name, version, hash, ...progress.timesOf(hash) })));
  });
  if (result.exitCode !== 0) throw await explainFailure(build, session, progress, tail, logger);
}

/** Lines of Spack's that are looked at when an install has failed. */
const mostLines = 20_000;
/** Characters of each. */
const longestLine = 2_000;

/** Lets Spack install the lock's packages. */
export const installStage: Stage<
  { readonly builder: Builder; readonly session: Session; readonly lock: Lock },
  { readonly installed: Installed }
> = {
  id: 'install',
  run: async (context, { builder, session, lock }) => {
    const { build, entries, indexes, ccache, saver, recorder, ports } = context;
    const fetch = fetcher(context, builder);
    const shared = await openShared(context, builder);
    const caches = { entries, indexes, ccache, saver, fetch, shared };
    const told = { logger: ports.logger, progress: ports.progress, times: context.tellTimes };
    return { installed: await install(build, session, lock, caches, recorder, told) };
  },
};

const fetcher =
  ({ build, recorder, ports }: BuildContext, builder: Builder): InstallCaches['fetch'] =>
  async (specs, indexed) => {
    await fetchSources(build, specs, () => builder.startFetcher(recorder), indexed, ports);
    recorder.dropContainer('fetch');
  };
