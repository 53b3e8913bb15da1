import { nearest } from '../base/suggest.js';
import { type FeatureSet, featureSets } from './feature-sets.js';
import type { Variant } from './features.js';
import { compareVersions, hasCome } from './releases.js';

/** What a user wants of the recipe's variants: a set, and what it should have more or less. */
export interface FeatureChoice {
  readonly base: FeatureSet;
  /** Variants beside the set's, sorted. */
  readonly with: readonly string[];
  /** Variants of the set to leave out, sorted. */
  readonly without: readonly string[];
}

/** What a build has where nobody says anything. */
export const defaultChoice: FeatureChoice = { base: 'default', with: [], without: [] };

type Table = readonly Variant[];

const inSet = (base: FeatureSet, { set }: Pick<Variant, 'set'>): boolean =>
  set !== 'named' && featureSets.indexOf(set) <= featureSets.indexOf(base);

/** The variants that a choice means, whatever a release or a distribution has of them. */
export function wanted({ base, with: more, without }: FeatureChoice, variants: Table): string[] {
  return variants
    .filter((row) => more.includes(row.variant) || (inSet(base, row) && !without.includes(row.variant)))
    .map(({ variant }) => variant);
}

/**
 * Reads `full -sview`, `+ucx, +hdf5`: at most one set, the default one without it, and variants to add or to
 * leave out, with white space or commas between them.
 * @returns the choice in its shortest form, or sentences that say what is wrong
 */
export function parseChoice(text: string, variants: Table): FeatureChoice | string[] {
  const problems: string[] = [];
  const bases: FeatureSet[] = [];
  const signs = new Map<string, Set<string>>();
  const names = variants.map(({ variant }) => variant);
  for (const word of text.split(/[\s,]+/).filter((part) => part !== '')) {
    const set = featureSets.find((name) => name === word);
    const [, sign = '', name = ''] = /^([+-])(.*)$/.exec(word) ?? [];
    if (set !== undefined) bases.push(set);
    else if (sign !== '' && names.includes(name)) signs.set(name, (signs.get(name) ?? new Set()).add(sign));
    else problems.push(unknownWord(word, sign, name, names));
  }
  if (bases.length > 1) problems.push(`${bases.join(' and ')} are two sets. Name one.`);
  for (const [name, both] of signs) {
    if (both.size > 1) problems.push(`+${name} and -${name} contradict each other.`);
  }
  const signed = (sign: string) => [...signs].filter(([, both]) => both.has(sign)).map(([name]) => name);
  const choice = { base: bases[0] ?? 'default', with: signed('+'), without: signed('-') };
  problems.push(...missingRequirements(choice, variants));
  return problems.length > 0 ? problems : shortest(choice, variants);
}

function unknownWord(word: string, sign: string, name: string, names: readonly string[]): string {
  if (names.includes(word)) return `'${word}' needs a sign: +${word} adds it, -${word} leaves it out.`;
  const near = nearest(name || word, [...names, ...(sign === '' ? featureSets : [])]);
  const hint =
    near === undefined
      ? `The sets are ${featureSets.join(', ')}; the features are ${[...names].sort().join(', ')}.`
      : `Did you mean '${sign}${near}'?`;
  return `'${word}' is not a known feature. ${hint}`;
}

function missingRequirements(choice: FeatureChoice, variants: Table): string[] {
  const on = wanted(choice, variants);
  return variants
    .filter(({ variant }) => on.includes(variant))
    .flatMap(({ variant, requires }) =>
      requires
        .filter((name) => !on.includes(name))
        .map((name) =>
          choice.without.includes(name)
            ? `${variant} can't be without ${name}: add -${variant}, or leave out -${name}.`
            : `${variant} can't be without ${name}: add +${name}, too.`,
        ),
    );
}

/** Of all ways to say the same, the one with the fewest words; so one choice has one name. */
function shortest(choice: FeatureChoice, variants: Table): FeatureChoice {
  const on = wanted(choice, variants);
  const ways = (['default', 'minimal', 'full'] as const).map((base): FeatureChoice => {
    const own = wanted({ base, with: [], without: [] }, variants);
    return {
      base,
      with: on.filter((name) => !own.includes(name)).sort(),
      without: own.filter((name) => !on.includes(name)).sort(),
    };
  });
  const words = (way: FeatureChoice) => way.with.length + way.without.length;
  return ways.reduce((best, way) => (words(way) < words(best) ? way : best));
}

