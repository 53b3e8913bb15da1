import { rm, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { listFiles } from '../base/files.js';
import { withLimit } from '../base/limit.js';
import type { CacheStore, Logger } from '../base/ports.js';
import { checkEntry, sealFile, sumsFile } from './check.js';
import { freshFolder, isPlainName, placeFile } from './content.js';
import { copies, inScope, transferName } from './keys.js';
import { type CacheUse, cacheUse } from './ledger.js';
import { type CachePolicy, isSealed } from './policy.js';
import type { Seal } from './seal.js';

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

export interface EntryOptions {
  /** Of a build with a secret: what is saved gets it, and what lacks it is not trusted. */
  readonly seal?: Seal | undefined;
  /** Folder that this machine made and a container may write in: no link below it is followed. */
  readonly within?: string;
  readonly limits?: EntryLimits;
  /** Entries that an earlier step found damaged. */
  readonly damaged?: readonly string[];
  /** Told all damaged entries whenever one more is found. */
  readonly onDamaged?: (keys: string[]) => void;
  /** Told each line of the ledger as it is written. */
  readonly onUse?: (use: CacheUse) => void;
}

/** A cache store that never fails: faults of the service and damaged entries become warnings and misses. */
export class CacheEntries {
  private readonly uses: CacheUse[] = [];
  private readonly damaged: Set<string>;
  /** Which copy of an entry came last. */
  private readonly taken = new Map<string, string>();
  private readonly limits: EntryLimits;
  /** The service has cost too much time already. */
  private givenUp = false;
  private readonly policy: CachePolicy;
  private readonly seal: Seal | undefined;

  /** @param transfer where entries are unpacked and put together; GitHub's service wants the same each time */
  constructor(
    private readonly store: CacheStore,
    policy: CachePolicy,
    private readonly logger: Logger,
    private readonly transfer: string,
    private readonly options: EntryOptions = {},
  ) {
    this.damaged = new Set(options.damaged);
    this.limits = options.limits ?? defaultLimits;
    // The record of an earlier build may be of another secret, or of one that is not there now.
    this.seal = policy.scopes.includes(options.seal?.scope ?? '') ? options.seal : undefined;
    const foreign = policy.scopes.some(isSealed) && this.seal === undefined;
    this.policy = foreign ? { ...policy, restore: false, save: false } : policy;
    if (foreign && policy.save) {
      logger.info('Nothing is saved to the caches: this run does not have the secret of the build.');
    }
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
    for (const scoped of this.inScopes(key)) {
      for (const name of this.copiesOf(scoped)) {
        if (this.givenUp) return false;
        const outcome = await this.restoreCopy(key, name, directory);
        if (outcome === 'whole') return true;
        // Only a damaged one has copies behind it.
        if (outcome === 'none') break;
      }
    }
    return false;
  }

  /** Restores the newest entry whose key begins like this, as `restore` does; one that was rejected is none. */
  async restoreNear(prefix: string, directory: string): Promise<boolean> {
    if (!this.policy.restore) return false;
    for (const name of this.inScopes(prefix)) {
      if (this.givenUp) return false;
      if ((await this.restoreCopy(prefix, name, directory, [name])) === 'whole') return true;
    }
    return false;
  }

  /**
   * Whether there is an entry of this key, or one whose key begins like it, of somebody who is trusted. Nothing of it
   * is brought or checked.
   */
  async has(key: string, near = false): Promise<boolean> {
    if (!this.policy.restore) return false;
    for (const name of this.inScopes(key)) {
      if (this.givenUp) return false;
      const folder = join(this.transfer, transferName(name));
      try {
        const found = await this.ask(this.limits.restore, this.store.find(name, near ? [name] : [], folder));
        if (found !== undefined && (near || found === name)) return true;
      } catch (error) {
        this.forgive(`look for ${name}`, error);
      }
    }
    return false;
  }

  /** Marks what was restored last for this key, or beginning of a key, as damaged: it is not used again. */
  reject(key: string): void {
    this.markDamaged(this.taken.get(key) ?? this.inScopes(key)[0] ?? key);
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
    const own = this.inScopes(key)[0] ?? key;
    const replaces = this.store.replace !== undefined && this.damaged.has(own);
    const name = replaces ? own : this.copiesOf(own)[0];
    if (name === undefined) {
      this.logger.warning(`All copies of ${own} in the cache are damaged; delete them there.`);
      return false;
    }
    try {
      const staging = await freshFolder(this.transfer, transferName(name));
      const bytes = await this.fill(staging, name, directory, files ?? (await listFiles(directory)));
      const outcome = await this.ask(this.limits.save, this.put(name, staging, replaces));
      this.logger.debug(
        outcome === 'saved' ? `Saved to the cache: ${name}` : `Already in the cache: ${name}`,
      );
      this.note(name, bytes, outcome === 'saved' ? 'saved' : 'already there');
      return true;
    } catch (error) {
      this.note(name, 0, 'failed');
      this.forgive(`save ${name}`, error);
      return false;
    } finally {
      await this.clear(name);
    }
  }

  /** Puts an entry together. Returns the bytes of its files. */
  private async fill(
    staging: string,
    name: string,
    directory: string,
    files: readonly string[],
  ): Promise<number> {
    if (files.length === 0) throw new Error(`${directory} is empty`);
    const sums: string[] = [];
    let bytes = 0;
    for (const file of files) {
      if (!isPlainName(file))
        throw new Error(`${JSON.stringify(file)} can't be the name of a file of an entry`);
      const { size, sha256 } = await placeFile(this.anchor(directory), { root: staging }, file);
      bytes += size;
      sums.push(`${sha256}  ${file}\n`);
    }
    const text = sums.join('');
    await writeFile(join(staging, sumsFile), text, { flag: 'wx' });
    if (this.seal !== undefined) {
      await writeFile(join(staging, sealFile), this.seal.mark(name, text), { flag: 'wx' });
    }
    return bytes;
  }

  // A link on the way to the folder, which a container may have put there, is not followed either.
  private anchor(directory: string): { root: string; folder?: string } {
    const { within } = this.options;
    const folder = within === undefined ? undefined : relative(within, directory);
    if (within === undefined || folder === undefined || !isPlainName(folder)) return { root: directory };
    return { root: within, folder };
  }

  private async clear(name: string): Promise<void> {
    await rm(join(this.transfer, transferName(name)), { recursive: true, force: true }).catch(
      (error: unknown) => this.logger.warning(`Could not clear ${this.transfer}: ${String(error)}`),
    );
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

  /** What the store knows a key by, in each scope that is trusted. */
  private inScopes(key: string): string[] {
    return [...new Set(this.policy.scopes.map((scope) => inScope(key, scope)))];
  }

  private copiesOf(name: string): string[] {
    const names = this.store.replace === undefined ? copies(name) : [name];
    return names.filter((copy) => !this.damaged.has(copy));
  }

  /** @param asked key, or beginning of one, as the caller knows it; what is found is taken for it */
  private async restoreCopy(
    asked: string,
    key: string,
    directory: string,
    prefixes: readonly string[] = [],
  ): Promise<'whole' | 'damaged' | 'none'> {
    let name = key;
    try {
      const staging = await freshFolder(this.transfer, transferName(key));
      const found = await this.ask(this.limits.restore, this.store.restore(key, prefixes, staging));
      // A service may answer with an entry whose key only begins like this one.
      if (found === undefined || (found !== key && prefixes.length === 0)) return 'none';
      name = found;
      // The service has no older one behind it.
      if (this.damaged.has(name)) return 'none';
      const { sums, bytes, damage } = await checkEntry(staging, name, this.seal);
      if (damage !== undefined) {
        this.note(name, bytes, 'damaged');
        this.logger.warning(`Cache entry ${name} is damaged (${damage}); it is not used.`);
        this.markDamaged(name);
        return 'damaged';
      }
      // Only what the sums vouch for is taken; several entries may fill one folder at a time.
      for (const [file, sum] of sums) {
        const { sha256 } = await placeFile({ root: staging }, this.anchor(directory), file);
        if (sha256 !== sum) throw new Error(`${file} changed in the meantime`);
      }
      this.note(name, bytes, 'restored');
      this.taken.set(asked, name);
      return 'whole';
    } catch (error) {
      this.note(name, 0, 'failed');
      this.forgive(`restore ${name}`, error);
      return 'none';
    } finally {
      await this.clear(key);
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
        this.logger.warning(
          `The cache service took ${seconds} s without a result; this step continues without it.`,
        );
      }
    }
  }

  private forgive(what: string, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    this.logger.warning(`The cache service failed to ${what}: ${reason}; continuing without it.`);
  }
}
