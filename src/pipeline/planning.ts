import { InputError, type Problem } from '../base/errors.js';
import type { Ports } from '../base/ports.js';
import { CacheEntries } from '../cache/entries.js';
import { cachePolicy, type Trigger } from '../cache/policy.js';
import { makeSeal } from '../cache/seal.js';
import type { Layer } from '../config/layers.js';
import { commonInputs, type PlanOptions } from '../config/plan-options.js';
import type { BuildOptions } from '../config/resolve.js';
import type { Candidate } from '../plan/candidates.js';
import { type KeyedLeg, type Plan, planOf } from '../plan/plan.js';
import { parseLabelSelector } from '../plan/selectors.js';
import { type Schedule, scheduleOf } from '../plan/stages.js';
import { type Work, workOf } from '../plan/work.js';
import { leavesEnvironment } from '../spack/environment.js';
import { formatChoice } from '../targets/feature-choice.js';
import { Decisions, type TargetChoice } from './decisions.js';
import { cachedResults, type ReleasePorts, releasedTargets } from './existing.js';
import { type Chosen, chooseLegs } from './plan-legs.js';
import type { Project } from './project.js';
import { resolvePins } from './resolve.js';

/** What the caller of a plan brings. */
export interface PlanRequest {
  readonly layers: readonly Layer[];
  readonly project: Project;
  /** Folder that relative paths of the inputs start from. */
  readonly cwd: string;
  /** Folder for what has to be fetched to know a source. */
  readonly workRoot: string;
  /** Folder that cache entries pass through: a service may find an entry only by it. */
  readonly transfer: string;
  readonly trigger: Trigger;
  /** `2026-11-28` */
  readonly today: string;
  /** Legs whose result is there too, whatever the inputs say. */
  readonly everything?: boolean;
}

export interface PlanPorts
  extends Pick<Ports, 'process' | 'web' | 'signal' | 'cache' | 'logger'>,
    Pick<ReleasePorts, 'latestRelease'> {}

/** A plan, and the schedules that it is made from. */
export interface MadePlan {
  readonly plan: Plan;
  readonly shared: Schedule<KeyedLeg>;
  readonly alone: Schedule<KeyedLeg>;
}

/**
 * Works out which targets are built, with their content keys, for any architecture and without an engine. The network
 * is asked only for refs that are no commits, for sources that `data/` does not have, and for results that exist.
 * @throws InputError with all that is wrong
 */
export async function planTargets(request: PlanRequest, ports: PlanPorts): Promise<MadePlan> {
  const decisions = new Decisions(request.project);
  const chosen = await chooseLegs(request, ports, decisions);
  const { plan, found } = chosen;
  const keyed = await keyLegs(chosen, request, ports, decisions);
  const { cached, released } = await existing(keyed, chosen, request, ports);
  const legs = keyed.filter(({ identifier }) => !cached.has(identifier) && !released.has(identifier));
  const work = workOf(await request.project.measured());
  const shared = scheduleOf(legs, plan.sharing, work);
  const alone = plan.sharing === 'none' ? shared : scheduleOf(legs, 'none', work);
  const left = keyed.filter(({ identifier }) => released.has(identifier));
  const skipped = {
    deselected: found.all - found.legs.length,
    cached: [...cached].filter((identifier) => !released.has(identifier)).length,
    released: released.size,
  };
  const notices = [...found.notices, ...noticesOf(legs, chosen, work)];
  return {
    plan: planOf(shared, alone, {
      skipped,
      released: left.map(({ identifier, contentKey }) => ({ identifier, contentKey })),
      notices,
    }),
    shared,
    alone,
  };
}

