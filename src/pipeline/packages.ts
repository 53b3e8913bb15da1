import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes } from '../base/bytes.js';
import type { Logger } from '../base/ports.js';
import { type CachedPackage, completePackages } from '../cache/buildcache.js';
import type { CacheEntries } from '../cache/entries.js';
import { packageKey } from '../cache/keys.js';
import { type Recorder, type SaveOf, saveOf } from './record.js';
import { takeOut } from './takeout.js';

/** Where what leaves a build is taken out of its reach; below the build's folder, which none of its mounts is. */
export const leavingFolder = (buildFolder: string): string => join(buildFolder, 'leaving');

type Packages = Omit<SaveOf<'packages'>, 'what'>;

/**
 * Saves each package of the lock that Spack has pushed as a whole and the cache does not have.
 * @param leaving folder out of the build's reach, which they are taken to first
 * @param onKept called with the hash of each one that is in the cache from then on
 */
export async function savePackages(
  packages: Packages,
  leaving: string,
  entries: CacheEntries,
  logger: Logger,
  onKept: (hash: string) => void = () => {},
): Promise<void> {
  for (const cached of await completePackages(packages.directory)) {
    if (packages.restored.includes(cached.hash)) continue;
    if (packages.wanted?.includes(cached.hash) === false) continue;
    const key = packageKey(packages.place, cached.name, cached.hash);
    logger.debug(`${cached.name}: ${formatBytes(cached.size)}`);
    const copy = join(leaving, `package-${cached.hash}`);
    try {
      await rm(copy, { recursive: true, force: true });
      await takeOut(packages.directory, cached.files, copy);
      // The build may have written on meanwhile.
      const kept = (await isWhole(copy, cached)) && (await entries.save(key, copy, cached.files));
      if (kept) onKept(cached.hash);
    } finally {
      await rm(copy, { recursive: true, force: true });
    }
  }
}

async function isWhole(folder: string, { hash, files }: CachedPackage): Promise<boolean> {
  const [found, ...others] = await completePackages(folder);
  return others.length === 0 && found?.hash === hash && String(found.files) === String(files);
}

/** Saves packages beside the install, one scan at a time, so that not even a lost runner loses what was built. */
export class PackageSaver {
  private last: Promise<void> = Promise.resolve();
  private waiting = false;

  constructor(
    private readonly recorder: Recorder,
    private readonly entries: CacheEntries,
    private readonly logger: Logger,
  ) {}

  /** Says that Spack has finished something. */
  trigger(): void {
    if (this.waiting) return;
    this.waiting = true;
    this.last = this.last.then(() => {
      this.waiting = false;
      return this.save();
    });
  }

  /** Resolves once everything that was triggered is done; never rejects. */
  settled(): Promise<void> {
    return this.last;
  }

  private async save(): Promise<void> {
    const { buildFolder } = this.recorder.current;
    const packages = saveOf(this.recorder.current, 'packages');
    if (packages === undefined) return;
    const kept = (hash: string) => {
      const now = saveOf(this.recorder.current, 'packages') ?? packages;
      this.recorder.putSave({ ...now, restored: [...now.restored, hash] });
    };
    // The post step looks again; a fault here is no reason to fail.
    const leaving = leavingFolder(buildFolder);
    await savePackages(packages, leaving, this.entries, this.logger, kept).catch((error: unknown) =>
      this.logger.debug(`Packages could not be saved yet: ${String(error)}`),
    );
  }
}
