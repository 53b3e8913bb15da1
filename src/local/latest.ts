import type { Logger } from '../base/ports.js';
import { newestRelease } from '../publish/hosted.js';
import type { ReleaseIndex } from '../publish/index-file.js';
import { type GitHubPlace, githubReleases } from './github.js';

/**
 * The index of the newest release on GitHub that has one; undefined where none has.
 * @throws PublishError
 */
export async function latestIndex(place: GitHubPlace, logger: Logger): Promise<ReleaseIndex | undefined> {
  const host = await githubReleases(place, logger);
  try {
    return (await newestRelease(host, undefined))?.index;
  } finally {
    await host.close();
  }
}
