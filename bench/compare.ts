// Which figures got worse than noise since an earlier run. Pure: rounds in, rows out.
import { z } from 'zod';
import type { StageId } from '../src/pipeline/stage.js';
import { type CaseName, caseNames } from './cases.js';
import {
  type BuildFigures,
  type CaseFigures,
  type MachineFacts,
  type Results,
  type Rounds,
  resultsNumber,
} from './results.js';
import { deviation, median } from './stats.js';
import { type BuildCase, buildTitles, type Section } from './table.js';
import { shown, type Unit } from './targets.js';

const earlierSchema = z.object({
  layout: z.literal(resultsNumber),
  release: z.string(),
  nextRelease: z.string(),
  toolchain: z.string(),
  machine: z.object({ cpu: z.string().optional(), cores: z.number(), system: z.string().optional() }),
  rounds: z.partialRecord(z.enum(caseNames), z.array(z.unknown())),
});

/** What of an earlier run is compared. */
export interface Earlier extends Pick<Results, 'release' | 'nextRelease' | 'toolchain' | 'rounds'> {
  readonly machine: Pick<MachineFacts, 'cpu' | 'cores' | 'system'>;
}

/**
 * Reads what `--json` has written.
 * @throws Error when it is of another layout, or of other builds than this run's
 */
export function readEarlier(
  text: string,
  settings: Pick<Results, 'release' | 'nextRelease' | 'toolchain'>,
): Earlier {
  const read = earlierSchema.safeParse(JSON.parse(text));
  if (!read.success) {
    throw new Error(
      `it is not what this version's --json writes; measure again.\n${z.prettifyError(read.error)}`,
    );
  }
  const builds = ({ release, nextRelease, toolchain }: typeof settings) =>
    `${release}, then ${nextRelease}, on ${toolchain}`;
  if (builds(read.data) !== builds(settings))
    throw new Error(`it is of other builds: ${builds(read.data)}, and this run is of ${builds(settings)}.`);
  const { machine, rounds } = read.data;
  const { cpu, cores, system } = machine;
  // The layout's number says what the rounds look like.
  return { ...read.data, machine: { cpu, cores, system }, rounds: rounds as Rounds };
}

/** A figure that must not grow. */
interface Guarded {
  readonly what: string;
  readonly unit: Unit;
  /** What part of itself it may grow by in any case. */
  readonly slack: number;
  readonly valuesIn: (rounds: Rounds) => number[];
}

const slackOf: Readonly<Record<Unit, number>> = { s: 0.1, ms: 0.1, ratio: 0.1, bytes: 0.01, count: 0 };
/** Of what the kernel counts of the whole machine. */
const machineSlack = 0.15;
/** What no measurement tells from nothing. */
const floorOf: Readonly<Record<Unit, number>> = { s: 0.1, ms: 5, ratio: 0.05, bytes: 0, count: 0 };

function guard<K extends CaseName>(
  name: K,
  what: string,
  unit: Unit,
  of: (figures: CaseFigures[K]) => number | undefined,
  slack = slackOf[unit],
): Guarded {
  const valuesIn = (rounds: Rounds) => {
    const measured: readonly CaseFigures[K][] = rounds[name] ?? [];
    return measured.map(of).filter((value) => value !== undefined);
  };
  return { what, unit, slack, valuesIn };
}

const secondsOf = ({ stages }: BuildFigures, wanted: StageId): number | undefined =>
  stages.find(({ stage }) => stage === wanted)?.seconds;

function guardBuild(name: BuildCase): Guarded[] {
  const title = buildTitles[name];
  const some = (
    what: string,
    unit: Unit,
    of: (figures: BuildFigures) => number | undefined,
    slack?: number,
  ) => guard(name, `${title}: ${what}`, unit, of, slack);
  const resource = (what: string, key: keyof BuildFigures['resources']) =>
    some(what, 'bytes', ({ resources }) => resources[key], machineSlack);
  return [
    some('whole', 's', ({ total }) => total),
    some('without the smoke test', 's', ({ withoutSmokeTest }) => withoutSmokeTest),
    some('software tarball', 'bytes', ({ tarballBytes }) => tarballBytes),
    some('packages compiled', 'count', ({ compiled }) => compiled),
    some('concretizations', 'count', ({ concretized }) => concretized),
    some('containers', 'count', ({ containers }) =>
      Object.values(containers).reduce((sum, count) => sum + count, 0),
    ),
    resource('most memory', 'memory'),
    resource('most disk', 'disk'),
    ...(name === 'first' ? [resource('downloaded', 'received'), resource('written', 'written')] : []),
  ];
}

/** Where the time of a cold build goes. */
const coldStages: readonly StageId[] = ['lock', 'install', 'graft', 'pack', 'audit', 'smoke'];

