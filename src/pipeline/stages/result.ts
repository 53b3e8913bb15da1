import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PackagingError } from '../../base/errors.js';
import type { Logger } from '../../base/ports.js';
import { checkResult } from '../../bundle/check.js';
import type { CacheEntries } from '../../cache/entries.js';
import { resultKey } from '../../cache/keys.js';
import type { Result } from '../report.js';
import type { ResolvedBuild } from '../resolve.js';
import type { Stage } from '../stage.js';

/**
 * Makes the folder that a result comes together in, empty. No container sees it and nobody but this user can
 * write there, so that what was checked in it is what is signed, saved and handed out.
 */
export async function makeResultFolder(build: ResolvedBuild): Promise<string> {
  const folder = join(build.buildFolder, 'result');
  await rm(folder, { recursive: true, force: true });
  await mkdir(build.buildFolder, { recursive: true });
  await mkdir(folder, { mode: 0o700 });
  return folder;
}

/**
 * Looks for the target's finished files, and checks that they are a whole result of this target and content key.
 * @returns undefined for a miss, a damaged entry included
 */
export async function restoreResult(
  build: ResolvedBuild,
  entries: CacheEntries,
  logger: Logger,
): Promise<Result | undefined> {
  const key = resultKey(build.identifier, build.contentKey);
  while (await entries.restore(key, await makeResultFolder(build))) {
    try {
      return await checkOwnResult(build);
    } catch (error) {
      if (!(error instanceof PackagingError)) throw error;
      logger.warning(`The cached result fails its checks and is not used:\n${error.message}`);
      entries.reject(key);
    }
  }
  logger.info('The result cache has nothing for this content key.');
  return undefined;
}

/**
 * Checks what lies in the folder of `makeResultFolder`, as `verify` does, and that it is this build's.
 * @throws PackagingError
 */
export async function checkOwnResult(build: ResolvedBuild): Promise<Result> {
  const folder = join(build.buildFolder, 'result');
  const { manifest, files } = await checkResult(folder, build.identifier, {
    exact: true,
    contentKey: build.contentKey,
    tested: build.options.smokeTest,
  });
  return { folder, described: files, runtimePackages: manifest.runtimePackages };
}

/** Looks whether the result is there already. */
export const findResultStage: Stage<object, { readonly cached: Result | undefined }> = {
  id: 'find-result',
  run: async ({ build, entries, ports }) => ({ cached: await restoreResult(build, entries, ports.logger) }),
};
