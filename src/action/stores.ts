import { mkdir } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { listFiles } from '../base/files.js';
import type { ArtifactStore, CacheInventory, CacheStore, Logger } from '../base/ports.js';
import { unpackingInto } from './unpack.js';

// The clients are loaded when they are needed: they are most of the bundle, and start-up should not wait.
const cacheClient = () => import('@actions/cache');
const artifactClient = async () => new (await import('@actions/artifact')).DefaultArtifactClient();

/**
 * GitHub's cache service. The paths are part of an entry's version there, so they are given relative to
 * the workspace: the same on every runner.
 * @param workspace the workflow's workspace, which the service's client takes relative paths from
 * @param inventory what lists the entries; the client of the service can not
 * @param confirms whether what was saved is looked up: with the v1 protocol the client gives the entry's
 * number for an upload that failed too
 */
export function actionsCache(workspace: string, inventory?: CacheInventory, confirms = false): CacheStore {
  const pathOf = (directory: string): string[] => [relative(workspace, directory)];
  const find: CacheStore['find'] = async (key, prefixes, directory) => {
    const { restoreCache, isFeatureAvailable } = await cacheClient();
    if (!isFeatureAvailable()) return undefined;
    const found = await restoreCache(pathOf(directory), key, [...prefixes], { lookupOnly: true });
    // The service takes the key itself for a prefix too.
    const fits = found === key || prefixes.some((prefix) => found?.startsWith(prefix) === true);
    return fits ? found : undefined;
  };
  return {
    ...(inventory === undefined ? {} : { inventory }),
    find,
    async restore(key, prefixes, directory) {
      // The client answers undefined for a miss and for most faults alike. Who knows from a look-up that
      // the entry is there can tell one that did not come whole, which is to be saved anew, from a miss.
      const found = await find(key, prefixes, directory);
      if (found === undefined) return undefined;
      const { restoreCache } = await cacheClient();
      const [path = ''] = pathOf(directory);
      await unpackingInto(dirname(path), () => restoreCache([path], found, []));
      return found;
    },
    async save(key, directory) {
      const { saveCache, restoreCache, isFeatureAvailable } = await cacheClient();
      if (!isFeatureAvailable()) throw new Error('there is no cache service in this job');
      const saved = (await saveCache(pathOf(directory), key)) !== -1;
      if (saved && !confirms) return 'saved';
      // -1 stands for an entry that exists and for most faults; only the service knows which.
      const found = await restoreCache(pathOf(directory), key, [], { lookupOnly: true });
      if (found === key) return saved ? 'saved' : 'exists';
      throw new Error('the service did not take the entry');
    },
  };
}

/**
 * GitHub's artifact service.
 * @param urlOf web address of an artifact by its number
 */
export function actionsArtifacts(urlOf: (id: number | undefined) => string): ArtifactStore {
  const upload = async (
    name: string,
    files: string[],
    folder: string,
    options: { skipArchive: boolean; retentionDays: number | undefined },
  ) => {
    const client = await artifactClient();
    const { id } = await client.uploadArtifact(name, files, folder, {
      skipArchive: options.skipArchive,
      ...(options.retentionDays === undefined ? {} : { retentionDays: options.retentionDays }),
    });
    return { name, url: urlOf(id), ...(id === undefined ? {} : { id }) };
  };
  return {
    uploadFile: (file, retentionDays) =>
      upload(basename(file), [file], dirname(file), { skipArchive: true, retentionDays }),
    uploadFolder: async (name, folder, retentionDays) => {
      const files = (await listFiles(folder)).map((file) => join(folder, file));
      return upload(name, files, folder, { skipArchive: false, retentionDays });
    },
  };
}

/**
 * Fetches artifacts of this run that are files of results, as they were uploaded: not zipped, under their own names.
 * @param directory folder for them, made where it is not there
 * @param isWanted tells by its name whether an artifact is one
 * @returns how many came
 * @throws Error when one does not come whole
 */
export async function fetchArtifacts(
  directory: string,
  isWanted: (name: string) => boolean,
  logger: Pick<Logger, 'info'>,
): Promise<number> {
  const client = await artifactClient();
  const { artifacts } = await client.listArtifacts({ latest: true });
  const wanted = artifacts.filter(({ name }) => isWanted(name));
  await mkdir(directory, { recursive: true });
  for (const { id, name, digest } of wanted) {
    logger.info(`Fetching ${name}`);
    // What the service calls the file is not believed: it gets a folder of its own.
    const own = join(directory, `${id}`);
    const { digestMismatch } = await client.downloadArtifact(id, {
      path: own,
      skipDecompress: true,
      ...(digest === undefined ? {} : { expectedHash: digest }),
    });
    if (digestMismatch === true) throw new Error(`the artifact ${name} did not come as it was uploaded`);
    const [file = ''] = await listFiles(own);
    if (file !== name) throw new Error(`the artifact ${name} has a file of another name, ${file}`);
  }
  return wanted.length;
}
