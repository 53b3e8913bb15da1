import { z } from 'zod';
import { ConfigurationError } from '../base/errors.js';
import { nearest } from '../base/suggest.js';
import { featureSets } from './feature-sets.js';

/** Where the recipe keeps what a build promises, below the project's root. */
export const featuresPath = 'spack-repo/spack_repo/slurm_factory/packages/slurm/features.json';

/** First or last series: `23.11`. */
const series = z
  .string()
  .regex(/^\d+\.\d+$/)
  .optional();

const schema = z.object({
  variants: z.array(
    z.strictObject({
      /** Name of the recipe's variant, and of the feature for users. */
      variant: z.string().regex(/^[a-z0-9_]+$/),
      /** The smallest set that has it; `named` for what no set has. */
      set: z.enum([...featureSets, 'named']),
      since: series,
      until: series,
      /** Variants that it can't be without. */
      requires: z.array(z.string()).default([]),
      description: z.string(),
    }),
  ),
  features: z.array(
    z.strictObject({
      feature: z.string(),
      /** Variant of the recipe that switches it on; without one every build has it. */
      variant: z.string().optional(),
      /** First series that has it. */
      since: series,
      /** What to look at when it is missing: names of Spack's packages, most of them. */
      needs: z.array(z.string()),
      /** Line of config.h that shows that it was switched on. */
      define: z.string().optional(),
      /** Paths below the prefix; `*` stands for any part of a name, and one such file is enough. */
      files: z.array(z.string()),
    }),
  ),
});

type Table = z.infer<typeof schema>;
/** A variant of the recipe that users may switch. */
export type Variant = Table['variants'][number];
/** Something that a build of the recipe has, and how that shows. */
export type Feature = Table['features'][number];

/** What the recipe says of itself. */
export interface Features {
  readonly variants: readonly Variant[];
  readonly features: readonly Feature[];
}

/**
 * Reads the recipe's features.
 * @throws ConfigurationError when the file is not as it must be
 */
export function parseFeatures(text: string): Features {
  const parsed = schema.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  throw new ConfigurationError(
    `${featuresPath}: ${z.prettifyError(parsed.error)}`,
    'Restore the file from the repository.',
  );
}

/**
 * The variants that have to be off where some features, variants or packages can't be had.
 * @param lacks names of features or variants, or of packages that features need
 * @returns sorted variants, or a sentence that says which word is wrong
 */
export function variantsWithout(features: readonly Feature[], lacks: readonly string[]): string[] | string {
  const off = new Set<string>();
  for (const word of lacks) {
    const lost = features.filter(
      ({ feature, variant, needs }) => feature === word || variant === word || needs.includes(word),
    );
    if (lost.length === 0) {
      const near = nearest(word, wordsOf(features));
      return `lacks: '${word}' is no feature and nothing that one needs.${near === undefined ? '' : ` Did you mean '${near}'?`}`;
    }
    for (const { feature, variant } of lost) {
      if (variant === undefined) return `lacks: there is no Slurm without '${word}', which ${feature} needs.`;
      off.add(variant);
    }
  }
  return [...off].sort();
}

const wordsOf = (features: readonly Feature[]): string[] => [
  ...new Set(features.flatMap(({ feature, variant, needs }) => [feature, variant ?? [], needs].flat())),
];
