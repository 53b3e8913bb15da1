import { nearest } from '../base/suggest.js';
import { globOf } from '../base/text.js';
import { type Gpu, gpus } from '../targets/gpus.js';
import { type Arch, archs, type Dependencies } from '../targets/identifier.js';

/** What selectors look at. */
export interface Selectable {
  /** Identifier of the target. */
  readonly identifier: string;
  /** `slurm-24.11.6-noble-amd64-bundled-cuda`: unlike the identifier it has the toolchain of every leg. */
  readonly name: string;
  /** `24.11.6` */
  readonly version: string;
  /** `24.11` */
  readonly series: string;
  /** Id of the toolchain. */
  readonly toolchain: string;
  readonly arch: Arch;
  readonly dependencies: Dependencies;
  readonly gpu: Gpu;
  /** `full-sview`: as the input takes it, without white space. */
  readonly features: string;
}

/** Words of conditions, and of legs that are included. */
export const selectorWords = ['release', 'toolchain', 'dependencies', 'gpu', 'arch', 'features'] as const;
export type SelectorWord = (typeof selectorWords)[number];

export type Selector = (leg: Selectable) => boolean;

const valuesOf: Readonly<Record<SelectorWord, (leg: Selectable) => readonly string[]>> = {
  release: ({ version, series }) => [version, series],
  toolchain: ({ toolchain }) => [toolchain],
  dependencies: ({ dependencies }) => [dependencies],
  gpu: ({ gpu }) => [gpu],
  arch: ({ arch }) => [arch],
  features: ({ features }) => [features],
};

/**
 * Reads a pattern of names, `*-noble-*`, or conditions that must all hold, `toolchain=noble,gpu=cuda`.
 * @returns a sentence that says what is wrong with it
 */
export function parseSelector(text: string): Selector | string {
  if (!text.includes('=')) {
    const glob = globOf(text);
    return ({ identifier, name }) => glob.test(identifier) || glob.test(name);
  }
  const conditions = parseConditions(text);
  if (typeof conditions === 'string') return conditions;
  const globs = [...conditions].map(([word, value]) => [valuesOf[word], globOf(value)] as const);
  return (leg) => globs.every(([values, glob]) => values(leg).some((value) => glob.test(value)));
}

/** Whether a word of `runs-on` is one that may fit no leg: it is no misspelt name. */
export const isLabelWord = (text: string): boolean => [...archs, ...gpus, '*'].some((word) => word === text);

/** The same for `runs-on`, where an architecture or a kind of GPU alone is a selector too. */
export function parseLabelSelector(text: string): Selector | string {
  if (archs.some((arch) => arch === text)) return ({ arch }) => arch === text;
  if (gpus.some((gpu) => gpu === text)) return ({ gpu }) => gpu === text;
  return parseSelector(text);
}

/**
 * Reads `release=24.11.6,toolchain=noble`.
 * @returns a sentence that says what is wrong with it
 */
export function parseConditions(text: string): ReadonlyMap<SelectorWord, string> | string {
  const conditions = new Map<SelectorWord, string>();
  for (const part of text.split(',')) {
    const [, name = part, value = ''] = /^([^=]*)=(.*)$/s.exec(part) ?? [];
    const word = selectorWords.find((known) => known === name);
    if (word === undefined) {
      const near = nearest(name, selectorWords);
      const meant =
        near === undefined ? `The words are ${selectorWords.join(', ')}.` : `Did you mean '${near}'?`;
      return `'${text}': there is no '${name}' in a leg. ${meant}`;
    }
    if (value === '') return `'${text}': ${word} has no value.`;
    if (conditions.has(word)) return `'${text}': ${word} is there twice.`;
    conditions.set(word, value);
  }
  return conditions;
}

/** What is wrong with a selector that no leg fits, with what was most likely meant. */
export function matchesNothing(text: string, legs: readonly Selectable[]): string {
  const inside = text.includes('=') ? undefined : wordInside(text, legs);
  const near =
    inside ??
    (text.includes('*') || text.includes('=')
      ? undefined
      : nearest(
          text,
          legs.slice(0, mostCompared).flatMap(({ identifier, name }) => [identifier, name]),
        ));
  const meant = near === undefined ? '' : ` Did you mean '${near}'?`;
  return `'${text}' matches none of the ${legs.length} legs.${meant}`;
}

/** Names are long, and each comparison takes time. */
const mostCompared = 1000;

/** A part of names that a word, patterns' signs left out, is or is near to: `*-noble-*` for `noble` and `*-nobel-*`. */
function wordInside(text: string, legs: readonly Selectable[]): string | undefined {
  const word = text.replace(/^[*-]+|[*-]+$/g, '');
  if (word === '' || word.includes('*') || word.includes('-')) return undefined;
  const parts = new Set(
    legs.flatMap(({ name, identifier }) => [name, identifier].flatMap((one) => one.split('-'))),
  );
  const near = parts.has(word) ? word : nearest(word, [...parts]);
  return near === undefined || `*-${near}-*` === text ? undefined : `*-${near}*`;
}