/** @param versions of Node, whose start-up both runs may have */
const guarded = (versions: readonly string[]): Guarded[] => [
  ...versions.flatMap((version) => [
    guard('startup', `action's first line, Node ${version}`, 'ms', (by) => by[version]?.main),
    guard('startup', `slurm-factory version, Node ${version}`, 'ms', (by) => by[version]?.cliVersion),
    guard('startup', `slurm-factory version / node alone, Node ${version}`, 'ratio', (by) => {
      const times = by[version];
      return times === undefined ? undefined : times.cliVersion / times.node;
    }),
  ]),
  ...(Object.keys(buildTitles) as BuildCase[]).flatMap(guardBuild),
  ...coldStages.map((stage) => guard('cold', `cold: stage ${stage}`, 's', (it) => secondsOf(it, stage))),
  guard('cold', 'cold: build cache', 'bytes', ({ entryBytes }) => entryBytes.package),
  guard('caches', 'directory: save', 's', ({ directory }) => directory.save),
  guard('caches', 'directory: restore', 's', ({ directory }) => directory.restore),
  guard('caches', 'cache service: save', 's', ({ service }) => service.save),
  guard('caches', 'cache service: restore', 's', ({ service }) => service.restore),
  guard('install', 'install.sh', 's', ({ seconds }) => seconds),
];

/** A figure of both runs, by its medians. */
export interface Change {
  readonly what: string;
  readonly unit: Unit;
  readonly before: number;
  readonly now: number;
  /** How much more is still noise. */
  readonly noise: number;
  readonly verdict: 'worse' | 'better' | 'as before';
}

export interface Compared {
  readonly changes: readonly Change[];
  /** What a reader should know, sentences. */
  readonly notes: readonly string[];
}

/** Compares what both runs have measured. Times of another machine say nothing, and are left out. */
export function compare(earlier: Earlier, now: Pick<Results, 'machine' | 'rounds'>): Compared {
  const machine = ({ cpu, cores, system }: Earlier['machine']) => `${cpu}, ${cores} cores, ${system}`;
  const there = machine(earlier.machine);
  const here = machine(now.machine);
  const versions = new Set((now.rounds.startup ?? []).flatMap((round) => Object.keys(round)));
  const timed = (unit: Unit) => unit === 's' || unit === 'ms';
  const changes = guarded([...versions])
    .filter(({ unit }) => there === here || !timed(unit))
    .flatMap((figure) => {
      const values = [earlier.rounds, now.rounds].map(figure.valuesIn);
      const [before = [], after = []] = values;
      return before.length === 0 || after.length === 0 ? [] : [changeOf(figure, before, after)];
    });
  const other = `The earlier run was on another machine (${there}; this is ${here}): its times are left out.`;
  const nothing = 'The runs have no figure in common.';
  return {
    changes,
    notes: [...(there === here ? [] : [other]), ...(changes.length > 0 ? [] : [nothing])],
  };
}

function changeOf({ what, unit, slack }: Guarded, before: number[], after: number[]): Change {
  const medians = { before: median(before), now: median(after) };
  const noise = noiseOf(unit, slack, before, after);
  const more = medians.now - medians.before;
  const verdict = more > noise ? 'worse' : more < -noise ? 'better' : 'as before';
  return { what, unit, ...medians, noise, verdict };
}

/**
 * What medians of such rounds differ by without a reason: three times the standard error of their difference, and
 * never less than the figure's slack; twice that where the rounds are too few to tell their spread.
 */
function noiseOf(unit: Unit, slack: number, before: readonly number[], after: readonly number[]): number {
  const few = Math.min(before.length, after.length) < 3;
  const least = Math.max(floorOf[unit], slack * median(before) * (few ? 2 : 1));
  if (unit === 'count') return least;
  // A median's standard error is about 1.25 times the mean's.
  const variance = (values: readonly number[]) => (1.25 * (deviation(values) ?? 0)) ** 2 / values.length;
  return Math.max(least, 3 * Math.sqrt(variance(before) + variance(after)));
}

/** The table of a comparison. */
export const compareSection = ({ changes }: Compared): Section => ({
  title: 'Against the earlier run',
  head: ['what', 'before', 'now', 'change', 'noise', ''],
  rows: changes.map(({ what, unit, before, now, noise, verdict }) => [
    what,
    shown(before, unit),
    shown(now, unit),
    percent(now - before, before),
    unit === 'count' ? shown(noise, unit) : percent(noise, before),
    verdict === 'worse' ? 'WORSE' : verdict,
  ]),
});

function percent(part: number, whole: number): string {
  if (whole === 0) return part === 0 ? '0 %' : '—';
  const value = (100 * part) / whole;
  return `${value.toFixed(Math.abs(value) < 10 ? 1 : 0)} %`;
}
