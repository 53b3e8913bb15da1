import { z } from 'zod';
import { ConfigurationError } from '../base/errors.js';
import { compareVersions, type Release } from './releases.js';

const fileSchema = z.object({
  releases: z.record(
    z.string(),
    z.array(
      z.object({
        version: z.string().regex(/^\d+\.\d+\.\d+$/),
        spack: z.string(),
        tag: z.string(),
        commit: z.string().regex(/^[0-9a-f]{40}$/),
        archiveSha256: z.string().regex(/^[0-9a-f]{64}$/),
        date: z.string(),
      }),
    ),
  ),
});

/**
 * Reads the releases file.
 * @returns all releases, oldest first
 * @throws ConfigurationError when the file is not as it must be
 */
export function parseReleases(text: string): Release[] {
  const parsed = fileSchema.safeParse(JSON.parse(text));
  if (!parsed.success) {
    throw new ConfigurationError(
      `data/slurm-releases.json: ${z.prettifyError(parsed.error)}`,
      'Restore the file from the repository.',
    );
  }
  const releases = Object.entries(parsed.data.releases).flatMap(([series, list]) =>
    list.map((release) => ({ series, ...release })),
  );
  return releases.sort((a, b) => compareVersions(a.version, b.version));
}
