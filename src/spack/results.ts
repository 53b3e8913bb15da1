import { z } from 'zod';
import { parseJson } from '../base/json.js';

const databaseSchema = z.object({
  database: z.object({
    installs: z.record(z.string(), z.object({ path: z.string().nullish(), installed: z.boolean() })),
  }),
});

/** Prefixes of the installed packages by their hashes, from Spack's database (index.json). */
export function installedPrefixes(database: string): Map<string, string> {
  const parsed = databaseSchema.safeParse(parseJson(database));
  const records = parsed.success ? Object.entries(parsed.data.database.installs) : [];
  return new Map(
    records.flatMap(([hash, { installed, path }]) => (installed && path ? [[hash, path] as const] : [])),
  );
}

/** What Spack leaves in a prefix that came out of a build cache, and in no other. */
export const fromCacheMarker = '.spack/binary_distribution';
