import { z } from 'zod';
import { parseJson } from '../base/json.js';

/**
 * Versions by package from `dpkg-query` or `rpm`, as Spack versions: without epoch, distribution's
 * revision and repackaging marks.
 */
export function parsePackageVersions(text: string): Map<string, string> {
  return new Map(
    text
      .trim()
      .split('\n')
      .map((line) => {
        const [name = '', version = ''] = line.split(' ');
        return [name.replace(/:.*$/, ''), upstreamVersion(version)] as const;
      }),
  );
}

/** `1:2.36-9+deb12u14` → `2.36` */
export function upstreamVersion(version: string): string {
  return version
    .replace(/^\d+:/, '')
    .replace(/-[^-]*$/, '')
    .replace(/[+~].*$/, '');
}

const databaseSchema = z.object({
  database: z.object({
    installs: z.record(z.string(), z.object({ path: z.string().nullish(), installed: z.boolean() })),
  }),
});

/** Prefix of an installed package from Spack's database (index.json); undefined where it is not installed. */
export function installedPrefix(database: string, hash: string): string | undefined {
  const parsed = databaseSchema.safeParse(parseJson(database));
  const record = parsed.success ? parsed.data.database.installs[hash] : undefined;
  return record?.installed ? (record.path ?? undefined) : undefined;
}
