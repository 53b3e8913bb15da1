import { mkdir, rm } from 'node:fs/promises';
import { formatBytes } from '../../base/bytes.js';
import { DiskSpaceError } from '../../base/errors.js';
import { freeBytes } from '../../base/files.js';
import type { ResolvedBuild } from '../resolve.js';
import type { Stage } from '../stage.js';

/** Free bytes that a build needs in its folder: sources, build tree, install tree, tarballs (measured 1.1 GB). */
export const neededBytes = 2e9;

/**
 * Checks what would otherwise fail after an hour.
 * @throws DiskSpaceError
 */
export async function preflight(build: ResolvedBuild, free = freeBytes): Promise<void> {
  const places = [
    [build.buildFolder, 'another folder for caches and builds (--cache-dir, or RUNNER_TEMP of the runner)'],
    [build.outputDir, 'another output-dir'],
  ] as const;
  for (const [folder, other] of places) {
    await mkdir(folder, { recursive: true });
    const available = await free(folder);
    if (available < neededBytes) {
      throw new DiskSpaceError(
        `${folder} has ${formatBytes(available)} free; a build needs ${formatBytes(neededBytes)}.`,
        `Free disk space there, or choose ${other}.`,
      );
    }
  }
}

/** Empties the build's folder and checks that there is room for a build. */
export const preflightStage: Stage<object, object> = {
  id: 'preflight',
  run: async ({ build }) => {
    await rm(build.buildFolder, { recursive: true, force: true });
    await preflight(build);
    return {};
  },
};
