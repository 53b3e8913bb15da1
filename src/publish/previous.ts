import type { Logger, WebClient } from '../base/ports.js';
import type { ReleaseHost } from './host.js';
import { newestRelease } from './hosted.js';
import { openSource, type ReleaseSource } from './source.js';

/**
 * The release before, which the notes compare with.
 * @param named folder, file or address; `off` for none; undefined for the newest release on GitHub that has an index
 * @param tag that of the release that is made, which is not the one before
 * @param needed whether files of it are needed: else one that GitHub has and that can't be read is a warning
 * @throws PublishError, PackagingError for one that can't be read
 */
export async function previousRelease(
  named: string | undefined,
  tag: string | undefined,
  needed: boolean,
  ports: {
    readonly web: WebClient;
    readonly signal: AbortSignal;
    readonly logger: Logger;
    readonly host?: ReleaseHost | undefined;
  },
): Promise<ReleaseSource | undefined> {
  if (named === 'off') return undefined;
  if (named !== undefined) return openSource(named, '/', ports);
  const { host, logger } = ports;
  if (host === undefined || tag === undefined) return undefined;
  return newestRelease(host, tag).catch((error: unknown) => {
    if (needed) throw error;
    // The notes say less then; nothing else goes by it.
    logger.warning(`What has changed is not told: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  });
}
