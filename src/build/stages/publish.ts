import { join } from 'node:path';
import type { ArtifactStore, Logger, UploadedArtifact } from '../../base/ports.js';
import type { BuildPlan } from '../plan.js';

/** Uploads each file of the result as an artifact of its own; a service that is down costs a warning. */
export async function publish(
  plan: BuildPlan,
  names: readonly string[],
  artifacts: ArtifactStore,
  logger: Logger,
): Promise<UploadedArtifact[]> {
  const uploaded = await Promise.all(
    names.map(async (name) => {
      try {
        return [await artifacts.uploadFile(join(plan.outputDir, name), plan.options.retentionDays)];
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
