import { z } from 'zod';
import { ConfigurationError } from '../base/errors.js';
import { parseJson } from '../base/json.js';
import type { Lock } from './lock.js';

/*
 * The lock as a result hands it out. Spack's own text tells neither the recipes that it was made with nor the
 * specs of the environment, and a lock is right with these alone: its hashes stand for recipes too.
 */

/** What a lock was made with. */
export interface LockOrigin {
  /** Commits of Spack and spack-packages. */
  readonly spack: string;
  readonly packages: string;
  /** Digest of our recipes and a user's. */
  readonly recipes: string;
  /** Root specs of the environment, Slurm's first. */
  readonly specs: readonly string[];
  /** sha256 of what a user has merged over the environment. */
  readonly yaml?: string | undefined;
}

const field = 'slurm-factory';

const schema = z.object({
  [field]: z.object({
    spack: z.string(),
    packages: z.string(),
    recipes: z.string(),
    specs: z.array(z.string()),
    yaml: z.string().optional(),
  }),
});

/** Spack's lock with what it was made with, as text; the same lock gives the same text. */
export const publishedLock = (text: string, origin: LockOrigin): string =>
  `${JSON.stringify({ [field]: origin, ...(parseJson(text) as object) }, undefined, 1)}\n`;

/**
 * What a lock was made with.
 * @throws ConfigurationError for one that no result had
 */
export function madeWith(text: string): LockOrigin {
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data[field];
  throw new ConfigurationError(
    'it does not say what it was made with. Take the <target>-spack.lock of a result.',
    'Give the file spack.lock of a result, as it was handed out.',
  );
}

/**
 * Why a lock is not of a build, sentences.
 * @param build what it is made with, and the versions of the distribution's packages, by Spack's names
 */
export function lockMismatches(
  given: { readonly lock: Lock; readonly origin: LockOrigin },
  build: { readonly origin: LockOrigin; readonly versions: ReadonlyMap<string, string> },
): string[] {
  const differ = (name: Exclude<keyof LockOrigin, 'specs'>, what: string, remedy: string): string[] =>
    given.origin[name] === build.origin[name] ? [] : [`it was made with ${what}. ${remedy}`];
  const [was, is] = [given.origin.specs, build.origin.specs].map((specs) => specs.join(' '));
  const versions = given.lock.specs.flatMap(({ name, version, external }) => {
    const there = build.versions.get(name);
    return external === undefined || there === version
      ? []
      : [`${name} ${version} is ${there === undefined ? 'not there' : `${there} here`}`];
  });
  return [
    ...differ('spack', `Spack ${given.origin.spack.slice(0, 12)}`, `Give that as spack-ref.`),
    ...differ(
      'packages',
      `spack-packages ${given.origin.packages.slice(0, 12)}`,
      'Give that as packages-ref.',
    ),
    ...differ('recipes', 'other recipes', 'Take the same slurm-factory and the same patches and repos.'),
    ...differ('yaml', 'another spack-yaml', 'Give that one.'),
    ...(was === is ? [] : [`it is of '${was}', and this build is of '${is}'.`]),
    ...(versions.length === 0
      ? []
      : [`${versions.join(', ')}. Take the image that it was made with as container-image.`]),
  ];
}
