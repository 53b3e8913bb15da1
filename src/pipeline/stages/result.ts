import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PackagingError } from '../../base/errors.js';
import type { Logger } from '../../base/ports.js';
import { checkResult } from '../../bundle/check.js';
import { broughtPackages } from '../../bundle/manifest.js';
import type { CacheEntries } from '../../cache/entries.js';
import { type BroughtPackage, resultKey, resultPrefix } from '../../cache/keys.js';
import type { Result } from '../report.js';
import type { ResolvedBuild } from '../resolve.js';
import type { Stage } from '../stage.js';
import { outdatedLines, type SecurityIndex } from '../updates.js';

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
 * Of a target that brings libraries the newest counts, and only while there is nothing newer of them.
 * @returns undefined for a miss, a damaged entry and an outdated one included
 */
export async function restoreResult(
  build: ResolvedBuild,
  entries: CacheEntries,
  index: Pick<SecurityIndex, 'outdated'>,
  logger: Logger,
): Promise<Result | undefined> {
  const brings = build.target.dependencies !== 'system';
  const named = brings ? resultPrefix : resultKey;
  const key = named(build.identifier, build.contentKey);
  const restore = async () => {
    const folder = await makeResultFolder(build);
    return brings ? entries.restoreNear(key, folder) : entries.restore(key, folder);
  };
  while (await restore()) {
    try {
      const result = await checkOwnResult(build);
      const outdated = await index.outdated(result.brought);
      if (outdated.length === 0) return result;
      logger.notice(
        `The cached result is not used: there is something newer of what is in it, which a new one gets.\n${outdatedLines(outdated)}`,
      );
      return undefined;
    } catch (error) {
      if (!(error instanceof PackagingError)) throw error;
      logger.warning(`The cached result fails its checks and is not used:\n${error.message}`);
      entries.reject(key);
    }
  }
  logger.info('The result cache has nothing for this content key.');
  return undefined;
}

/** A result, with the packages of the distribution that came into its tarball. */
export interface OwnResult extends Result {
  readonly brought: readonly BroughtPackage[];
}

/**
 * Checks what lies in the folder of `makeResultFolder`, as `verify` does, and that it is this build's.
 * @throws PackagingError
 */
export async function checkOwnResult(build: ResolvedBuild): Promise<OwnResult> {
  const folder = join(build.buildFolder, 'result');
  const { manifest, files } = await checkResult(folder, build.identifier, {
    exact: true,
    contentKey: build.contentKey,
    tested: build.options.smokeTest,
  });
  const { runtimePackages } = manifest;
  return { folder, described: files, runtimePackages, brought: broughtPackages(manifest) };
}

/** Key that a result is saved under. */
export const keyOfResult = (build: ResolvedBuild, { brought }: OwnResult): string =>
  resultKey(build.identifier, build.contentKey, build.target.dependencies === 'system' ? undefined : brought);

/** Looks whether the result is there already. */
export const findResultStage: Stage<object, { readonly cached: Result | undefined }> = {
  id: 'find-result',
  run: async ({ build, entries, securityIndex, ports }) => ({
    cached: await restoreResult(build, entries, securityIndex, ports.logger),
  }),
};
