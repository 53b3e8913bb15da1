import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { ChecksumError, PackageBuildError, PackagingError } from '../../base/errors.js';
import { freeBytes } from '../../base/files.js';
import type { Logger } from '../../base/ports.js';
import { completePackages } from '../../cache/buildcache.js';
import type { CacheEntries } from '../../cache/entries.js';
import { packageKey } from '../../cache/keys.js';
import type { Session } from '../../container/session.js';
import { installCommand } from '../../spack/commands.js';
import { padding } from '../../spack/environment.js';
import { firstErrorLine, InstallProgress, parseProgressLine } from '../../spack/progress.js';
import { builtSpecs, installedPrefix, type Lock } from '../../spack/results.js';
import type { Ccache } from '../ccache.js';
import type { Indexes } from '../indexes.js';
import { logName } from '../logs.js';
import type { PackageSaver } from '../packages.js';
import type { BuildPlan } from '../plan.js';
import type { Recorder } from '../record.js';
import type { PackageCounts } from '../report.js';

export interface Installed {
  /** Slurm's prefix, as the session sees it. */
  readonly prefix: string;
  readonly packages: PackageCounts;
  /** Slurm itself came from the build cache. */
  readonly rootFromCache: boolean;
}

/** What an installation takes from earlier ones, and leaves to later ones. */
export interface InstallCaches {
  readonly entries: CacheEntries;
  readonly indexes: Indexes;
  readonly ccache: Ccache;
  readonly saver: PackageSaver;
}

/**
 * Brings the lock's packages from the cache to the build cache, then lets Spack install them: from there
 * what is there, from source the rest. Each package that was compiled is pushed as it finishes.
 * @throws PackageBuildError, ChecksumError
 */
export async function install(
  plan: BuildPlan,
  session: Session,
  lock: Lock,
  { entries, indexes, ccache, saver }: InstallCaches,
  recorder: Recorder,
  logger: Logger,
): Promise<Installed> {
  const { toolchain, arch } = plan.target;
  const place = { toolchain, arch, builder: plan.builder, padding };
  const wanted = builtSpecs(lock);
  const directory = plan.hostLayout.buildCache;
  await Promise.all(
    wanted.map(({ name, hash }) => entries.restore(packageKey(place, name, hash), directory)),
  );
  const restored = (await completePackages(directory)).map((cached) => cached.hash);
  recorder.update({ packages: { directory, place, restored } });
  logger.info(`${restored.length} of ${wanted.length} packages are in the build cache`);
  const built = wanted.filter((spec) => !restored.includes(spec.hash));
  if (built.length > 0) await Promise.all([indexes.bring(), ccache.bring()]);

  const progress = new InstallProgress(wanted.length);
  const { command, env } = installCommand(session, plan.jobs);
  const tail: string[] = [];
  const result = await session.exec(command, {
    env,
    onLine: (line) => {
      const shown = progress.read(line);
      if (parseProgressLine(line)?.status === 'installed') saver.trigger();
      if (shown !== undefined) logger.info(shown);
      else logger.debug(line);
      if (line.trim() !== '') tail.push(line);
    },
  });
  saver.trigger();
  if (result.exitCode !== 0) throw await explainFailure(plan, session, progress, tail, logger);
  ccache.finished();
  return {
    prefix: await findPrefix(plan, session, lock),
    packages: {
      external: lock.specs.length - wanted.length,
      fromCache: wanted.length - built.length,
      compiled: built.length,
    },
    rootFromCache: restored.includes(lock.root.hash),
  };
}

async function findPrefix(plan: BuildPlan, session: Session, lock: Lock): Promise<string> {
  // The database lies at the padded root, some folders down.
  const databases = await findDatabases(plan.hostLayout.store);
  for (const database of databases) {
    const prefix = installedPrefix(await readFile(database, 'utf8'), lock.root.hash);
    if (prefix !== undefined) return prefix;
  }
  throw new PackagingError(
    `Spack says that it installed ${lock.root.name}, but its database below ${session.layout.store} does not.`,
    'Build again with cache: false.',
  );
}

async function findDatabases(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  if (names.includes('.spack-db')) return [join(folder, '.spack-db', 'index.json')];
  // The last of the padding's folders is cut to length.
  const padded = names.filter((name) => '__spack_path_placeholder__'.startsWith(name));
  return (await Promise.all(padded.map((name) => findDatabases(join(folder, name))))).flat();
}

/** Less than this, and what failed has failed for it; not every program says so (`ar`: "reason: Success"). */
const fullDiskBytes = 100e6;

async function explainFailure(
  plan: BuildPlan,
  session: Session,
  progress: InstallProgress,
  tail: readonly string[],
  logger: Logger,
): Promise<Error> {
  for (const line of tail.slice(-40)) logger.info(line);
  const output = tail.join('\n');
  const mismatch = /ChecksumError|checksum failed for (.*)/.exec(output);
  if (mismatch !== null) {
    return new ChecksumError(
      `An archive's sha256 is not the expected one: ${firstErrorLine(output) ?? mismatch[0]}`,
      'Check the source mirror or proxy that served it; nothing of it was used.',
    );
  }
  const { failure } = progress;
  const { stage } = plan.hostLayout;
  const log = failure?.logPath === undefined ? undefined : relative(session.layout.stage, failure.logPath);
  const text = log === undefined ? '' : await readFile(join(stage, log), 'utf8').catch(() => '');
  const free = await freeBytes(plan.buildFolder);
  const fullDisk =
    free < fullDiskBytes
      ? `No space left on device: ${(free / 1e6).toFixed(0)} MB are free in ${plan.buildFolder}`
      : undefined;
  return new PackageBuildError({
    package: failure === undefined ? 'a package' : `${failure.name}@${failure.version}`,
    phase: failure?.lastPhase ?? 'unknown',
    firstError:
      fullDisk ?? firstErrorLine(text) ?? firstErrorLine(output) ?? tail.at(-1) ?? 'Spack said nothing',
    log: log === undefined ? undefined : logName(log),
  });
}
