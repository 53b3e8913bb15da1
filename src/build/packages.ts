import type { Logger } from '../base/ports.js';
import { completePackages } from '../cache/buildcache.js';
import type { CacheEntries } from '../cache/entries.js';
import { packageKey } from '../cache/keys.js';
import type { PostRecord, Recorder } from './record.js';

type Packages = NonNullable<PostRecord['packages']>;

/**
 * Saves each package that Spack has pushed as a whole and the cache does not have.
 * @param onKept called with the hash of each one that is in the cache from then on
 */
export async function savePackages(
  packages: Packages,
  entries: CacheEntries,
  logger: Logger,
  onKept: (hash: string) => void = () => {},
): Promise<void> {
  for (const cached of await completePackages(packages.directory)) {
    if (packages.restored.includes(cached.hash)) continue;
    const key = packageKey(packages.place, cached.name, cached.hash);
    logger.info(`${cached.name}: ${(cached.size / 1e6).toFixed(1)} MB`);
    if (await entries.save(key, packages.directory, cached.files)) onKept(cached.hash);
  }
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
    const { packages } = this.recorder.current;
    if (packages === undefined) return;
    const kept = (hash: string) => {
      const now = this.recorder.current.packages ?? packages;
      this.recorder.update({ packages: { ...now, restored: [...now.restored, hash] } });
    };
    // The post step looks again; a fault here is no reason to fail.
    await savePackages(packages, this.entries, this.logger, kept).catch((error: unknown) =>
      this.logger.debug(`Packages could not be saved yet: ${String(error)}`),
    );
  }
}
