import type { Arch } from '../targets/identifier.js';
import type { Schedule, WorkLeg } from './stages.js';

/** Name of a plan's file, and of its artifact. */
export const planFile = 'slurm-factory-plan.json';

/** What is known of a leg before the stages are. */
export interface KeyedLeg extends WorkLeg {
  readonly contentKey: string;
  /** Labels of the runner. */
  readonly runsOn: readonly string[];
  /** Inputs of the build action by their names; one that is not there has its default. */
  readonly inputs: Readonly<Record<string, string>>;
}

/** One build of a plan, as a job of a matrix does it. */
export interface PlanLeg {
  readonly identifier: string;
  readonly name: string;
  readonly contentKey: string;
  readonly stage: number;
  readonly runsOn: readonly string[];
  readonly arch: Arch;
  /** On the machine that the times were measured on. */
  readonly minutes: number;
  /** Names of the packages that it builds; the others it finds in the build cache. */
  readonly builds: readonly string[];
  readonly inputs: Readonly<Record<string, string>>;
}

/** How many packages are built: where each leg builds all of its own, and where legs share them. */
export interface PackageBuilds {
  readonly alone: { readonly packages: number; readonly compiles: number; readonly minutes: number };
  readonly shared: { readonly packages: number; readonly compiles: number; readonly minutes: number };
}

/** Which targets are built, in which order. */
export interface Plan {
  /** Raised when a field changes its meaning. */
  readonly schema: 1;
  readonly count: number;
  /** Nothing is to be done. */
  readonly empty: boolean;
  readonly stages: number;
  /** What was left out. */
  readonly skipped: {
    /** By exclude, or as only did not name it. */
    readonly deselected: number;
    /** As its result is in the cache. */
    readonly cached: number;
    /** As the index of an earlier release has it. */
    readonly released: number;
  };
  /** What the earlier release has, of which `publish` takes it over. */
  readonly released: readonly Pick<PlanLeg, 'identifier' | 'contentKey'>[];
  readonly packageBuilds: PackageBuilds;
  /** What its reader should know. */
  readonly notices: readonly string[];
  /** In the order of the stages. */
  readonly legs: readonly PlanLeg[];
}

const minutesOf = (seconds: number): number => Math.round(seconds / 6) / 10;

const buildsOf = ({ legs, packages, compiles }: Schedule<WorkLeg>) => ({
  ...{ packages, compiles },
  minutes: minutesOf(legs.reduce((sum, { seconds }) => sum + seconds, 0)),
});

/** Puts a plan together. */
export function planOf(
  schedule: Schedule<KeyedLeg>,
  alone: Schedule<KeyedLeg>,
  rest: Pick<Plan, 'skipped' | 'released' | 'notices'>,
): Plan {
  const legs = schedule.legs.map(({ leg, stage, builds, seconds }): PlanLeg => {
    const { identifier, name, contentKey, runsOn, arch, inputs } = leg;
    return { identifier, name, contentKey, stage, runsOn, arch, minutes: minutesOf(seconds), builds, inputs };
  });
  return {
    schema: 1,
    ...{ count: legs.length, empty: legs.length === 0, stages: schedule.stages, skipped: rest.skipped },
    released: rest.released,
    packageBuilds: { alone: buildsOf(alone), shared: buildsOf(schedule) },
    ...{ notices: rest.notices, legs },
  };
}

/** How many were left out. */
export const skippedOf = ({ skipped: { deselected, cached, released } }: Pick<Plan, 'skipped'>): number =>
  deselected + cached + released;