/** Works out what each leg is; what can't be had of features is told of all legs at once. */
async function keyLegs(
  { options, plan, found, own: added, versions }: Chosen,
  { layers, project }: PlanRequest,
  ports: PlanPorts,
  decisions: Decisions,
): Promise<KeyedLeg[]> {
  const pins = await resolvePins(options, project, ports.process);
  const keyOf = await decisions.keyer(pins, options.engine !== 'none');
  const inputs = inputsOf(commonInputs(layers));
  const labels = labelsOf(plan);
  const wrong = new Map<string, Problem>();
  const legs: KeyedLeg[] = [];
  for (const candidate of found.legs) {
    const choice = choiceOf(candidate, options);
    try {
      const target = await decisions.choose(choice, candidate.release, candidate.arch, added);
      const keyed = keyOf(target);
      const builder = keyed.builder.slice(0, 16);
      const { name, version, series, arch, toolchain, dependencies, gpu, features } = candidate;
      const own = dependencies === 'self-contained' ? ` own ${target.externals.join(' ')}` : '';
      const platform = `${toolchain} ${arch} ${choice.containerImage ?? ''}${own}`;
      const { environmentDigest, overlayDigest, contentKey } = keyed;
      legs.push({
        ...{
          identifier: target.identifier,
          name,
          version,
          series,
          arch,
          toolchain,
          dependencies,
          gpu,
          features,
        },
        ...{ contentKey, platform },
        // What decides the lock, and with it the hash of Slurm.
        compileKey: `${environmentDigest} ${overlayDigest.slice(0, 16)} ${builder}`,
        line: `${platform} ${builder} ${series} ${choice.debug}`,
        runsOn: labels(candidate),
        inputs: inputs(choice, versions.get(candidate.release) ?? version),
      });
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      for (const problem of error.problems) wrong.set(`${problem.input} ${problem.message}`, problem);
    }
  }
  if (wrong.size > 0) throw new InputError([...wrong.values()]);
  return legs;
}

const choiceOf = (
  { toolchain, dependencies, gpu, choice: features }: Candidate,
  { externals, debug, containerImage }: BuildOptions,
): TargetChoice => ({ toolchain, dependencies, gpu, features, externals, debug, containerImage });

/** The inputs of a leg's build: what it is first, then what all legs have. */
function inputsOf(common: Readonly<Record<string, string>>) {
  const { externals: _, ...linked } = common;
  const words = new WeakMap<TargetChoice['features'], string>();
  const wordOf = (choice: TargetChoice['features']): string => {
    const word = words.get(choice) ?? formatChoice(choice);
    words.set(choice, word);
    return word;
  };
  return (
    { toolchain, dependencies, gpu, features }: TargetChoice,
    version: string,
  ): Record<string, string> => ({
    'slurm-version': version,
    ...{ toolchain, dependencies, gpu, features: wordOf(features) },
    ...(dependencies === 'self-contained' ? common : linked),
  });
}

/** The labels of a leg: those of the last rule that fits it. */
function labelsOf({ runsOn }: PlanOptions): (leg: Candidate) => readonly string[] {
  const rules = runsOn.flatMap(({ selector, labels }) => {
    const fits = parseLabelSelector(selector);
    return typeof fits === 'string' ? [] : [{ fits, labels }];
  });
  return (leg) => rules.findLast(({ fits }) => fits(leg))?.labels ?? [];
}

/** The legs whose result is there, by their identifiers; what a release has need not be in the cache. */
async function existing(
  legs: readonly KeyedLeg[],
  { options, plan }: Chosen,
  { cwd, trigger, transfer, everything = false }: PlanRequest,
  ports: PlanPorts,
): Promise<{ readonly cached: ReadonlySet<string>; readonly released: ReadonlySet<string> }> {
  const { cache, cacheSecret } = options;
  const { skipCached, skipReleased } = plan;
  if (everything) return { cached: new Set(), released: new Set() };
  const index = skipReleased === undefined ? undefined : await releasedTargets(skipReleased, cwd, ports);
  const released = legs.filter(({ identifier, contentKey }) => index?.get(identifier) === contentKey);
  const names = new Set(released.map(({ identifier }) => identifier));
  if (!skipCached) return { cached: new Set(), released: names };
  const seal = cacheSecret === undefined ? undefined : makeSeal(cacheSecret);
  const entries = new CacheEntries(
    ports.cache,
    cachePolicy(cache, trigger, seal?.scope),
    ports.logger,
    transfer,
    {
      seal,
    },
  );
  const left = legs.filter(({ identifier }) => !names.has(identifier));
  return { cached: await cachedResults(left, entries), released: names };
}

function noticesOf(legs: readonly KeyedLeg[], { options: { engine }, own }: Chosen, work: Work): string[] {
  const kinds = [...new Set(legs.map(({ dependencies }) => dependencies))].filter(work.unmeasured);
  return [
    ...kinds.map(
      (kind) => `No build of ${kind} was measured: minutes and packages of its legs are those of bundled.`,
    ),
    ...(leavesEnvironment(own)
      ? []
      : ["Minutes and packages are those of builds without anything in Spack's own words."]),
    ...(engine === 'none'
      ? ['engine: none, so that the content keys are those of builds without a container.']
      : []),
  ];
}
