import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Logger, WebClient } from '../base/ports.js';
import { readPlain } from '../base/safe.js';
import type { ReleaseHost } from './host.js';
import { indexLimit, parseIndex, type ReleaseIndex } from './index-file.js';
import { releaseFiles } from './names.js';
import { openSource } from './source.js';

/** How many releases are looked at for an index. */
const lookedAt = 20;

/**
 * The index of the release before, which the notes compare with.
 * @param named folder, file or address; `off` for none; undefined for the newest release on GitHub that has one
 * @param tag that of the release that is made, which is not the one before
 * @throws PublishError, PackagingError for one that was named and can't be read
 */
export async function previousIndex(
  named: string | undefined,
  tag: string | undefined,
  ports: {
    readonly web: WebClient;
    readonly signal: AbortSignal;
    readonly logger: Logger;
    readonly host?: ReleaseHost | undefined;
  },
): Promise<ReleaseIndex | undefined> {
  if (named === 'off') return undefined;
  if (named !== undefined) return (await openSource(named, '/', ports)).index;
  const { host, logger } = ports;
  if (host === undefined || tag === undefined) return undefined;
  const others = (await host.list()).filter((release) => !release.draft && release.tag !== tag);
  for (const release of others.slice(0, lookedAt)) {
    const asset = (await host.assets(release.id)).find(({ name }) => name === releaseFiles.index);
    if (asset === undefined) continue;
    const folder = await mkdtemp(join(tmpdir(), 'slurm-factory-index-'));
    try {
      await host.download(asset, join(folder, asset.name));
      const text = (await readPlain(folder, asset.name, indexLimit)).toString();
      return parseIndex(text, `${releaseFiles.index} of ${release.tag}`);
    } catch (error) {
      // The notes say less then; nothing else goes by it.
      logger.warning(
        `What has changed is not told: ${error instanceof Error ? error.message : String(error)}`,
      );
      return undefined;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  return undefined;
}
