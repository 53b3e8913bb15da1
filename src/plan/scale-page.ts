import { markdownTable } from '../base/text.js';
import type { Sharing } from '../config/plan-inputs.js';
import type { Plan } from './plan.js';
import { jobsOf, makespanOf } from './simulate.js';
import type { Schedule, WorkLeg } from './stages.js';
import type { MeasuredBuilds } from './work.js';

/** One way of sharing, for the page of figures. */
export interface ScaleCase {
  readonly sharing: Sharing;
  readonly plan: Pick<Plan, 'count' | 'stages'>;
  readonly schedule: Schedule<WorkLeg>;
}

/** Numbers of runners on the page. */
export const scaleRunners = [1, 5, 20, 60] as const;

const minutes = (seconds: number): string => (seconds / 60).toFixed(1);

/** The made part of `docs/scale.md`: what sharing saves of a plan, and how long runners take for it. */
export function scalePage(cases: readonly ScaleCase[], measured: MeasuredBuilds): string {
  const work = (schedule: Schedule<WorkLeg>) => schedule.legs.reduce((sum, { seconds }) => sum + seconds, 0);
  const builds = cases.map(({ sharing, plan, schedule }) => [
    ...[`\`${sharing}\``, String(plan.count), String(plan.stages), String(schedule.packages)],
    ...[String(schedule.compiles), minutes(work(schedule))],
  ]);
  const spans = cases.flatMap(({ sharing, schedule }) =>
    scaleRunners.map((runners) => {
      const { list, staged, bound } = makespanOf(jobsOf(schedule.legs), runners);
      const ratio = (time: number) => (time / bound).toFixed(2);
      return [
        ...[`\`${sharing}\``, String(runners), minutes(bound), minutes(list), ratio(list)],
        ...[minutes(staged), ratio(staged)],
      ];
    }),
  );
  const measuredRows = measured.builds
    .filter(({ busy }) => busy !== true)
    .map(({ target, compiled, install = 0, rest = 0, packages }) => [
      ...[`\`${target}\``, compiled, packages.map(({ name }) => name).join(' ')],
      ...[`${install.toFixed(1)} s`, `${rest.toFixed(1)} s`],
    ]);
  return [
    markdownTable(
      ['sharing', 'legs', 'stages', 'package builds', 'compiles of Slurm', 'minutes of work'],
      builds,
    ),
    '',
    markdownTable(
      ['sharing', 'runners', 'least', 'list', 'list / least', 'in stages', 'in stages / least'],
      spans,
    ),
    '',
    `Times are of builds on ${measured.machine}, ${measured.day}; a new runner takes ${measured.fresh.seconds} s more (${measured.fresh.source}).`,
    '',
    markdownTable(['build', 'Slurm compiled', 'packages', 'install', 'all other stages'], measuredRows),
  ].join('\n');
}
