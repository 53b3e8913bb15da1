import type { Problem } from '../base/errors.js';
import { nearest, unknownValue } from '../base/suggest.js';
import { globOf } from '../base/text.js';
import { choiceWord, type FeatureChoice, formatChoice } from '../targets/feature-choice.js';
import { type Gpu, gpus, hasGpu } from '../targets/gpus.js';
import {
  type Arch,
  archs,
  type Dependencies,
  dependencyKinds,
  formatTarget,
  versionOf,
} from '../targets/identifier.js';
import { type Combination, combinationsOf, type TargetToolchain, targetOf } from '../targets/matrix.js';
import { type BuiltRelease, sourceWord } from '../targets/source.js';
import {
  matchesNothing,
  parseConditions,
  parseSelector,
  type Selectable,
  type Selector,
} from './selectors.js';

/** A leg that a plan may have: what is chosen for it, and what it is called. */
export interface Candidate extends Selectable {
  readonly release: BuiltRelease;
  readonly choice: FeatureChoice;
}

/** Lists that are combined, looked up already. */
export interface CandidateLists {
  readonly releases: readonly BuiltRelease[];
  /** Each for one architecture. */
  readonly toolchains: readonly TargetToolchain[];
  readonly dependencies: readonly Dependencies[];
  readonly gpus: readonly Gpu[];
  readonly features: readonly FeatureChoice[];
}

/** What becomes of the combinations. */
export interface Selection {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly only: readonly string[];
}

/** What an included leg's words mean; a problem is a sentence. */
export interface Lookup {
  release(text: string): BuiltRelease | string;
  toolchain(id: string, arch: Arch): TargetToolchain | string;
  features(text: string): FeatureChoice | string;
}

/** The candidates of a plan, and what there is to say of how they came to be. */
export interface Candidates {
  readonly legs: readonly Candidate[];
  /** How many there were before any was left out. */
  readonly all: number;
  readonly notices: readonly string[];
  readonly problems: readonly Problem[];
}

/**
 * The names of a list that words mean: each of them one, or a pattern of some.
 * @returns those that were meant in the list's order, and sentences of what is wrong
 */
export function expandNames<T extends string>(
  words: readonly string[],
  known: readonly T[],
  what: string,
): { readonly names: T[]; readonly problems: string[] } {
  const meant = new Set<T>();
  const problems: string[] = [];
  for (const word of words) {
    const glob = globOf(word);
    const found = known.filter((name) => glob.test(name));
    for (const name of found) meant.add(name);
    if (found.length === 0) problems.push(unknownValue(what, word, known));
  }
  return { names: known.filter((name) => meant.has(name)), problems };
}

/** `full-sview`: a choice in one word, which the input reads as well. */
export const featuresWord = (choice: FeatureChoice): string => formatChoice(choice).replaceAll(' ', '');

/** A word such as `full-sview+ucx` as the input has it: `full -sview +ucx`. */
export const spacedFeatures = (word: string): string => word.replaceAll(/(?=[+-])/g, ' ');

function candidateOf({
  release,
  toolchain,
  dependencies,
  gpu,
  features,
}: Combination<BuiltRelease, TargetToolchain>): Candidate {
  const { id, arch } = toolchain;
  const source = release.source === undefined ? undefined : sourceWord(release.source);
  const ends = [dependencies, gpu === 'none' ? undefined : gpu, choiceWord(features)].filter(
    (end) => end !== undefined,
  );
  return {
    identifier: formatTarget(targetOf({ release, toolchain, gpu, dependencies, features })),
    name: ['slurm', versionOf({ version: release.version, source }), id, arch, ...ends].join('-'),
    ...{ version: release.version, series: release.series, toolchain: id, arch, dependencies, gpu },
    ...{ features: featuresWord(features), release, choice: features },
  };
}

/** All legs of the lists and those that are included, without those that are left out. */
export function candidatesOf(lists: CandidateLists, selection: Selection, lookup: Lookup): Candidates {
  const refused = new Map<string, number>();
  const combined = combinationsOf(lists, ({ gpu, toolchain: { id, arch } }) => {
    const reason = `${gpu} is not to be had for ${id} on ${arch}.`;
    refused.set(reason, (refused.get(reason) ?? 0) + 1);
  }).map(candidateOf);
  const problems: Problem[] = [];
  const included = selection.include.flatMap((text) => {
    const leg = includedLeg(text, lists, lookup);
    if (typeof leg !== 'string') return [leg];
    problems.push({ input: 'include', message: leg });
    return [];
  });
  const all = [...combined, ...included];
  const excluded = select('exclude', selection.exclude, all, problems);
  const kept = selection.only.length === 0 ? undefined : select('only', selection.only, all, problems);
  const legs = all.filter((leg) => !excluded.has(leg) && (kept?.has(leg) ?? true));
  problems.push(...twins(legs));
  const notices = [...refused].map(([reason, count]) => `${reason} ${legsLeftOut(count)}`);
  return { legs, all: all.length, notices, problems };
}

