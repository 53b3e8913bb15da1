import { cp, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { listFiles, sha256File } from '../base/files.js';
import { withLimit } from '../base/limit.js';
import type { CacheStore, Logger } from '../base/ports.js';
import { transferName } from './keys.js';
import { type CacheUse, cacheUse } from './ledger.js';
import type { CachePolicy } from './policy.js';

const sumsFile = 'ENTRY.sha256';

/** How long one entry may take, in milliseconds. */
export interface EntryLimits {
  readonly restore: number;
  readonly save: number;
  /** A service that takes longer than this for nothing is not asked again. */
  readonly patience: number;
}

/**
 * A restore gets less: building is the alternative. The service's client has hardly any limits of its own,
 * and the one that it has for downloads is 10 minutes. Errors it repeats for 24 s and more, which 60
 * packages in a row would make half an hour.
 */
const defaultLimits: EntryLimits = { restore: 3 * 60_000, save: 5 * 60_000, patience: 20_000 };

/** Copies of a damaged entry that can't be changed: each is saved, and looked for, behind the one before. */
const copies = (key: string): string[] => [key, `${key}-r1`, `${key}-r2`];

export interface EntryOptions {
  readonly limits?: EntryLimits;
  /** Entries that an earlier step found damaged. */
  readonly damaged?: readonly string[];
  /** Told all damaged entries whenever one more is found. */
  readonly onDamaged?: (keys: string[]) => void;
  /** Told each line of the ledger as it is written. */
  readonly onUse?: (use: CacheUse) => void;
}

/** A cache store that forgives: faults of the service and damaged entries are warnings and misses. */
export class CacheEntries {
  private readonly uses: CacheUse[] = [];
  private readonly damaged: Set<string>;
  /** Which copy of an entry came last. */
  private readonly taken = new Map<string, string>();
  private readonly limits: EntryLimits;
  /** The service has cost too much time already. */
  private givenUp = false;

  constructor(
    private readonly store: CacheStore,
    private readonly policy: CachePolicy,
    private readonly logger: Logger,
    /** Where entries are unpacked and put together; its path must be the same for restore and save. */
    private readonly transfer: string,
    private readonly options: EntryOptions = {},
  ) {
    this.damaged = new Set(options.damaged);
    this.limits = options.limits ?? defaultLimits;
  }

  /** What became of the entries that were asked for; one that was not there is not among them. */
  get ledger(): readonly CacheUse[] {
    return this.uses;
  }

  private note(...use: Parameters<typeof cacheUse>): void {
    const noted = cacheUse(...use);
    this.uses.push(noted);
    this.options.onUse?.(noted);
  }

  /**
   * Restores an entry and moves its content to `directory` once each file's sha256 is right.
   * @returns whether the content is there now
   */
  async restore(key: string, directory: string): Promise<boolean> {
    if (!this.policy.restore) return false;
    for (const name of this.candidates(key)) {
      if (this.givenUp) return false;
      const outcome = await this.restoreCopy(name, directory);
      if (outcome === 'whole') this.taken.set(key, name);
      if (outcome !== 'damaged') return outcome === 'whole';
    }
    return false;
  }

  /** Restores the newest entry whose key begins like this, as `restore` does. */
  async restoreNear(prefix: string, directory: string): Promise<boolean> {
    if (!this.policy.restore || this.givenUp) return false;
    return (await this.restoreCopy(prefix, directory, [prefix])) === 'whole';
  }

  /** Says that what was restored last for this key is not what it must be: it is not used again. */
  reject(key: string): void {
    this.markDamaged(this.taken.get(key) ?? key);
  }

  /**
   * Saves files of a folder as one entry, with their sums.
   * @param files relative paths; all files of the folder when left out
   * @returns whether the cache has the entry now
   */
  async save(key: string, directory: string, files?: readonly string[]): Promise<boolean> {
    if (!this.policy.save) return false;
    if (this.givenUp) {
      this.logger.info(`Not saved, since the cache service took too long: ${key}`);
      return false;
    }
    const replaces = this.store.replace !== undefined && this.damaged.has(key);
    const name = replaces ? key : this.candidates(key)[0];
    if (name === undefined) {
      this.logger.warning(`All copies of ${key} in the cache are damaged; delete them there.`);
      return false;
    }
    const staging = join(this.transfer, transferName(name));
    try {
      await emptyFolder(staging);
      const names = files ?? (await listFiles(directory));
      if (names.length === 0) throw new Error(`there is nothing in ${directory}`);
      const sums: string[] = [];
      let bytes = 0;
      for (const file of names) {
        await copyInto(directory, staging, file);
        bytes += (await stat(join(staging, file))).size;
        sums.push(`${await sha256File(join(staging, file))}  ${file}\n`);
      }
      await writeFile(join(staging, sumsFile), sums.join(''));
      const outcome = await this.ask(this.limits.save, this.put(name, staging, replaces));
      this.logger.info(outcome === 'saved' ? `Saved to the cache: ${name}` : `Already in the cache: ${name}`);
      this.note(name, bytes, outcome === 'saved' ? 'saved' : 'already there');
      return true;
    } catch (error) {
      this.note(name, 0, 'failed');
      this.forgive(`save ${name}`, error);
      return false;
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  }

  private markDamaged(name: string): void {
    this.damaged.add(name);
    this.options.onDamaged?.([...this.damaged]);
  }

  private async put(name: string, staging: string, replaces: boolean): Promise<'saved' | 'exists'> {
    if (!replaces || this.store.replace === undefined) return this.store.save(name, staging);
    await this.store.replace(name, staging);
    this.damaged.delete(name);
    return 'saved';
  }

  private candidates(key: string): string[] {
    const names = this.store.replace === undefined ? copies(key) : [key];
    return names.filter((name) => !this.damaged.has(name));
  }

  private async restoreCopy(
    key: string,
    directory: string,
    prefixes: readonly string[] = [],
  ): Promise<'whole' | 'damaged' | 'none'> {
    const staging = join(this.transfer, transferName(key));
    let name = key;
    try {
      await emptyFolder(staging);
      const found = await this.ask(this.limits.restore, this.store.restore(key, prefixes, staging));
      // A service may answer with an entry whose key only begins like this one.
      if (found === undefined || (found !== key && prefixes.length === 0)) return 'none';
      name = found;
      const { names, bytes, damage } = await checkSums(staging);
      if (damage !== undefined) {
        this.note(name, bytes, 'damaged');
        this.logger.warning(`Cache entry ${name} is damaged (${damage}); it is not used.`);
        this.markDamaged(name);
        return 'damaged';
      }
      // Only what the sums vouch for is taken; several entries may fill one folder at a time.
      for (const file of names) await copyInto(staging, directory, file);
      this.note(name, bytes, 'restored');
      return 'whole';
    } catch (error) {
      this.note(name, 0, 'failed');
      this.forgive(`restore ${name}`, error);
      return 'none';
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  }

  /** Waits for the service's answer, but not for ever, and not again and again. */
  private async ask<T>(limit: number, work: Promise<T>): Promise<T> {
    const begun = Date.now();
    let answer: T | undefined;
    try {
      answer = await withLimit(limit, work);
      return answer;
    } finally {
      const milliseconds = Date.now() - begun;
      if (answer === undefined && milliseconds > this.limits.patience && !this.givenUp) {
        this.givenUp = true;
        const seconds = Math.round(milliseconds / 1000);
        this.logger.warning(`The cache service took ${seconds} s for nothing; this step goes on without it.`);
      }
    }
  }

  private forgive(what: string, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.logger.warning(`The cache service failed to ${what}: ${reason}; going on without.`);
  }
}

async function emptyFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
}

async function copyInto(from: string, to: string, name: string): Promise<void> {
  await mkdir(dirname(join(to, name)), { recursive: true });
  await cp(join(from, name), join(to, name), { verbatimSymlinks: true, force: true });
}

const sumLine = /^([0-9a-f]{64}) {2}(.+)$/;

interface Checked {
  /** The files that the sums list. */
  readonly names: readonly string[];
  /** Of those that are sound. */
  readonly bytes: number;
  /** The first thing that is wrong. */
  readonly damage: string | undefined;
}

async function checkSums(folder: string): Promise<Checked> {
  const names: string[] = [];
  let bytes = 0;
  const damaged = (damage: string): Checked => ({ names, bytes, damage });
  const all = await listFiles(folder);
  if (all.length === 0) return damaged('nothing of it arrived');
  if (!all.includes(sumsFile)) return damaged(`${sumsFile} is missing`);
  const files = all.filter((name) => name !== sumsFile);
  const text = await readFile(join(folder, sumsFile), 'utf8');
  for (const line of text.split('\n').slice(0, -1)) {
    const [, sum, name] = sumLine.exec(line) ?? [];
    if (sum === undefined || name === undefined) return damaged(`${sumsFile} is no list of sums`);
    if (!files.includes(name)) return damaged(`${name} is missing`);
    if ((await sha256File(join(folder, name))) !== sum) return damaged(`${name} has other bytes`);
    names.push(name);
    bytes += (await stat(join(folder, name))).size;
  }
  // Sums that were cut between two lines would vouch for a part.
  const unknown = files.find((name) => !names.includes(name));
  if (unknown !== undefined) return damaged(`${sumsFile} does not list ${unknown}`);
  if (names.length === 0) return damaged('it is empty');
  return { names, bytes, damage: undefined };
}
