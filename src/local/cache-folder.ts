import { mkdir } from 'node:fs/promises';
import { ConfigurationError } from '../base/errors.js';
import type { Logger } from '../base/ports.js';
import { sharedFolder } from '../base/private.js';

/**
 * Makes the folders of caches and builds, for this user alone, and looks who else may write there. Clones, results
 * and packages in them are as good as those who can: a build that signs refuses them, another one warns.
 * @param signs whether the build has a secret to vouch with
 * @throws ConfigurationError
 */
export async function openCacheFolders(
  folders: readonly string[],
  signs: boolean,
  logger: Logger,
): Promise<void> {
  for (const place of new Set(folders)) {
    await mkdir(place, { recursive: true, mode: 0o700 });
    const shared = sharedFolder(place);
    if (shared === undefined) continue;
    if (signs) {
      throw new ConfigurationError(
        `${shared}: what a build with a secret takes from there could be forged.`,
        'Take its write permission from others (chmod go-w), or name a folder of your own (cache-dir, build-dir, spack-cache).',
      );
    }
    logger.warning(`${shared}: whoever that is decides what this build takes from the caches.`);
    return;
  }
}
