import { randomBytes } from 'node:crypto';
import type { Stats } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describeError } from '../base/errors.js';
import { ownerEnded } from '../base/owner.js';
import type { Ports } from '../base/ports.js';
import { sharedReason } from '../base/private.js';
import { removeContainer } from '../container/container.js';
import { type ContainerInfo, listAllContainers } from '../container/list.js';
import { afterBuild } from '../pipeline/after.js';
import { containerOf, isBuildName, recordPlaces } from '../pipeline/confine.js';
import type { PostRecord } from '../pipeline/record.js';
import { foldersOf, type LocalPlace, localMachine, type Machine, type PlaceFolders } from './machine.js';
import { claimRecords, type RecordFile, runningBuilds } from './records.js';

/** What is cleaned: what builds left (`builds`), what makes later ones faster (`cache`), or both. */
export const cleanScopes = ['builds', 'cache', 'all'] as const;
export type CleanScope = (typeof cleanScopes)[number];

/** What a thing is that clean-up removes. */
export type Removable = 'build' | 'transfer' | 'logs' | 'container' | 'entry' | 'clone' | 'python';

/** One thing that was removed, or would be. */
export interface Removed {
  readonly what: Removable;
  /** Absolute path; name of a container. */
  readonly path: string;
  readonly files: number;
  /** Of all its files, each counted once. */
  readonly bytes: number;
}

export interface CleanReport {
  readonly removed: readonly Removed[];
  /** What was left alone, a sentence each. */
  readonly left: readonly string[];
  /** What could not be removed, a sentence each. */
  readonly errors: readonly string[];
}

/** What is at work while things are removed. */
interface Task {
  readonly folders: PlaceFolders;
  readonly ports: Ports;
  readonly owner: string;
  readonly dryRun: boolean;
  readonly containers: readonly ContainerInfo[];
  /** Names of the folders of builds that run; undefined where that can't be told. */
  readonly running: readonly string[] | undefined;
  readonly removed: Removed[];
  readonly left: string[];
  readonly errors: string[];
}

/**
 * Removes what builds on this machine left: folders, transfers, logs and containers (`builds`), cache entries,
 * clones and Python environments (`cache`). Only what a build names is touched, and only in folders that are this
 * user's alone; output folders are never. What a running build uses stays.
 * @param options with `dryRun` nothing is removed, only told
 * @throws the signal's reason once that is aborted
 */
export async function cleanUp(
  scope: CleanScope,
  place: LocalPlace,
  options: { readonly dryRun?: boolean } = {},
  machine: Machine = localMachine,
): Promise<CleanReport> {
  const folders = foldersOf(place);
  const { owner } = await machine.inspectHost(place.env);
  // Entries go through it, so that another build finds one whole or not at all.
  const transfer = join(folders.transfers, `${owner}~${randomBytes(6).toString('hex')}`);
  const ports = machine.ports({ ...place, transfer });
  const task: Task = {
    ...{ folders, ports, owner, dryRun: options.dryRun === true },
    containers: await listAllContainers(owner, ports.process),
    running: runningBuilds(folders.records, owner),
    ...{ removed: [], left: [], errors: [] },
  };
  try {
    if (scope !== 'cache') await cleanBuilds(task, place.env);
    if (scope !== 'builds') await cleanCache(task);
  } finally {
    await rm(transfer, { recursive: true, force: true });
  }
  const { removed, left, errors } = task;
  return { removed, left, errors };
}

async function cleanBuilds(task: Task, env: LocalPlace['env']): Promise<void> {
  const { folders, owner, dryRun, ports } = task;
  // Listed before the records are read again: a build writes its record before it makes its folder.
  const builds = await namesIn(task, folders.buildDir, isBuildName);
  const running = runningBuilds(folders.records, owner);
  const sizes = new Map<string, Size>();
  for (const name of builds) sizes.set(name, await measure(join(folders.buildDir, name)));
  if (!dryRun) {
    // What records name beside folders: containers, and keys in memory.
    const places = recordPlaces(folders.buildDir, join(folders.transfers, owner), env);
    for (const file of claimRecords(folders.records, owner, places)) {
      const record = readOrTell(file, task);
      if (record !== undefined) await afterBuild(nothingToSave(record), ports);
      file.remove();
    }
  }
  for (const name of builds) {
    const path = join(folders.buildDir, name);
    if (running === undefined || running.includes(name)) task.left.push(`${path} is of a build that runs.`);
    else if (await endContainers(task, name)) await remove(task, 'build', path, sizes.get(name));
  }
  const ended = (name: string) => /^[^~]*(?:~[^~]*){5}$/.test(name) && ownerEnded(name, owner);
  for (const name of await namesIn(task, folders.transfers, ended)) {
    await remove(task, 'transfer', join(folders.transfers, name));
  }
  const logs = join(folders.cacheDir, 'logs');
  for (const name of await namesIn(task, logs, (one) => /^slurm-\d.*-logs$/.test(one))) {
    await remove(task, 'logs', join(logs, name));
  }
}

const nothingToSave = (record: PostRecord): PostRecord => ({
  ...record,
  policy: { ...record.policy, save: false },
  ...{ saves: [], kept: false, succeeded: true },
});

