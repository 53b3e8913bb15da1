import type { Sharing } from '../config/plan-inputs.js';
import { compareVersions } from '../targets/releases.js';
import type { Selectable } from './selectors.js';
import type { NeededPackage, Work } from './work.js';

/** A leg as far as the work in it goes. */
export interface WorkLeg extends Selectable {
  /** Legs that have it in common need the very same Slurm: it is compiled once. */
  readonly compileKey: string;
  /** Legs that have it in common use each other's compiled files by ccache: one series on one platform. */
  readonly line: string;
  /** Whose packages beside Slurm are the same ones: distribution, architecture, image and kind of libraries. */
  readonly platform: string;
}

/** When a leg is built, and what is built in it. */
export interface Staged<L extends WorkLeg> {
  readonly leg: L;
  readonly stage: number;
  /** Places in the list of those whose packages or compiled files it uses. */
  readonly after: readonly number[];
  /** Names of the packages that it builds, Slurm among them. */
  readonly builds: readonly string[];
  readonly seconds: number;
}

/** The legs in the order of their stages, and how many packages they build. */
export interface Schedule<L extends WorkLeg> {
  readonly legs: readonly Staged<L>[];
  readonly stages: number;
  readonly packages: number;
  readonly compiles: number;
}

interface Task<L extends WorkLeg> {
  readonly leg: L;
  readonly compile: string;
  readonly ccache: string;
  readonly packages: readonly (NeededPackage & { readonly id: string })[];
  /** What no two legs of a stage may make both. */
  readonly makes: readonly string[];
}

const slurm = 'slurm';

/** Legs without sharing: what each takes where it builds all that it needs. */
function alone<L extends WorkLeg>(legs: readonly L[], work: Work): Staged<L>[] {
  const known = new Map<string, Omit<Staged<L>, 'leg'>>();
  return legs.map((leg) => {
    const key = `${leg.dependencies} ${leg.gpu}`;
    const packages = work.packages(leg.dependencies, leg.gpu);
    const sum = () =>
      packages.reduce((all, { seconds }) => all + seconds, work.compile.cold + work.rest.compiled);
    const same = known.get(key) ?? {
      ...{ stage: 0, after: [], seconds: sum() },
      builds: [...packages.map(({ name }) => name), slurm],
    };
    known.set(key, same);
    return { leg, stage: 0, after: same.after, builds: same.builds, seconds: same.seconds };
  });
}

/**
 * Puts legs into stages, so that what several legs need is built in one of them, and the others come after it.
 * `all` keeps that for every package, and has one release of a series compiled before the others, for ccache's sake;
 * `compiles` for Slurm alone; `none` has one stage.
 */
export function scheduleOf<L extends WorkLeg>(legs: readonly L[], sharing: Sharing, work: Work): Schedule<L> {
  if (sharing === 'none') return summed(alone(legs, work));
  let waiting = inOrder(tasksOf(legs, sharing, work));
  const makers = new Map<string, number>();
  const placed: Staged<L>[] = [];
  for (let stage = 0; waiting.length > 0; stage++) {
    const claimed = new Map<string, number>();
    const compiled = new Map<string, number>();
    const later: Task<L>[] = [];
    for (const task of waiting) {
      const missing = task.makes.filter((id) => !makers.has(id));
      if (missing.some((id) => claimed.has(id))) {
        later.push(task);
        continue;
      }
      for (const id of missing) claimed.set(id, placed.length);
      if (missing.includes(task.compile)) compiled.set(releaseOf(task), placed.length);
      placed.push(place(task, stage, missing, makers, work));
    }
    for (const made of [claimed, compiled]) for (const [id, index] of made) makers.set(id, index);
    waiting = later;
  }
  return summed(placed);
}

/** What has most packages leads, then what is newest: the others find theirs among what these made. */
function inOrder<L extends WorkLeg>(tasks: readonly Task<L>[]): readonly Task<L>[] {
  const versions = [...new Set(tasks.map(({ leg }) => leg.version))].sort((a, b) => compareVersions(b, a));
  const ranks = new Map(versions.map((version, rank) => [version, rank]));
  const rankOf = ({ leg }: Task<L>) => ranks.get(leg.version) ?? 0;
  return tasks.toSorted((a, b) => b.packages.length - a.packages.length || rankOf(a) - rankOf(b));
}

const releaseOf = ({ ccache, leg }: Task<WorkLeg>): string => `${ccache} ${leg.version}`;

function tasksOf<L extends WorkLeg>(legs: readonly L[], sharing: Sharing, work: Work): Task<L>[] {
  const known = new Map<string, Task<L>['packages']>();
  return legs.map((leg) => {
    const key = `${leg.platform} ${leg.gpu}`;
    const packages =
      known.get(key) ??
      work.packages(leg.dependencies, leg.gpu).map((needed) => ({
        ...needed,
        id: `${needed.name} ${leg.platform}`,
      }));
    known.set(key, packages);
    const [compile, ccache] = [`slurm ${leg.compileKey}`, `ccache ${leg.line}`];
    const shared = sharing === 'all' ? [...packages.map(({ id }) => id), ccache] : [];
    return { leg, compile, ccache, packages, makes: [compile, ...shared] };
  });
}

function place<L extends WorkLeg>(
  task: Task<L>,
  stage: number,
  missing: readonly string[],
  makers: ReadonlyMap<string, number>,
  work: Work,
): Staged<L> {
  const { leg, compile, ccache, packages, makes } = task;
  const compiles = missing.includes(compile);
  // Where packages are not waited for, a leg that compiles builds its own of them, and one that does not needs none.
  const built = compiles ? packages.filter(({ id }) => !makes.includes(id) || missing.includes(id)) : [];
  const warm = makes.includes(ccache) && !missing.includes(ccache);
  const how = !warm ? 'cold' : makers.has(releaseOf(task)) ? 'other-gpu' : 'other-release';
  const time = compiles
    ? built.reduce((sum, { seconds }) => sum + seconds, work.compile[how] + work.rest.compiled)
    : work.rest.found;
  const used = makes.filter((id) => makers.has(id) && (compiles || id !== ccache));
  const after = [...new Set(used.flatMap((id) => makers.get(id) ?? []))].sort((a, b) => a - b);
  const builds = [...built.map(({ name }) => name), ...(compiles ? [slurm] : [])];
  return { leg, stage, after, builds, seconds: time };
}

function summed<L extends WorkLeg>(legs: readonly Staged<L>[]): Schedule<L> {
  return {
    legs,
    stages: legs.reduce((most, { stage }) => Math.max(most, stage + 1), 0),
    packages: legs.reduce((sum, { builds }) => sum + builds.length, 0),
    compiles: legs.filter(({ builds }) => builds.includes(slurm)).length,
  };
}
