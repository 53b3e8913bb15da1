import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ConfigurationError } from '../base/errors.js';
import { otherBoot, ownerEnded } from '../base/owner.js';
import type { StateStore } from '../base/ports.js';
import { sharedReason } from '../base/private.js';
import type { RecordPlaces } from '../pipeline/confine.js';
import { parseRecord } from '../pipeline/confine.js';
import type { PostRecord } from '../pipeline/record.js';

const ending = '.json';
/** How often a build that runs says so, and for how long it may be silent, in milliseconds. */
const heartbeat = 60_000;
const silence = 10 * heartbeat;
/** bytes; a record has a few thousand */
const recordLimit = 10_000_000;

/** The record of one build in a folder, named by the process that it is of. */
export class RecordFile implements StateStore {
  private readonly file: string;
  private beat: NodeJS.Timeout | undefined;

  constructor(
    private readonly folder: string,
    name: string,
    private readonly places: RecordPlaces,
  ) {
    this.file = join(folder, `${name}${ending}`);
  }

  /** @throws ConfigurationError when the folder is not this user's own */
  save(record: unknown): void {
    openFolder(this.folder);
    // Whole or not at all, for whoever finds it after a kill.
    const partial = `${this.file}.${randomBytes(6).toString('hex')}.partial`;
    writeFileSync(partial, JSON.stringify(record), { flag: 'wx', mode: 0o600 });
    renameSync(partial, this.file);
    // A machine that shares the folder can't ask for this process; it sees that the record is touched.
    this.beat ??= setInterval(() => this.touch(), heartbeat).unref();
  }

  /**
   * The record; undefined when the build never got as far as writing one.
   * @throws ConfigurationError when it is not to be followed: it is another's, or names what is none of its own
   */
  read(): PostRecord | undefined {
    const text = readOwn(this.folder, this.file);
    try {
      return text === undefined ? undefined : parseRecord(text, this.places);
    } catch (error) {
      // Of another version, or half of one: nothing that could be carried on.
      if (error instanceof ConfigurationError) throw error;
      return undefined;
    }
  }

  remove(): void {
    clearInterval(this.beat);
    rmSync(this.file, { force: true });
  }

  private touch(): void {
    const now = new Date();
    try {
      utimesSync(this.file, now, now);
    } catch {
      // Removed meanwhile.
    }
  }
}

/**
 * Takes over the records of processes that ended without removing them; each goes to one taker only.
 * @param owner name of this process
 * @returns nothing where the folder is not this user's own: what is in it may be anybody's
 */
export function claimRecords(folder: string, owner: string, places: RecordPlaces): RecordFile[] {
  if (refusal(folder) !== undefined) return [];
  const claimed: RecordFile[] = [];
  for (const name of names(folder).filter((file) => hasEnded(folder, file, owner))) {
    if (!name.endsWith(ending)) {
      rmSync(join(folder, name), { force: true });
      continue;
    }
    const mine = `${owner}~${randomBytes(6).toString('hex')}`;
    try {
      renameSync(join(folder, name), join(folder, `${mine}${ending}`));
      claimed.push(new RecordFile(folder, mine, places));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return claimed;
}

/**
 * Names of the folders that builds work in which run now, those of other machines included.
 * @returns undefined where a record of one can't be read, as while it is written for the first time
 */
export function runningBuilds(folder: string, owner: string): string[] | undefined {
  const records = names(folder).filter((name) => name.endsWith(ending) && !hasEnded(folder, name, owner));
  const builds = records.map((name) => buildIn(folder, join(folder, name)));
  return builds.every((build) => build !== undefined) ? builds : undefined;
}

function buildIn(folder: string, file: string): string | undefined {
  try {
    const { build } = JSON.parse(readOwn(folder, file) ?? '{}');
    return typeof build === 'string' ? build : undefined;
  } catch {
    return undefined;
  }
}

function hasEnded(folder: string, name: string, owner: string): boolean {
  if (!ownerEnded(name, owner)) return false;
  const facts = lstatSync(join(folder, name), { throwIfNoEntry: false });
  if (facts === undefined || facts.isDirectory()) return false;
  return !otherBoot(name, owner) || Date.now() - facts.mtimeMs > silence;
}

function openFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const reason = refusal(folder);
  if (reason === undefined) return;
  throw new ConfigurationError(
    `${folder} ${reason}: records of builds there can't be trusted.`,
    'Look what is in it and remove it, or name another folder with --cache-dir.',
  );
}

/** Why a folder is not one for records; undefined when it is, or is not there. */
function refusal(folder: string): string | undefined {
  const facts = lstatSync(folder, { throwIfNoEntry: false });
  if (facts === undefined) return undefined;
  return facts.isDirectory() ? sharedReason(facts) : 'is no folder';
}

function readOwn(folder: string, file: string): string | undefined {
  const refuse = (reason: string) => {
    throw new ConfigurationError(
      `The record of an earlier build is not followed: ${file} ${reason}.`,
      'Look who can write there; what it names is left alone.',
    );
  };
  const reason = refusal(folder);
  if (reason !== undefined) return refuse(`lies in a folder that ${reason}`);
  let opened: number;
  try {
    opened = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? undefined : refuse(`can't be opened (${code})`);
  }
  try {
    const facts = fstatSync(opened);
    if (!facts.isFile() || facts.size > recordLimit) return refuse('is no record');
    const shared = sharedReason(facts);
    return shared === undefined ? readFileSync(opened, 'utf8') : refuse(shared);
  } finally {
    closeSync(opened);
  }
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
