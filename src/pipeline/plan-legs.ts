import { InputError, type Problem } from '../base/errors.js';
import type { InputName } from '../config/inputs.js';
import { isRepository } from '../config/kinds.js';
import { type Layer, settle } from '../config/layers.js';
import { type PlanOptions, readPlanOptions } from '../config/plan-options.js';
import { type BuildOptions, resolveOptions } from '../config/resolve.js';
import { problemAt } from '../config/settings.js';
import { type Candidate, type Candidates, candidatesOf } from '../plan/candidates.js';
import { isLabelWord, matchesNothing, parseLabelSelector } from '../plan/selectors.js';
import { askReleases, repositoryPlace } from '../spack/source.js';
import { parseChoice } from '../targets/feature-choice.js';
import type { OwnEnvironment } from '../targets/own-environment.js';
import { type BuiltRelease, resolveVersion } from '../targets/source.js';
import type { Decisions } from './decisions.js';
import { lookAtOwn, resolveOwn } from './own.js';
import { lookUpLists, type PlanLists, upstream } from './plan-lists.js';
import type { PlanPorts, PlanRequest } from './planning.js';
import type { Project } from './project.js';
import { catalogOf } from './resolve.js';
import { lookAtSources, type Patch, resolveSource } from './source.js';

/** The legs that the inputs of a plan ask for. */
export interface Chosen {
  readonly options: BuildOptions;
  readonly plan: PlanOptions;
  readonly found: Candidates;
  /** What their user adds to all environments. */
  readonly own: OwnEnvironment;
  /** What a leg's build is asked for: an exact release, a commit or an archive. */
  readonly versions: ReadonlyMap<BuiltRelease, string>;
}

/**
 * Reads the inputs of a plan, and finds its legs.
 * @throws InputError with all that is wrong: values, names, selectors, legs that are there twice
 */
export async function chooseLegs(
  request: PlanRequest,
  ports: PlanPorts,
  decisions: Decisions,
): Promise<Chosen> {
  const { layers, project, cwd } = request;
  const wrong: Problem[] = [];
  const plan = readPlanOptions(layers, catalogOf(project), wrong);
  const placed = ({ input, message }: Problem): Problem => {
    const settled = plan.settled.get(input as InputName);
    return settled === undefined ? { input, message } : problemAt(input, message, settled);
  };
  const isRead = wrong.length === 0;
  const tagged = isRead && plan.releases.includes(upstream) ? await releasesUpstream(request, ports) : [];
  const lists = await lookUpLists(plan, project, decisions, request.today, tagged);
  const { problems, patches } = await lookAtSources(layers, cwd);
  const added = await lookAtOwn(layers, cwd);
  wrong.push(...lists.problems.map(placed), ...problems, ...added.problems);
  const options = buildOptions([...layers, ...kindLayer(lists)], project, wrong);
  // Where names are wrong, selectors of them would be called wrong too.
  if (!isRead || lists.problems.length > 0) throw new InputError(options.problems);
  const releases =
    options.value === undefined
      ? listedReleases(lists, project)
      : await bringReleases(lists, options.value, patches, request, ports);
  const found = candidatesOf(
    { ...lists, releases: lists.requests.flatMap((text) => releases.get(text) ?? []) },
    { include: plan.include ?? [], exclude: plan.exclude ?? [], only: plan.only ?? [] },
    {
      release: (text) => releases.get(text) ?? `'${text}' is no release that can be built.`,
      toolchain: (id, arch) => lists.loaded.get(`${id} ${arch}`) ?? `'${id}' is not a known toolchain.`,
      features: (text) => {
        const choice = parseChoice(text, project.features.variants);
        return Array.isArray(choice) ? choice.join(' ') : choice;
      },
    },
  );
  const all = [
    ...options.problems,
    ...[...found.problems, ...labelProblems(plan, found.legs)].map(placed),
    ...lockProblems(layers, found.legs),
  ];
  if (options.value === undefined || all.length > 0) throw new InputError(all);
  const { workRoot } = request;
  const own = await resolveOwn(options.value, added.files, { cwd, workRoot, process: ports.process });
  return { options: options.value, plan, found, own, versions: requestOf(releases) };
}

