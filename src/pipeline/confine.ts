import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { ConfigurationError } from '../base/errors.js';
import { isPlainName } from '../cache/content.js';
import { isScope, reachOf, readKey } from '../cache/keys.js';
import { type ContainerKind, containerNameFor } from '../container/container.js';
import { layoutBelow } from '../container/layout.js';
import { ccacheFolder } from '../spack/commands.js';
import { readTarget, type Target } from '../targets/identifier.js';
import { type PostRecord, type Save, type StoredRecord, type StoredSave, storedSchema } from './record.js';

/** The folders that a record may name something in; they come from who reads it, never from the record. */
export interface RecordPlaces {
  /** Folder that build folders lie in. */
  readonly workRoot: string;
  /** Folder that the folders lie in which cache entries pass through. */
  readonly transfers: string;
  /** Folders that folders with a signing key are made in. */
  readonly keyrings: readonly string[];
}

/** @param transfer folder that cache entries of this run pass through */
export function recordPlaces(
  workRoot: string,
  transfer: string,
  env: Readonly<Record<string, string | undefined>>,
): RecordPlaces {
  const runtime = env['XDG_RUNTIME_DIR'];
  const keyrings = ['/dev/shm', ...(runtime ? [runtime] : []), tmpdir()];
  return { workRoot, transfers: dirname(transfer), keyrings };
}

/** What a build's folder is called: the beginning of its content key and the run's own name. */
export const buildName = (contentKey: string, runId: string): string =>
  `build-${contentKey.slice(0, 12)}-${runId}`;
const buildNames = /^build-[0-9a-f]{12}-[0-9A-Za-z]{1,64}$/;
export const isBuildName = (name: string): boolean => buildNames.test(name);

/** Name of a build's container of a kind. */
export const containerOf = (buildFolder: string, kind: ContainerKind = 'build'): string =>
  containerNameFor(basename(buildFolder), kind);

/**
 * What a record says, in paths of this machine: all of them lie in the build's own folders, whatever the
 * record is. What can be told from the build's name is not read from it.
 * @returns a sentence's end that says what is wrong, for a record that names anything else
 */
export function confine(stored: StoredRecord, places: RecordPlaces): PostRecord | string {
  const { build, transfer, cleanups, saves, ...rest } = stored;
  const wrong = problemOf(stored, places);
  if (wrong !== undefined) return wrong;
  const buildFolder = join(places.workRoot, build);
  const layout = layoutBelow(buildFolder);
  return {
    ...rest,
    buildFolder,
    transfer: join(places.transfers, transfer),
    buildStage: layout.buildStage,
    cleanups: cleanups.map((cleanup) =>
      cleanup.what === 'container' ? { ...cleanup, name: containerOf(build, cleanup.kind) } : cleanup,
    ),
    saves: saves.map((save): Save => {
      if (save.what === 'packages') return { ...save, directory: layout.buildCache };
      if (save.what === 'ccache') return { ...save, directory: ccacheFolder(layout) };
      const { folder, ...named } = save;
      return { ...named, directory: join(buildFolder, folder) };
    }),
  };
}

/**
 * Reads a record; undefined when main never got as far as writing one.
 * @throws ConfigurationError when it names anything outside of the build's own folders; another error when it
 * is no record of this version
 */
export function parseRecord(text: string, places: RecordPlaces): PostRecord | undefined {
  if (text === '') return undefined;
  const record = confine(storedSchema.parse(JSON.parse(text)), places);
  if (typeof record !== 'string') return record;
  throw new ConfigurationError(
    `The record of an earlier build is not followed: ${record}.`,
    'Look who can write to the folder of the caches; what it names is left alone.',
  );
}

function problemOf(stored: StoredRecord, places: RecordPlaces): string | undefined {
  const target = readTarget(stored.identifier, stored.toolchain);
  if (target === undefined) return 'its target is none';
  if (!isBuildName(stored.build)) return 'its build folder is not one of a build';
  if (!isPlainPart(stored.transfer)) return 'its transfer folder is not one of a build';
  if (!stored.policy.scopes.every(isScope)) return 'a cache scope is unknown';
  for (const cleanup of stored.cleanups) {
    if (cleanup.what === 'keyring' && !isKeyring(cleanup.folder, places))
      return 'its key folder is not one of a build';
  }
  const keys = [...(stored.damaged ?? []), ...stored.cacheUses.map(({ key }) => key)];
  if (!keys.every((key) => words.test(key) && readKey(key).kind !== undefined))
    return 'a cache key is unknown';
  for (const save of stored.saves) {
    const problem = saveProblem(save, stored.identifier, target);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function saveProblem(save: StoredSave, identifier: string, target: Target): string | undefined {
  const reach = reachOf(identifier, target);
  const ours = (key: string) =>
    words.test(key) && reach.prefixes.some((prefix) => key.startsWith(prefix)) && reach.includes(key);
  switch (save.what) {
    case 'files':
      if (!ours(save.key)) return 'a cache entry is not of its target';
      if (!isPlainName(save.folder) || !(save.files ?? []).every(isPlainName))
        return 'a file lies outside of its build';
      return undefined;
    case 'packages': {
      const { place, restored, wanted = [] } = save;
      if (place.toolchain !== target.toolchain || place.arch !== target.arch)
        return 'its packages are of another target';
      return [...restored, ...wanted].every((hash) => words.test(hash))
        ? undefined
        : "a package's hash is not one of Spack's";
    }
    case 'ccache':
      return ours(save.prefix) ? undefined : "ccache's files are of another target";
  }
}

// Keys and hashes reach logs and file names: printable ASCII without a slash.
const words = /^[ -.0-~]{1,400}$/;

const isPlainPart = (name: string): boolean => isPlainName(name) && !name.includes('/');

/** Whether a path is one that a folder with a signing key may have. */
export const isKeyring = (folder: string, { keyrings }: Pick<RecordPlaces, 'keyrings'>): boolean =>
  keyrings.some((place) => folder === join(place, basename(folder))) &&
  /^slurm-factory-gpg-[A-Za-z0-9]{6}$/.test(basename(folder));