const legsLeftOut = (count: number): string =>
  count === 1 ? 'One leg is left out.' : `${count} legs are left out.`;

/** Legs that selectors match; one that is none, or that matches nothing, is a problem. */
function select(
  input: 'exclude' | 'only',
  selectors: readonly string[],
  legs: readonly Candidate[],
  problems: Problem[],
): ReadonlySet<Candidate> {
  const selected = new Set<Candidate>();
  for (const text of selectors) {
    const selector: Selector | string = parseSelector(text);
    const found = typeof selector === 'string' ? [] : legs.filter(selector);
    for (const leg of found) selected.add(leg);
    if (typeof selector === 'string') problems.push({ input, message: selector });
    else if (found.length === 0) problems.push({ input, message: matchesNothing(text, legs) });
  }
  return selected;
}

function includedLeg(text: string, lists: CandidateLists, lookup: Lookup): Candidate | string {
  const words = parseConditions(text);
  if (typeof words === 'string') return words;
  const wrong = (what: string, word: string, known: readonly string[]) =>
    `'${text}': ${unknownValue(what, word, known)}`;
  const arch = words.get('arch') ?? lists.toolchains[0]?.arch ?? 'amd64';
  if (!isOf(archs, arch)) return wrong('architecture', arch, archs);
  const dependencies = words.get('dependencies') ?? lists.dependencies[0] ?? 'bundled';
  if (!isOf(dependencyKinds, dependencies))
    return wrong('kind of dependencies', dependencies, dependencyKinds);
  const gpu = words.get('gpu') ?? lists.gpus[0] ?? 'none';
  if (!isOf(gpus, gpu)) return wrong('kind of GPU support', gpu, gpus);
  const id = words.get('toolchain') ?? lists.toolchains[0]?.id ?? '';
  const toolchain = lookup.toolchain(id, arch);
  if (typeof toolchain === 'string') return `'${text}': ${toolchain}`;
  if (!hasGpu(gpu, toolchain.lacking)) return `'${text}': ${gpu} is not to be had for ${id} on ${arch}.`;
  const wanted = words.get('release');
  const release = wanted === undefined ? lists.releases[0] : lookup.release(wanted);
  if (release === undefined) return `'${text}': it names no release.`;
  if (typeof release === 'string') return `'${text}': ${release}`;
  const word = words.get('features');
  const features = word === undefined ? lists.features[0] : lookup.features(spacedFeatures(word));
  if (features === undefined) return `'${text}': it names no features.`;
  if (typeof features === 'string') return `'${text}': ${features}`;
  return candidateOf({ release, toolchain, dependencies, gpu, features });
}

const isOf = <T extends string>(known: readonly T[], word: string): word is T =>
  known.some((one) => one === word);

/** What is wrong with legs of one identifier, a sentence for each pair of toolchains. */
function twins(legs: readonly Candidate[]): Problem[] {
  const byName = new Map<string, Candidate>();
  const pairs = new Map<string, { first: Candidate; second: Candidate; count: number }>();
  for (const leg of legs) {
    const first = byName.get(leg.identifier);
    if (first === undefined) {
      byName.set(leg.identifier, leg);
      continue;
    }
    const key = `${first.toolchain} ${leg.toolchain} ${leg.dependencies} ${leg.arch} ${first.name === leg.name ? leg.name : ''}`;
    const pair = pairs.get(key);
    if (pair === undefined) pairs.set(key, { first, second: leg, count: 1 });
    else pair.count += 1;
  }
  return [...pairs.values()].map(({ first, second, count }) => {
    if (first.name === second.name) {
      return { input: 'include', message: `${first.name} is among the legs already. Leave it out here.` };
    }
    const which = count === 1 ? first.identifier : `${first.identifier} and ${count - 1} more`;
    const remedy = `toolchain=${second.toolchain},dependencies=${second.dependencies},arch=${second.arch}`;
    return {
      input: 'toolchains',
      message: `${which} would be built twice, by ${first.toolchain} and ${second.toolchain}. Leave one of them out, as with exclude: ${remedy}.`,
    };
  });
}

/** The leg of a plan that a word means: its identifier or its name; else a sentence that names the nearest. */
export function findLeg<T extends Pick<Selectable, 'identifier' | 'name'>>(
  legs: readonly T[],
  word: string,
): T | string {
  const found = legs.find(({ identifier, name }) => identifier === word || name === word);
  if (found !== undefined) return found;
  const near = nearest(
    word,
    legs.map(({ identifier }) => identifier),
  );
  const meant = near === undefined ? '' : ` Did you mean '${near}'?`;
  return `the plan has no leg '${word}'.${meant} slurm-factory plan lists its ${legs.length} legs.`;
}