/** The releases that there are by now: by the tags of the repository that a build would ask, and of SchedMD's by `data/`. */
async function releasesUpstream(
  { layers, project, cwd }: PlanRequest,
  { process }: PlanPorts,
): Promise<string[]> {
  const source = settle(layers, 'source').text;
  // What is wrong with it is told where it is looked at.
  if (source !== '' && !isRepository(source)) return [];
  const place = source === '' ? project.pins.slurm.git : repositoryPlace(source, cwd);
  const tagged = await askReleases(place, process);
  return source === '' ? [...tagged, ...project.releases.map(({ version }) => version)] : tagged;
}

/** What all legs have in common, as a build reads it. */
function buildOptions(
  layers: readonly Layer[],
  project: Project,
  found: readonly Problem[],
): { readonly value: BuildOptions | undefined; readonly problems: readonly Problem[] } {
  try {
    return { value: resolveOptions(layers, catalogOf(project), found), problems: [] };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { value: undefined, problems: error.problems };
  }
}

// `externals` are an error for all other kinds, but a plan may have several.
const kindLayer = ({ dependencies }: PlanLists): Layer[] =>
  dependencies.includes('self-contained')
    ? [{ origin: 'option', values: { dependencies: 'self-contained' } }]
    : [];

const wordsOf = ({ requests, included }: PlanLists): string[] => [...new Set([...requests, ...included])];

/** The releases that `data/` has, for finding what else is wrong. */
function listedReleases(lists: PlanLists, { releases }: Project): ReadonlyMap<string, BuiltRelease> {
  return new Map(
    wordsOf(lists).flatMap((text): [string, BuiltRelease][] => {
      const request = resolveVersion(releases, text);
      return typeof request !== 'string' && request.kind === 'release' ? [[text, request.release]] : [];
    }),
  );
}

/** The releases by what asks for them. Only for sources that `data/` does not have anything is fetched. */
async function bringReleases(
  lists: PlanLists,
  options: BuildOptions,
  patches: readonly Patch[],
  { project, cwd, workRoot }: PlanRequest,
  ports: PlanPorts,
): Promise<ReadonlyMap<string, BuiltRelease>> {
  const releases = new Map<string, BuiltRelease>();
  for (const text of wordsOf(lists)) {
    const slurmVersion = resolveVersion(project.releases, text);
    if (typeof slurmVersion === 'string') continue;
    const place = { project, cwd, workRoot, ports };
    releases.set(text, (await resolveSource({ ...options, slurmVersion }, patches, place)).release);
  }
  return releases;
}

/** A release of a series is named exactly: the build must not find a newer one than the plan did. */
const requestOf = (releases: ReadonlyMap<string, BuiltRelease>): ReadonlyMap<BuiltRelease, string> =>
  new Map(
    [...releases].map(([text, release]) => [
      release,
      /^\d+\.\d+$|^latest$/.test(text) ? release.version : text,
    ]),
  );

/** What is wrong with the selectors of labels; one of an architecture or a GPU that no leg has is not. */
function labelProblems({ runsOn, settled }: PlanOptions, legs: readonly Candidate[]): Problem[] {
  const own = settled.get('runs-on')?.origin === 'default' ? [] : runsOn;
  const messages = own.flatMap(({ selector }) => {
    const fits = parseLabelSelector(selector);
    if (typeof fits === 'string') return [fits];
    return isLabelWord(selector) || legs.some(fits) ? [] : [matchesNothing(selector, legs)];
  });
  return [...new Set(messages)].map((message) => ({ input: 'runs-on', message }));
}

/** A lock is that of one compile, so that all legs but its own would fail. */
function lockProblems(layers: readonly Layer[], legs: readonly Candidate[]): Problem[] {
  const settled = settle(layers, 'spack-lock');
  const compiles = new Set(
    legs.map(({ version, toolchain, arch, gpu, features, dependencies }) =>
      [version, toolchain, arch, gpu, features, dependencies === 'self-contained'].join(' '),
    ),
  );
  if (settled.text === '' || compiles.size <= 1) return [];
  const message = `a lock is of one build, and this is a plan of ${compiles.size}. Leave it out, or plan the one with 'only'.`;
  return [problemAt('spack-lock', message, settled)];
}
