import { visible } from '../base/text.js';
import type { Plan, PlanLeg } from './plan.js';

/** A plan for people: rows of a table, sentences, and a picture. */

/** Head of the table of legs. */
export const legHead = [
  'Stage',
  'Target',
  'Toolchain',
  'Runs on',
  'Builds',
  'Minutes',
  'Content key',
] as const;

/** A row for each leg. */
export const legRows = ({ legs }: Pick<Plan, 'legs'>): string[][] =>
  legs.map(({ stage, identifier, inputs, runsOn, builds, minutes, contentKey }) => [
    ...[String(stage), identifier, inputs['toolchain'] ?? '', runsOn.join(' ')],
    builds.length === 0 ? 'nothing' : builds.join(' '),
    ...[minutes.toFixed(1), contentKey.slice(0, 12)],
  ]);

const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;

/** What a plan comes to, a sentence each. */
export function planSentences(plan: Plan): string[] {
  const { skipped, packageBuilds, count, stages } = plan;
  const { alone, shared } = packageBuilds;
  const left = [
    [skipped.deselected, 'not selected'],
    [skipped.cached, 'in the result cache'],
    [skipped.released, 'in the earlier release'],
  ] as const;
  const reasons = left.filter(([number]) => number > 0).map(([number, why]) => `${number} ${why}`);
  const out = reasons.length === 0 ? [] : [`Left out: ${reasons.join(', ')}.`];
  if (plan.empty) return ['Nothing to do.', ...out, ...plan.notices];
  return [
    `${counted(count, 'leg')} in ${counted(stages, 'stage')}.`,
    ...out,
    `With sharing ${counted(shared.packages, 'package build')}, Slurm ${counted(shared.compiles, 'time')}, ${shared.minutes} minutes of work; without ${counted(alone.packages, 'package build')}, Slurm ${counted(alone.compiles, 'time')}, ${alone.minutes} minutes.`,
    ...plan.notices,
  ];
}

/** Boxes that a picture may have; GitHub draws some hundred of them badly. */
const mostBoxes = 60;

// Mermaid has HTML's entities in its texts, with # for &.
const escaped = (words: string): string =>
  visible(words).replaceAll(/[^\w .+@:/()-]/g, (character) => `#${character.codePointAt(0)};`);

/**
 * The stages of a plan in the language of Mermaid, which GitHub draws in a job summary. Of many legs, the boxes are
 * releases.
 */
export function planPicture(plan: Pick<Plan, 'legs' | 'stages'>): string {
  const { legs, stages } = plan;
  const few = legs.length <= mostBoxes;
  const lines = Array.from({ length: stages }, (_, stage) => {
    const own = legs.filter((leg) => leg.stage === stage);
    const boxes = few
      ? own.map((leg) => `${leg.identifier} (${leg.minutes} min)`)
      : [...grouped(own)].map(([release, count]) => `${release}: ${counted(count, 'leg')}`);
    return [
      `  subgraph s${stage}["stage ${stage}, ${counted(own.length, 'leg')}"]`,
      ...boxes.map((text, index) => `    s${stage}l${index}["${escaped(text)}"]`),
      '  end',
    ];
  });
  const ways = Array.from({ length: Math.max(0, stages - 1) }, (_, stage) => `  s${stage} --> s${stage + 1}`);
  return ['graph LR', ...lines.flat(), ...ways].join('\n');
}

function grouped(legs: readonly PlanLeg[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { inputs } of legs) {
    const release = inputs['slurm-version'] ?? '';
    counts.set(release, (counts.get(release) ?? 0) + 1);
  }
  return counts;
}
