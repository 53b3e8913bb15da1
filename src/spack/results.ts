import { z } from 'zod';
import { ConfigurationError } from '../base/errors.js';

/** One concrete spec of a lock. */
export interface LockedSpec {
  readonly name: string;
  readonly version: string;
  /** Spack's DAG hash, 32 characters. */
  readonly hash: string;
  /** Prefix of a package of the distribution; undefined for what Spack installs. */
  readonly external: string | undefined;
}

export interface Lock {
  readonly root: LockedSpec;
  readonly specs: readonly LockedSpec[];
}

const lockSchema = z.object({
  roots: z.array(z.object({ hash: z.string(), spec: z.string() })).min(1),
  concrete_specs: z.record(
    z.string(),
    z.object({
      name: z.string(),
      version: z.string(),
      external: z.object({ path: z.string().nullish() }).nullish(),
    }),
  ),
});

/**
 * Reads a spack.lock.
 * @throws ConfigurationError when it is none
 */
export function parseLock(text: string): Lock {
  const parsed = lockSchema.safeParse(parseJson(text));
  if (!parsed.success) {
    throw new ConfigurationError(
      `spack.lock is not as expected: ${z.prettifyError(parsed.error)}`,
      'Use a Spack commit that this version knows, or clear the cache.',
    );
  }
  const specs = Object.entries(parsed.data.concrete_specs).map(([hash, spec]) => ({
    name: spec.name,
    version: spec.version,
    hash,
    external: spec.external?.path ?? (spec.external ? '' : undefined),
  }));
  const root = specs.find((spec) => spec.hash === parsed.data.roots[0]?.hash);
  if (root === undefined) {
    throw new ConfigurationError('spack.lock lacks its own root.', 'Clear the cache and build again.');
  }
  return { root, specs };
}

/** The specs that Spack installs itself. */
export const builtSpecs = (lock: Lock): LockedSpec[] =>
  lock.specs.filter((spec) => spec.external === undefined);

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

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
