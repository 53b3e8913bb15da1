import { join } from 'node:path';
import type { ArtifactStore, Logger, UploadedArtifact } from '../../base/ports.js';
import type { BundleFile } from '../../bundle/sums.js';
import type { Result } from '../report.js';
import type { ResolvedBuild } from '../resolve.js';
import type { Stage } from '../stage.js';

/**
 * Uploads each file of the result as an artifact of its own; what a failing service does not take is a warning.
 * @param folder where only this user can write; the files lie in the output folder too
 */
export async function uploadFiles(
  build: ResolvedBuild,
  folder: string,
  names: readonly string[],
  artifacts: ArtifactStore,
  logger: Logger,
): Promise<UploadedArtifact[]> {
  const uploaded = await Promise.all(
    names.map(async (name) => {
      try {
        const uploaded = await artifacts.uploadFile?.(join(folder, name), build.options.retentionDays);
        return uploaded === undefined ? [] : [uploaded];
      } catch (error) {
        logger.warning(
          `${name} could not be uploaded (${error instanceof Error ? error.message : String(error)}); it stays in ${build.outputDir}.`,
        );
        return [];
      }
    }),
  );
  return uploaded.flat();
}

/** Uploads the files that are handed out, where there is anywhere to upload to. */
export const uploadStage: Stage<
  { readonly result: Result; readonly described: readonly BundleFile[] },
  { readonly artifacts: readonly UploadedArtifact[] }
> = {
  id: 'upload',
  skip: ({ build, ports }) =>
    build.options.upload && ports.artifacts.uploadFile !== undefined ? undefined : { artifacts: [] },
  run: async ({ build, ports }, { result, described }) => {
    const names = described.map((file) => file.name);
    return { artifacts: await uploadFiles(build, result.folder, names, ports.artifacts, ports.logger) };
  },
};