function readOrTell(file: RecordFile, { errors }: Task): PostRecord | undefined {
  try {
    return file.read();
  } catch (error) {
    errors.push(describeError(error));
    return undefined;
  }
}

/** Removes the containers of a build, kept ones too; false where one of them is a running process's. */
async function endContainers(task: Task, build: string): Promise<boolean> {
  const first = containerOf(build);
  const own = task.containers.filter(({ name }) => name === first || name.startsWith(`${first}-`));
  const used = own.find(({ orphaned }) => !orphaned);
  if (used !== undefined) {
    task.left.push(`${build} is used by the container ${used.name}, whose process runs.`);
    return false;
  }
  for (const { engine, name } of own) {
    if (!task.dryRun) await removeContainer(engine, name, task.ports.process);
    task.removed.push({ what: 'container', path: name, files: 0, bytes: 0 });
  }
  return true;
}

const entryName = /^slurm-factory-v\d+-/;
const cloneName =
  /^(?:(?:spack|packages)-[0-9a-f]{40}|[\w.-]+-[0-9a-f]{40}\.tar\.gz|slurm-[0-9a-f]{64}\.[\w.]+)$/;
const pythonName = /^venv-[0-9a-f]{12}(?:-.{6})?$/;

async function cleanCache(task: Task): Promise<void> {
  const { folders, ports, dryRun, containers, running } = task;
  for (const name of await namesIn(task, folders.spackCache, (one) => entryName.test(one))) {
    const path = join(folders.spackCache, name);
    if (dryRun) task.removed.push({ what: 'entry', path, ...(await measure(path)) });
    else {
      const entry = { id: name, key: name, size: 0, lastUse: 0 };
      await remove(task, 'entry', path, undefined, async () => ports.cache.inventory?.remove(entry));
    }
  }
  const busy = running === undefined || running.length > 0 || containers.some(({ orphaned }) => !orphaned);
  const rest = [
    ['clone', join(folders.buildDir, 'clones'), cloneName],
    ['python', folders.buildDir, pythonName],
  ] as const;
  for (const [what, folder, pattern] of rest) {
    for (const name of await namesIn(task, folder, (one) => pattern.test(one))) {
      if (busy) task.left.push(`${join(folder, name)} may be in use by a build that runs.`);
      else await remove(task, what, join(folder, name));
    }
  }
}

/** Names in a folder that are meant, sorted; none where it is missing or not this user's alone, which is told. */
async function namesIn(task: Task, folder: string, wanted: (name: string) => boolean): Promise<string[]> {
  task.ports.signal.throwIfAborted();
  const { cacheDir, buildDir, spackCache } = task.folders;
  // Within a folder of this user's alone, its group may be let into the folders below.
  const isBase = [cacheDir, buildDir, spackCache].includes(folder);
  const reason = isBase
    ? await notOwn(folder)
    : ((await notOwn(dirname(folder))) ?? (await notOwn(folder, true)));
  if (reason === undefined) return (await readdir(folder)).filter(wanted).sort();
  if (reason !== missing) task.left.push(`${folder}: it ${reason}, so nothing in it is removed.`);
  return [];
}

const missing = 'is not there';

/** Why a folder is not this user's alone, as the end of a sentence; of one `within` another only whose it is. */
async function notOwn(folder: string, within = false): Promise<string | undefined> {
  const facts = await lstat(folder).catch(() => undefined);
  if (facts === undefined) return missing;
  if (!facts.isDirectory()) return 'is no folder';
  return within && facts.uid === process.getuid?.() ? undefined : sharedReason(facts);
}

async function remove(
  { removed, errors, dryRun, ports }: Task,
  what: Removable,
  path: string,
  known?: Size,
  how: () => Promise<unknown> = () => rm(path, { recursive: true, force: true }),
): Promise<void> {
  ports.signal.throwIfAborted();
  const size = known ?? (await measure(path));
  try {
    if (!dryRun) await how();
    removed.push({ what, path, ...size });
  } catch (error) {
    errors.push(`${path} could not be removed: ${(error as Error).message}`);
  }
}

type Size = Pick<Removed, 'files' | 'bytes'>;

/** Files and bytes below a path; no link is followed, and what can't be read counts as nothing. */
async function measure(path: string): Promise<Size> {
  const seen = new Set<string>();
  let bytes = 0;
  let files = 0;
  const look = async (at: string): Promise<void> => {
    const facts = await lstat(at).catch(() => undefined);
    if (facts === undefined) return;
    if (facts.isDirectory()) {
      for (const name of await readdir(at).catch(() => [] as string[])) await look(join(at, name));
    } else if (isFirst(facts, seen)) {
      files += 1;
      bytes += facts.size;
    }
  };
  await look(path);
  return { files, bytes };
}

// Hard links share their bytes.
function isFirst({ nlink, dev, ino }: Stats, seen: Set<string>): boolean {
  const inode = `${dev}:${ino}`;
  if (nlink > 1 && seen.has(inode)) return false;
  seen.add(inode);
  return true;
}
