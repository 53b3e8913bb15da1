import { join } from 'node:path';
import type { ArtifactStore, Logger, UploadedArtifact } from '../../base/ports.js';
import type { BuildPlan } from '../plan.js';

/**
 * Uploads each file of the result as an artifact of its own; what a failing service does not take is a warning.
 * @param folder where only this user can write; the files lie in the output folder too
 */
export async function uploadFiles(
  plan: BuildPlan,
  folder: string,
  names: readonly string[],
  artifacts: ArtifactStore,
  logger: Logger,
): Promise<UploadedArtifact[]> {
  const uploaded = await Promise.all(
    names.map(async (name) => {
      try {
        const { outputDir, options } = plan;
        return [await artifacts.uploadFile(join(folder, name), options.retentionDays, outputDir)];
      } catch (error) {
        logger.warning(
          `${name} could not be uploaded (${error instanceof Error ? error.message : String(error)}); it stays in ${plan.outputDir}.`,
        );
        return [];
      }
    }),
  );
  return uploaded.flat();
}
