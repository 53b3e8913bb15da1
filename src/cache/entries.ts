import { cp, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { exists, listFiles, sha256File } from '../base/files.js';
import type { CacheStore, Logger } from '../base/ports.js';
import { type CacheUse, cacheUse } from './ledger.js';
import type { CachePolicy } from './policy.js';

const sumsFile = 'ENTRY.sha256';

/** A cache store that forgives: faults of the service and damaged entries are warnings and misses. */
export class CacheEntries {
  private readonly uses: CacheUse[] = [];

  constructor(
    private readonly store: CacheStore,
    private readonly policy: CachePolicy,
    private readonly logger: Logger,
    /** Where entries are unpacked and put together; its path must be the same for restore and save. */
    private readonly transfer: string,
    /** Called with each line of the ledger as it is written. */
    private readonly onUse: (use: CacheUse) => void = () => {},
  ) {}

  /** What became of the entries that were asked for; one that was not there is not among them. */
  get ledger(): readonly CacheUse[] {
    return this.uses;
  }

  private note(...use: Parameters<typeof cacheUse>): void {
    const noted = cacheUse(...use);
    this.uses.push(noted);
    this.onUse(noted);
  }

  /**
   * Restores an entry and moves its content to `directory` once each file's sha256 is right.
   * @returns whether the content is there now
   */
  async restore(key: string, directory: string): Promise<boolean> {
    if (!this.policy.restore) return false;
    const staging = join(this.transfer, key);
    try {
      await emptyFolder(staging);
      // A service may answer with an entry whose key only begins like this one.
      if ((await this.store.restore(key, [], staging)) !== key) return false;
      const { names, bytes, damage } = await checkSums(staging);
      if (damage !== undefined) {
        this.note(key, bytes, 'damaged');
        this.logger.warning(`Cache entry ${key} is damaged (${damage}); it is not used.`);
        return false;
      }
      // Only what the sums vouch for is taken; several entries may fill one folder at a time.
      for (const name of names) await copyInto(staging, directory, name);
      this.note(key, bytes, 'restored');
      return true;
    } catch (error) {
      this.note(key, 0, 'failed');
      this.logger.warning(`The cache service failed to restore ${key}: ${String(error)}; going on without.`);
      return false;
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  }

  /**
   * Saves files of a folder as one entry, with their sums.
   * @param files relative paths; all files of the folder when left out
   * @returns whether the cache has the entry now
   */
  async save(key: string, directory: string, files?: readonly string[]): Promise<boolean> {
    if (!this.policy.save) return false;
    const staging = join(this.transfer, key);
    try {
      await emptyFolder(staging);
      const names = files ?? (await listFiles(directory));
      const sums: string[] = [];
      let bytes = 0;
      for (const name of names) {
        await copyInto(directory, staging, name);
        bytes += (await stat(join(staging, name))).size;
        sums.push(`${await sha256File(join(staging, name))}  ${name}\n`);
      }
      await writeFile(join(staging, sumsFile), sums.join(''));
      const outcome = await this.store.save(key, staging);
      this.note(key, bytes, outcome === 'saved' ? 'saved' : 'already there');
      this.logger.info(outcome === 'saved' ? `Saved to the cache: ${key}` : `Already in the cache: ${key}`);
      return true;
    } catch (error) {
      this.note(key, 0, 'failed');
      this.logger.warning(`The cache service failed to save ${key}: ${String(error)}; going on without.`);
      return false;
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
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

interface Checked {
  /** The files that the sums list. */
  readonly names: readonly string[];
  /** Of those that are sound. */
  readonly bytes: number;
  /** The first thing that is wrong. */
  readonly damage: string | undefined;
}

async function checkSums(folder: string): Promise<Checked> {
  if (!(await exists(join(folder, sumsFile)))) {
    return { names: [], bytes: 0, damage: `${sumsFile} is missing` };
  }
  const lines = (await readFile(join(folder, sumsFile), 'utf8')).split('\n').filter((line) => line !== '');
  const names = lines.map((line) => line.slice(66));
  let bytes = 0;
  for (const line of lines) {
    const name = line.slice(66);
    const path = join(folder, name);
    if (!(await exists(path))) return { names, bytes, damage: `${name} is missing` };
    if ((await sha256File(path)) !== line.slice(0, 64)) {
      return { names, bytes, damage: `${name} has other bytes` };
    }
    bytes += (await stat(path)).size;
  }
  return { names, bytes, damage: undefined };
}
