import { mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PublishError } from '../base/errors.js';
import type { Logger } from '../base/ports.js';
import type { ExpectedTarget } from './expected.js';
import { fetchProofs } from './get.js';
import type { ReleaseSource } from './source.js';

/**
 * Brings the files of targets that were not built anew from the release before. What they are worth is looked at with
 * all others.
 * @param folder that of all results
 * @throws PublishError where that release does not have one of them
 */
export async function takeOver(
  wanted: readonly ExpectedTarget[],
  source: ReleaseSource | undefined,
  folder: string,
  logger: Logger,
): Promise<void> {
  if (wanted.length === 0) return;
  const hint =
    'Name the release that the plan was made against, as previous; or build them, without skip-released.';
  if (source === undefined) {
    throw new PublishError(`The plan leaves out ${wanted.length} targets that an earlier release has.`, hint);
  }
  const { index, place } = source;
  const work = await mkdtemp(join(folder, '.taken-'));
  try {
    for (const { identifier, contentKey } of wanted) {
      const target = index.targets.find(
        (one) => one.identifier === identifier && one.contentKey === (contentKey ?? one.contentKey),
      );
      if (target === undefined) {
        throw new PublishError(`${place} does not have ${identifier} as the plan says.`, hint);
      }
      for (const file of target.files) {
        await source.fetch(file, join(work, file.name));
        await rename(join(work, file.name), join(folder, file.name));
      }
      if (target.signed) await fetchProofs(source, target, folder, work);
      logger.info(`${identifier} is that of ${index.name}`);
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
