import { parse } from 'yaml';
import { z } from 'zod';
import { ConfigurationError } from '../base/errors.js';
import { sha256 } from '../base/files.js';
import { nearest } from '../base/suggest.js';
import type { Toolchain } from './toolchains.js';

/** Where it is said what Spack builds for `dependencies: self-contained`, below the project's root. */
export const selfContainedPath = 'data/self-contained.yaml';

const spackName = z.string().regex(/^[a-z0-9][a-z0-9-]*$/);

const schema = z.strictObject({
  /** Packages that the distribution has in every build, with the reason. */
  host: z.array(z.strictObject({ package: spackName, reason: z.string() })),
  /** Packages that those which Slurm links are built with. */
  built: z.array(spackName),
  /** Constraints on packages that Spack builds, as in a spec. */
  require: z.array(z.strictObject({ package: spackName, spec: z.string(), reason: z.string() })),
  /** What is compiled in below a prefix and hosts have elsewhere; `to` is no longer than the path. */
  moved: z.array(
    z.strictObject({ package: spackName, path: z.string(), to: z.string(), reason: z.string() }),
  ),
  /** Where a source has its licence besides the files at its top that are named as licences are. */
  licences: z.array(z.strictObject({ package: spackName, files: z.array(z.string()).min(1) })),
  /** Packages that Spack need not think of where these are built. */
  notBuilt: z.array(spackName),
});

/** What Spack builds for `dependencies: self-contained`, and how. */
export type SelfContained = z.infer<typeof schema>;

/**
 * Reads `data/self-contained.yaml`.
 * @throws ConfigurationError when the file is not as it must be
 */
export function parseSelfContained(text: string): SelfContained {
  const parsed = schema.safeParse(parse(text));
  if (parsed.success) return parsed.data;
  throw new ConfigurationError(
    `${selfContainedPath}: ${z.prettifyError(parsed.error)}`,
    'Restore the file from the repository.',
  );
}

const isHost = ({ host }: SelfContained, spec: string): boolean => host.some((item) => item.package === spec);

/**
 * What is wrong with names of packages that are to come from the distribution, a sentence; undefined for nothing.
 * @param names all of them, so that one sentence tells of every wrong one
 */
export function wrongExternals(
  names: readonly string[],
  { id, dependencies }: Pick<Toolchain, 'id' | 'dependencies'>,
): string | undefined {
  const known = dependencies.map(({ spec }) => spec);
  const wrong = names.filter((name) => !known.includes(name));
  if (wrong.length === 0) return undefined;
  const told = wrong.map((name) => {
    const near = nearest(name, known);
    return near === undefined ? `'${name}'` : `'${name}' (did you mean '${near}'?)`;
  });
  return `${told.join(', ')} ${wrong.length === 1 ? 'is' : 'are'} not among what ${id} has for Slurm: ${known.join(', ')}.`;
}

/** The externals that make a difference, sorted, each once: what is the host's anyway need not be named. */
export const chosenExternals = (names: readonly string[], rules: SelfContained): string[] =>
  [...new Set(names)].filter((name) => !isHost(rules, name)).sort();

/** `x3f2a91c04b17`: tells targets apart that take different packages from the distribution; undefined for none. */
export const externalsWord = (chosen: readonly string[]): string | undefined =>
  chosen.length === 0 ? undefined : `x${sha256(chosen.join('\n')).slice(0, 12)}`;

/**
 * A toolchain as a self-contained build sees it: of its libraries only the host's own and the chosen ones are
 * there, not even to be linked by chance, and Spack may build the others.
 */
export function selfContainedToolchain<T extends Toolchain>(
  toolchain: T,
  externals: readonly string[],
  rules: SelfContained,
): T {
  const taken = ({ spec }: { readonly spec: string }) => isHost(rules, spec) || externals.includes(spec);
  const dependencies = toolchain.dependencies.filter(taken);
  const known = new Set([...dependencies, ...toolchain.tools].map(({ spec }) => spec));
  const built = new Set([
    ...toolchain.dependencies.map(({ spec }) => spec).filter((spec) => !known.has(spec)),
    ...rules.built,
  ]);
  const notBuilt = [...new Set([...toolchain.notBuilt, ...rules.notBuilt])].sort();
  return {
    ...toolchain,
    dependencies,
    notBuilt: notBuilt.filter((name) => !known.has(name) && !built.has(name)),
    required: rules.require.filter((item) => !known.has(item.package)),
  };
}
