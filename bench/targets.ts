// The figures beside each other, and what the project promises of them. Pure: figures in, rows out.
import type { BuildFigures, Figures } from './results.js';

/** Seconds, milliseconds, bytes, one figure through another, and how often. */
export type Unit = 's' | 'ms' | 'bytes' | 'ratio' | 'count';

type Maybe = number | undefined;

const less = (a: Maybe, b: Maybe): Maybe => (a === undefined || b === undefined ? undefined : a - b);
const plus = (a: Maybe, b: Maybe): Maybe => (a === undefined || b === undefined ? undefined : a + b);

/** A figure of ours and another one of the same run. */
export interface Comparison {
  readonly id: string;
  readonly what: string;
  readonly ours: number;
  readonly against: string;
  readonly other: number;
  readonly unit: 's' | 'bytes';
  /** ours / other */
  readonly value: number;
}

function row(
  id: string,
  what: string,
  ours: Maybe,
  against: string,
  other: Maybe,
  unit: Comparison['unit'] = 's',
): Comparison[] {
  if (ours === undefined || other === undefined) return [];
  return [{ id, what, ours, against, other, unit, value: ours / other }];
}

/** Pairs of figures of one run and their ratios; those of which one was not measured are left out. */
export function comparisons(figures: Figures): Comparison[] {
  const { first, cold, nothing, packaging, system, cuda, patch, plain, bare } = figures;
  const packed = plus(cold?.tarball, cold?.audit);
  const tar = plain?.cold.tarball;
  return [
    row('first', 'first run, smoke test and all', first?.total, 'bare make', bare?.total),
    row('cold', 'cold build', cold?.withoutSmokeTest, 'plain, cold', plain?.cold.total),
    row('bare', 'cold build', cold?.withoutSmokeTest, 'bare make', bare?.total),
    row('nothing', 'nothing changed', nothing?.total, 'plain, warm', plain?.warm.total),
    row('packaging', 'only packaging changed', packaging?.withoutSmokeTest, 'plain, warm', plain?.warm.total),
    row('cuda', 'CUDA after the CPU', cuda?.withoutSmokeTest, 'ours, cold', cold?.withoutSmokeTest),
    row('patch', 'next patch release', patch?.withoutSmokeTest, 'ours, cold', cold?.withoutSmokeTest),
    row('concretize', 'concretize, cold', cold?.concretize, 'plain, cold', plain?.cold.concretize),
    row('install', 'install and push, cold', cold?.installAndPush, 'plain, cold', plain?.cold.installAndPush),
    row('pack', 'make the tarballs', cold?.tarball, '`tar -chzf`', tar),
    row('packed', 'make the tarballs and audit', packed, '`tar -chzf`', tar),
    // Neither of these two brings libraries.
    row(
      'bytes',
      'software tarball, `system`',
      system?.tarballBytes,
      '`tar -chzf`',
      plain?.cold.tarballBytes,
      'bytes',
    ),
    row('pushed', 'build cache', cold?.entryBytes.package, 'plain, cold', plain?.buildCacheBytes, 'bytes'),
  ].flat();
}

/** What a figure is to be at most. */
export interface TargetRow {
  readonly what: string;
  readonly value: number;
  readonly limit: number;
  readonly unit: Unit;
  /** The limit itself is too much. */
  readonly under: boolean;
  readonly met: boolean;
}

function target(what: string, value: Maybe, limit: number, unit: Unit, under = false): TargetRow[] {
  if (value === undefined) return [];
  return [{ what, value, limit, unit, under, met: under ? value < limit : value <= limit }];
}

/** Each target that was measured, with whether it is met. */
export function targets(figures: Figures): TargetRow[] {
  const { cold, nothing, packaging, system, cuda, patch, install } = figures;
  const ratios = new Map(comparisons(figures).map(({ id, value }) => [id, value]));
  const ratio = (what: string, id: string, limit: number) => target(what, ratios.get(id), limit, 'ratio');
  const others = patch?.compiledNames.filter((name) => name !== 'slurm').length;
  const libraries = less(packaging?.withoutSmokeTest, system?.withoutSmokeTest);
  return [
    ...target('nothing changed: whole step', nothing?.total, 0.5, 's'),
    ...target('nothing changed: containers', nothing && containerCount(nothing), 0, 'count'),
    ...ratio('nothing changed: ours / plain, warm', 'nothing', 1 / 20),
    ...target('only packaging changed: whole step', packaging?.total, 15, 's'),
    ...target('only packaging changed: concretizations', packaging?.concretized, 0, 'count'),
    ...target('only packaging changed: packages compiled', packaging?.compiled, 0, 'count'),
    ...target('libraries brought: more than `system`', libraries, 8, 's'),
    ...target('`system` after it: packages compiled', system?.compiled, 0, 'count'),
    ...ratio('CUDA after the CPU: ours / ours, cold', 'cuda', 0.5),
    ...target('CUDA: more in the tarball', less(cuda?.tarballBytes, cold?.tarballBytes), 1e6, 'bytes'),
    ...target('next patch release: packages compiled', patch?.compiled, 1, 'count'),
    ...target('next patch release: compiled besides Slurm', others, 0, 'count'),
    ...ratio('next patch release: ours / ours, cold', 'patch', 0.62),
    ...ratio('cold: ours / plain, cold', 'cold', 0.42),
    ...ratio('cold: ours / bare make', 'bare', 0.95),
    ...ratio('first run: ours / bare make', 'first', 1.3),
    ...target('software tarball', cold?.tarballBytes, 16e6, 'bytes'),
    ...ratio('software tarball, `system`: ours / `tar -chzf`', 'bytes', 1 / 10),
    ...target('make the tarballs', cold?.tarball, 1.5, 's'),
    ...ratio('make the tarballs and audit: ours / `tar -chzf`', 'packed', 1 / 5),
    ...target('audit', cold?.audit, 2, 's', true),
    ...target('install.sh', install?.seconds, 1, 's', true),
    ...startupTargets(figures.startup),
  ];
}

const startupTargets = (startup: Figures['startup'] = {}): TargetRow[] =>
  Object.entries(startup).flatMap(([version, { node, main, cliVersion }]) => [
    ...target(`action's first line, Node ${version}`, main, 300, 'ms', true),
    ...target(`action's first line / node alone, Node ${version}`, main / node, 3, 'ratio'),
    ...target(`slurm-factory version / node alone, Node ${version}`, cliVersion / node, 2, 'ratio'),
  ]);

/** How many containers a build has made. */
export const containerCount = ({ containers }: Pick<BuildFigures, 'containers'>): number =>
  Object.values(containers).reduce((sum, count) => sum + count, 0);

/** A figure with its unit; `—` for one that there is not. */
export function shown(value: Maybe, unit: Unit): string {
  if (value === undefined) return '—';
  if (unit === 'bytes') return `${(value / 1e6).toFixed(1)} MB`;
  if (unit === 'ms') return `${value.toFixed(0)} ms`;
  if (unit === 's') return `${value.toFixed(value < 10 ? 2 : 1)} s`;
  return unit === 'ratio' ? value.toFixed(value < 0.1 ? 3 : 2) : String(value);
}

/** A limit as text. */
export function shownLimit({ limit, unit, under }: Pick<TargetRow, 'limit' | 'unit' | 'under'>): string {
  const whole = { ratio: String(limit), s: `${limit} s`, bytes: `${limit / 1e6} MB` };
  const text = unit === 'ms' || unit === 'count' ? shown(limit, unit) : whole[unit];
  return `${under ? 'under ' : ''}${text}`;
}
