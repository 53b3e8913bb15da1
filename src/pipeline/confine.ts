import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { isPlainName } from '../cache/content.js';
import { isScope, reachOf, readKey } from '../cache/keys.js';
import { containerNameFor } from '../container/container.js';
import { layoutBelow } from '../container/layout.js';
import { ccacheFolder } from '../spack/commands.js';
import { parseTarget } from '../targets/identifier.js';
import type { PostRecord, StoredRecord } from './record.js';

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

/** Name of a build's container. */
export const containerOf = (buildFolder: string): string => containerNameFor(basename(buildFolder), 'build');
/** Name of the container that its sources are fetched in. */
export const fetchContainerOf = (buildFolder: string): string =>
  containerNameFor(basename(buildFolder), 'fetch');
/** Name of the container of its smoke test. */
export const smokeContainerOf = (buildFolder: string): string =>
  containerNameFor(basename(buildFolder), 'smoke');

/**
 * What a record says, in paths of this machine: all of them lie in the build's own folders, whatever the
 * record is. What can be told from the build's name is not read from it.
 * @returns a sentence's end that says what is wrong, for a record that names anything else
 */
export function confine(stored: StoredRecord, places: RecordPlaces): PostRecord | string {
  const { build, transfer, container, fetch, smoke, saves, packages, ccache, ...rest } = stored;
  const wrong = problemOf(stored, places);
  if (wrong !== undefined) return wrong;
  const buildFolder = join(places.workRoot, build);
  const layout = layoutBelow(buildFolder);
  return {
    ...rest,
    buildFolder,
    transfer: join(places.transfers, transfer),
    stage: layout.stage,
    ...(container === undefined ? {} : { container: { program: container, name: containerOf(build) } }),
    ...(fetch === undefined ? {} : { fetch: { program: fetch, name: fetchContainerOf(build) } }),
    ...(smoke === undefined ? {} : { smoke: { program: smoke, name: smokeContainerOf(build) } }),
    saves: saves.map(({ folder, ...save }) => ({ ...save, directory: join(buildFolder, folder) })),
    ...(packages === undefined ? {} : { packages: { ...packages, directory: layout.buildCache } }),
    ...(ccache === undefined ? {} : { ccache: { ...ccache, directory: ccacheFolder(layout) } }),
  };
}

function problemOf(stored: StoredRecord, places: RecordPlaces): string | undefined {
  const target = parseTarget(stored.identifier);
  if (target === undefined) return 'its target is none';
  if (!buildNames.test(stored.build)) return 'its build folder is none of ours';
  if (!isPlainPart(stored.transfer)) return 'its transfer folder is none of ours';
  if (!stored.policy.scopes.every(isScope)) return 'a scope is none of ours';
  if (stored.keyring !== undefined && !isKeyring(stored.keyring, places))
    return 'its key folder is none of ours';
  const reach = reachOf(stored.identifier, target);
  const ours = (key: string) =>
    words.test(key) && reach.prefixes.some((prefix) => key.startsWith(prefix)) && reach.includes(key);
  for (const { key, folder, files } of stored.saves) {
    if (!ours(key)) return 'an entry is none of its target';
    if (!isPlainName(folder) || !(files ?? []).every(isPlainName)) return 'a file lies outside of its build';
  }
  const keys = [...(stored.damaged ?? []), ...stored.cacheUses.map(({ key }) => key)];
  if (!keys.every((key) => words.test(key) && readKey(key).kind !== undefined))
    return 'a key is none of ours';
  const { place, restored = [], wanted = [] } = stored.packages ?? {};
  if (place !== undefined && (place.toolchain !== target.toolchain || place.arch !== target.arch)) {
    return 'its packages are of another target';
  }
  if (![...restored, ...wanted].every((hash) => words.test(hash))) return 'the hash of a package is none';
  if (stored.ccache !== undefined && !ours(stored.ccache.prefix))
    return "ccache's files are of another target";
  return undefined;
}

// Keys and hashes reach logs and file names: printable ASCII without a slash.
const words = /^[ -.0-~]{1,400}$/;

const isPlainPart = (name: string): boolean => isPlainName(name) && !name.includes('/');

const isKeyring = (folder: string, { keyrings }: RecordPlaces): boolean =>
  keyrings.some((place) => folder === join(place, basename(folder))) &&
  /^slurm-factory-gpg-[A-Za-z0-9]{6}$/.test(basename(folder));
