import { z } from 'zod';
import { ConfigurationError } from '../base/errors.js';
import { parseJson } from '../base/json.js';

/** One concrete spec of a lock. */
export interface LockedSpec {
  readonly name: string;
  readonly version: string;
  /** Spack's DAG hash, 32 characters. */
  readonly hash: string;
  /** Prefix of a package of the distribution; undefined for what Spack installs. */
  readonly external: string | undefined;
  /** What it depends on, with Spack's types: `build`, `link`, `run`. */
  readonly dependencies: readonly { readonly hash: string; readonly types: readonly string[] }[];
}

export interface Lock {
  /** Slurm. */
  readonly root: LockedSpec;
  /** What else was asked for: packages beside Slurm. */
  readonly further: readonly LockedSpec[];
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
      dependencies: z
        .array(z.object({ hash: z.string(), parameters: z.object({ deptypes: z.array(z.string()) }) }))
        .default([]),
    }),
  ),
});

/**
 * Reads a spack.lock; its specs stay in the file's order.
 * @throws ConfigurationError for a text that is not a lock
 */
export function parseLock(text: string): Lock {
  const parsed = lockSchema.safeParse(parseJson(text));
  if (!parsed.success) {
    throw new ConfigurationError(
      `spack.lock is not as expected: ${z.prettifyError(parsed.error)}`,
      'Use a Spack commit that this version knows, or build with cache: false.',
    );
  }
  const specs: LockedSpec[] = Object.entries(parsed.data.concrete_specs).map(([hash, spec]) => ({
    name: spec.name,
    version: spec.version,
    hash,
    external: spec.external?.path ?? (spec.external ? '' : undefined),
    dependencies: spec.dependencies.map((edge) => ({ hash: edge.hash, types: edge.parameters.deptypes })),
  }));
  const roots = parsed.data.roots.map(({ hash }) => specs.find((spec) => spec.hash === hash));
  const root = roots.find((spec) => spec?.name === 'slurm');
  if (root === undefined || roots.includes(undefined)) {
    throw new ConfigurationError('spack.lock lacks its own root.', 'Build again with cache: false.');
  }
  const further = roots.filter((spec): spec is LockedSpec => spec !== undefined && spec !== root);
  return { root, further, specs };
}

/**
 * What Spack builds for the root to link, on all levels; not the root itself, nor copies of the compiler's own
 * libraries, which the distribution has.
 */
export function linkedSpecs({ root, specs }: Lock): LockedSpec[] {
  return reached([root], specs, ['link']).filter(isShipped);
}

/**
 * What Spack builds for a user beside Slurm: the packages that were asked for, and what they need where they run, on
 * all levels.
 */
export function furtherSpecs({ root, further, specs }: Lock): LockedSpec[] {
  const needed = reached(further, specs, ['link', 'run'], root);
  return [...new Set([...further, ...needed])].filter((spec) => spec !== root && isShipped(spec));
}

// A copy of the compiler's own libraries, which the distribution has, and what only builds.
const left = ['gcc-runtime', 'compiler-wrapper'];
const isShipped = (spec: LockedSpec): boolean => spec.external === undefined && !left.includes(spec.name);

/** What some depend on in one of the ways, on all levels; it doesn't go beyond `end`. */
function reached(
  from: readonly LockedSpec[],
  specs: readonly LockedSpec[],
  ways: readonly string[],
  end?: LockedSpec,
): LockedSpec[] {
  const byHash = new Map(specs.map((spec) => [spec.hash, spec]));
  const seen = new Set<LockedSpec>();
  const follow = (spec: LockedSpec): void => {
    for (const { hash, types } of spec === end ? [] : spec.dependencies) {
      const other = byHash.get(hash);
      if (!types.some((type) => ways.includes(type)) || other === undefined || seen.has(other)) continue;
      seen.add(other);
      follow(other);
    }
  };
  for (const spec of from) follow(spec);
  return [...seen];
}

/** The specs that Spack installs itself. */
export const builtSpecs = (lock: Lock): LockedSpec[] =>
  lock.specs.filter((spec) => spec.external === undefined);
