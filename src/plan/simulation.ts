import { jobsOf, type Makespan, makespanOf } from './simulate.js';
import type { Schedule, WorkLeg } from './stages.js';

/** What numbers of runners make of a plan, in seconds. */
export interface Simulation {
  /** Each leg builds all that it needs. */
  readonly alone: readonly Makespan[];
  /** Legs share what they build, and wait for it. */
  readonly shared: readonly Makespan[];
}

interface Schedules {
  readonly alone: Schedule<WorkLeg>;
  readonly shared: Schedule<WorkLeg>;
}

export const simulate = ({ alone, shared }: Schedules, runners: readonly number[]): Simulation => {
  const [own, common] = [jobsOf(alone.legs), jobsOf(shared.legs)];
  return {
    alone: runners.map((count) => makespanOf(own, count)),
    shared: runners.map((count) => makespanOf(common, count)),
  };
};

export const simulationHead = [
  'Runners',
  'Without sharing',
  'least',
  'ratio',
  'With sharing',
  'least',
  'ratio',
  'in stages',
  'ratio',
] as const;

const minutes = (seconds: number): string => (seconds / 60).toFixed(1);
const ratio = (seconds: number, bound: number): string => (bound === 0 ? '-' : (seconds / bound).toFixed(2));

/** A row for each number of runners; times in minutes. */
export const simulationRows = ({ alone, shared }: Simulation): string[][] =>
  shared.map(({ runners, list, staged, bound }, index) => {
    const own = alone[index] ?? { list: 0, bound: 0 };
    return [
      ...[String(runners), minutes(own.list), minutes(own.bound), ratio(own.list, own.bound)],
      ...[minutes(list), minutes(bound), ratio(list, bound), minutes(staged), ratio(staged, bound)],
    ];
  });
