import type { Problem } from '../base/errors.js';
import { unknownValue } from '../base/suggest.js';
import { globOf } from '../base/text.js';
import type { PlanOptions } from '../config/plan-options.js';
import { expandNames } from '../plan/candidates.js';
import { parseConditions } from '../plan/selectors.js';
import type { FeatureChoice } from '../targets/feature-choice.js';
import { type Gpu, gpus } from '../targets/gpus.js';
import { archs, type Dependencies, dependencyKinds } from '../targets/identifier.js';
import { compareVersions } from '../targets/releases.js';
import { olderThanAll, resolveVersion } from '../targets/source.js';
import { unsupportedSince } from '../targets/support.js';
import type { Toolchain } from '../targets/toolchains.js';
import type { Decisions } from './decisions.js';
import type { Project } from './project.js';

/** The lists of a plan with the project's values in place of patterns. */
export interface PlanLists {
  /** Exact releases, commits and archives, each once; the newest release first. */
  readonly requests: readonly string[];
  /** Those that included legs name beside them. */
  readonly included: readonly string[];
  readonly toolchains: readonly Toolchain[];
  /** All that legs may need, by id and architecture with a space between. */
  readonly loaded: ReadonlyMap<string, Toolchain>;
  readonly dependencies: readonly Dependencies[];
  readonly gpus: readonly Gpu[];
  readonly features: readonly FeatureChoice[];
  readonly problems: readonly Problem[];
}

/**
 * Looks up what the lists of a plan mean.
 * @param today `2026-11-28`: which releases are supported
 * @param tagged what `upstream` may stand for
 */
export async function lookUpLists(
  plan: PlanOptions,
  project: Project,
  decisions: Pick<Decisions, 'load'>,
  today: string,
  tagged: readonly string[] = [],
): Promise<PlanLists> {
  const problems: Problem[] = [];
  const names = <T extends string>(
    input: string,
    words: readonly string[],
    known: readonly T[],
    what: string,
  ): T[] => {
    const found = expandNames(words, known, what);
    problems.push(...found.problems.map((message) => ({ input, message })));
    return found.names;
  };
  const found = requestsOf(plan.releases, project, today, tagged);
  problems.push(...found.problems.map((message) => ({ input: 'releases', message })));
  const ids = names('toolchains', plan.toolchains, project.toolchains, 'toolchain');
  const kinds = names('dependency-kinds', plan.dependencyKinds, dependencyKinds, 'kind of dependencies');
  const wantedGpus = names('gpus', plan.gpus, gpus, 'kind of GPU support');
  const wantedArchs = names('archs', plan.archs, archs, 'architecture');
  const conditions = (plan.include ?? []).map(parseConditions).filter((words) => typeof words !== 'string');
  const named = conditions.map((words) => words.get('toolchain') ?? '');
  const loaded = new Map<string, Toolchain>();
  for (const id of new Set([...ids, ...named.filter((name) => project.toolchains.includes(name))])) {
    for (const arch of archs) loaded.set(`${id} ${arch}`, (await decisions.load(id, arch)).toolchain);
  }
  return {
    requests: found.requests,
    included: conditions.flatMap((words) => words.get('release') ?? []),
    toolchains: ids.flatMap((id) => wantedArchs.flatMap((arch) => loaded.get(`${id} ${arch}`) ?? [])),
    loaded,
    dependencies: kinds,
    gpus: wantedGpus,
    // They are none where they could not be read, which is told already.
    features: [
      ...new Map((plan.featureChoices ?? []).map((choice) => [JSON.stringify(choice), choice])).values(),
    ],
    problems,
  };
}

/** Words of `releases` that stand for some of them. */
const supported = 'supported';
/** As `supported`, of what SchedMD's repository has by now. */
export const upstream = 'upstream';

function requestsOf(
  words: readonly string[],
  { releases, support }: Pick<Project, 'releases' | 'support'>,
  today: string,
  tagged: readonly string[],
): { readonly requests: string[]; readonly problems: string[] } {
  const problems: string[] = [];
  const isSupported = (version: string) => unsupportedSince(support, seriesOf(version), today) === undefined;
  const exact = words.flatMap((word): string[] => {
    if (word === supported) return newestOfSeries(releases.map(({ version }) => version)).filter(isSupported);
    if (word === upstream) {
      const known = tagged.filter((version) => olderThanAll(releases, version) === undefined);
      const newest = newestOfSeries(known).filter(isSupported);
      if (newest.length === 0) problems.push(`'${upstream}': there is no tag of a supported release.`);
      return newest;
    }
    if (word.includes('*')) {
      const glob = globOf(word);
      const found = releases.filter(({ version }) => glob.test(version)).map(({ version }) => version);
      if (found.length === 0) problems.push(`'${word}' matches none of the ${releases.length} releases.`);
      return found;
    }
    const request = resolveVersion(releases, word);
    if (typeof request === 'string') {
      problems.push(
        /^[a-z-]+$/.test(word)
          ? unknownValue('word for releases', word, [supported, upstream, 'latest'])
          : request,
      );
      return [];
    }
    return [request.kind === 'release' ? request.release.version : word];
  });
  const isVersion = (text: string) => /^\d+(?:\.\d+)*$/.test(text);
  const order = (a: string, b: string) => (isVersion(a) && isVersion(b) ? compareVersions(b, a) : 0);
  return { requests: [...new Set(exact)].sort(order), problems };
}

const seriesOf = (version: string): string => version.replace(/\.\d+$/, '');

/** The newest release of each series. */
const newestOfSeries = (versions: readonly string[]): string[] => [
  ...new Map(versions.toSorted(compareVersions).map((version) => [seriesOf(version), version])).values(),
];