/** `full-without-sview`, `with-hdf5-ucx`: as a part of an identifier; undefined for the default. */
export function choiceWord({ base, with: more, without }: FeatureChoice): string | undefined {
  const words = [
    ...(base === 'default' ? [] : [base]),
    ...(more.length === 0 ? [] : ['with', ...more]),
    ...(without.length === 0 ? [] : ['without', ...without]),
  ];
  return words.length === 0 ? undefined : words.join('-');
}

/** Pattern of `choiceWord`. */
export const choicePattern = (() => {
  const names = '(?:-(?!with-|without-)[a-z0-9_]+)+';
  const ends = [`-with${names}-without${names}`, `-with${names}`, `-without${names}`];
  return `(?:minimal|full)(?:${ends.join('|')})?|${ends.map((end) => end.slice(1)).join('|')}`;
})();

/** The choice that a `choiceWord` tells. */
export function readChoiceWord(word: string | undefined): FeatureChoice {
  const lists = { with: [] as string[], without: [] as string[] };
  let base: FeatureSet = 'default';
  let list: string[] | undefined;
  for (const part of word?.split('-') ?? []) {
    if (part === 'with' || part === 'without') list = lists[part];
    else if (list === undefined) base = part as FeatureSet;
    else list.push(part);
  }
  return { base, ...lists };
}

/** `full -sview`: as the input takes it. */
export const formatChoice = ({ base, with: more, without }: FeatureChoice): string =>
  [base, ...more.map((name) => `+${name}`), ...without.map((name) => `-${name}`)].join(' ');

/** What is switched on and off for one target. */
export interface Switches {
  readonly on: readonly string[];
  /** All others of the table, and what the distribution can't have. */
  readonly off: readonly string[];
  /** Words of Slurm's spec for what the recipe does not have by itself: `+hdf5`, `~lua`; sorted by name. */
  readonly words: readonly string[];
}

/**
 * Switches the recipe's variants as a release and a distribution can have them.
 * @param release its version, `24.11.7`
 * @param lacking variants that the distribution can't have
 * @returns sentences instead where a variant was asked for by its name and can't be had; a set goes without
 */
export function switchVariants(
  choice: FeatureChoice,
  variants: Table,
  release: string,
  { id, lacking }: { readonly id: string; readonly lacking: readonly string[] },
): Switches | string[] {
  const byName = new Map(variants.map((row) => [row.variant, row]));
  const reasonAgainst = (row: Variant): string | undefined => {
    const { variant, since, until, requires } = row;
    if (since !== undefined && !hasCome(since, release)) {
      return `${variant} came with Slurm ${since}; this is ${release}.`;
    }
    if (until !== undefined && compareVersions(seriesOf(release), `${until}.0`) > 0) {
      return `Slurm has had no ${variant} since ${until}; this is ${release}.`;
    }
    if (lacking.includes(variant)) return `${variant} is not to be had for ${id}.`;
    const missing = requires.find((name) => {
      const needed = byName.get(name);
      return needed !== undefined && reasonAgainst(needed) !== undefined;
    });
    return missing === undefined
      ? undefined
      : `${variant} needs ${missing}, which is not to be had for ${id}.`;
  };
  const unknown = [...choice.with, ...choice.without].filter((name) => !byName.has(name));
  if (unknown.length > 0) return unknown.map((name) => `${name} is not a known feature.`);
  const rows = wanted(choice, variants).flatMap((name) => byName.get(name) ?? []);
  const refused = rows.flatMap((row) => {
    const reason = reasonAgainst(row);
    return reason === undefined ? [] : [{ name: row.variant, reason }];
  });
  const named = refused.filter(({ name }) => choice.with.includes(name));
  if (named.length > 0) return named.map(({ reason }) => reason);
  const lost = refused.map(({ name }) => name);
  const on = rows.map(({ variant }) => variant).filter((name) => !lost.includes(name));
  const others = variants.map(({ variant }) => variant).filter((name) => !on.includes(name));
  const ordinary = (row: Variant) => inSet('default', row);
  const words = variants
    .filter((row) => ordinary(row) !== on.includes(row.variant))
    .map((row) => ({ name: row.variant, word: `${ordinary(row) ? '~' : '+'}${row.variant}` }))
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .map(({ word }) => word);
  return { on, off: [...new Set([...others, ...lacking])].sort(), words };
}

const seriesOf = (release: string): string => `${release.split('.').slice(0, 2).join('.')}.0`;
