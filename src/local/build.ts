import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { buildEnvironment } from '../base/environment.js';
import { describeError } from '../base/errors.js';
import { exists } from '../base/files.js';
import { makeFolder } from '../base/folders.js';
import type { Logger, Ports } from '../base/ports.js';
import { makeSeal, type Seal } from '../cache/seal.js';
import { cacheSecretOf } from '../config/resolve.js';
import { afterBuild } from '../pipeline/after.js';
import { recordPlaces } from '../pipeline/confine.js';
import { runBuild } from '../pipeline/pipeline.js';
import { type PostRecord, storedRecord } from '../pipeline/record.js';
import type { BuildReport } from '../pipeline/report.js';
import type { BuildRequest } from '../pipeline/resolve.js';
import type { CacheReport } from '../pipeline/summary.js';
import { openCacheFolders } from './cache-folder.js';
import { foldersOf, type LocalPlace, localMachine, type Machine } from './machine.js';
import { claimRecords, RecordFile } from './records.js';
import { countFiles, keepTimings } from './timings.js';

/** What the caller of a build on this machine brings. */
export interface LocalBuildRequest
  extends Pick<BuildRequest, 'layers' | 'project' | 'cwd' | 'keepContainer'> {
  /** Install what the machine lacks (engine: none only). */
  readonly installMissing?: boolean;
}

/** What a build on this machine gave. */
export interface LocalBuild {
  readonly report: BuildReport;
  /** What became of all cache entries, those that were saved after the build too. */
  readonly caches: CacheReport;
}

/** What is done on this machine with the folders and the record of a build. */
type Work<T> = (request: BuildRequest, ports: Ports) => Promise<T>;

/**
 * Builds a target on this machine and does all that follows a build, whatever becomes of it: containers and the
 * build's folder go, what is complete is saved. Builds that were killed earlier are finished first. Any number
 * of builds may run at once, in one process or in many.
 * @param told called with what became of the cache entries of each build that was finished, a failed one too
 * @throws FactoryError
 */
export async function buildLocally(
  request: LocalBuildRequest,
  place: LocalPlace,
  told: (caches: CacheReport) => void = () => {},
  machine: Machine = localMachine,
): Promise<LocalBuild> {
  const counted = countFiles(place.progress);
  const counting = { ...place, ...(counted.progress === undefined ? {} : { progress: counted.progress }) };
  const done = await workLocally(request, counting, told, machine, runBuild);
  const report = done.result;
  await keepTimings(place.cacheDir, report, counted.files(), place.logger);
  return { report, caches: done.caches ?? { uses: report.caches, stored: undefined, budget: 0 } };
}

/**
 * Does what takes a build's folders, containers and caches, and all that follows it, as `buildLocally` does.
 * @throws FactoryError
 */
export async function workLocally<T>(
  request: LocalBuildRequest,
  place: LocalPlace,
  told: (caches: CacheReport) => void,
  machine: Machine,
  work: Work<T>,
): Promise<{ readonly result: T; readonly caches: CacheReport | undefined }> {
  const { env, logger } = place;
  const { cacheDir, buildDir, spackCache, transfers, records } = foldersOf(place);
  // A record of this build lies there before anything else.
  await makeFolder(cacheDir, { mode: 0o700, input: '--cache-dir' });
  await makeFolder(buildDir, { mode: 0o700, input: '--build-dir' });
  const secret = cacheSecretOf(request.layers);
  await openCacheFolders([cacheDir, buildDir, spackCache], secret !== undefined, logger);
  const seal = secret === undefined ? undefined : makeSeal(secret);
  const host = await machine.inspectHost(env);
  const runId = randomBytes(6).toString('hex');
  const own = `${host.owner}~${runId}`;
  const transfer = join(transfers, own);
  const places = recordPlaces(buildDir, transfer, env);
  const record = new RecordFile(records, own, places);
  const ports = machine.ports({ ...place, record, transfer });
  for (const earlier of claimRecords(records, host.owner, places)) {
    logger.info('An earlier build was killed; what it built is kept, the rest of it is removed.');
    const caches = await finish(earlier, ports, seal);
    if (caches !== undefined) told(caches);
  }
  let caches: CacheReport | undefined;
  const finished = async () => {
    caches = await finish(record, ports, seal);
    if (caches !== undefined) told(caches);
  };
  const result = await work(
    {
      ...request,
      ...{ host, transfer, runId },
      workRoot: buildDir,
      trigger: { event: undefined, ref: undefined, fromFork: false },
      variable: (name: string) => env[name],
      env: buildEnvironment(env),
      installMissing: request.installMissing ?? false,
    },
    ports,
  ).finally(finished);
  return { result, caches };
}

/** @returns undefined where there was nothing to finish */
async function finish(file: RecordFile, ports: Ports, seal?: Seal): Promise<CacheReport | undefined> {
  const record = readOrTell(file, ports.logger);
  const caches = record === undefined ? undefined : await afterBuild(record, ports, seal);
  if (record === undefined || record.kept || !(await exists(record.buildFolder))) file.remove();
  // A container that outlives its engine still writes; the next build removes the folder then, and only that.
  else file.save(storedRecord({ ...record, saves: [] }));
  return caches;
}

// A record that is not to be followed is none: it goes, and what it names stays.
function readOrTell(file: RecordFile, logger: Logger): PostRecord | undefined {
  try {
    return file.read();
  } catch (error) {
    logger.warning(describeError(error));
    return undefined;
  }
}
