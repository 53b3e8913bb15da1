import type { Plan, PlanLeg } from './plan.js';

/** Jobs that GitHub takes in one matrix. */
export const mostJobs = 256;

/** A leg as an entry of a matrix: `matrix.identifier`, `matrix.runs-on`, `matrix.slurm-version` … in a workflow. */
export type MatrixEntry = Readonly<Record<string, string | number | readonly string[]>>;

/** What `strategy.matrix` takes. */
export interface Matrix {
  readonly include: readonly MatrixEntry[];
}

export function entryOf({ inputs, runsOn, ...leg }: PlanLeg): MatrixEntry {
  const [label = ''] = runsOn;
  return {
    ...{ identifier: leg.identifier, name: leg.name, arch: leg.arch, stage: leg.stage },
    'runs-on': runsOn.length === 1 ? label : runsOn,
    'content-key': leg.contentKey,
    minutes: leg.minutes,
    ...inputs,
  };
}

/** Parts of a list with no more than `most` each. */
function partsOf<T>(list: readonly T[], most: number): T[][] {
  const count = Math.ceil(list.length / most);
  return Array.from({ length: count }, (_, part) => list.slice(part * most, (part + 1) * most));
}

const matrixOf = (legs: readonly PlanLeg[]): Matrix => ({ include: legs.map(entryOf) });

/** All legs in as many matrices as it takes, in the order of the stages. */
export const chunksOf = ({ legs }: Pick<Plan, 'legs'>): Matrix[] => partsOf(legs, mostJobs).map(matrixOf);

/**
 * A matrix for each stage, to be run one after the other; of a stage that is too large for one, several that
 * follow each other.
 */
export function stagesOf({ legs, stages }: Pick<Plan, 'legs' | 'stages'>): Matrix[] {
  const byStage = Array.from({ length: stages }, (_, stage) => legs.filter((leg) => leg.stage === stage));
  return byStage.flatMap((own) => partsOf(own, mostJobs).map(matrixOf));
}

/**
 * The outputs of a plan by their names. Over 256 legs there is no `matrix`, so that a workflow which only reads that
 * fails, and leaves nothing out in silence.
 */
export function matrixOutputs(plan: Plan): Record<string, string> {
  const chunks = chunksOf(plan);
  const stages = stagesOf(plan);
  const [first = matrixOf([])] = chunks;
  const numbered = (name: string, list: readonly Matrix[]) =>
    list.map((matrix, index) => [`${name}-${index}`, JSON.stringify(matrix)] as const);
  return {
    matrix: chunks.length > 1 ? '' : JSON.stringify(first),
    count: String(plan.count),
    empty: String(plan.empty),
    chunks: String(chunks.length),
    stages: String(stages.length),
    ...Object.fromEntries([...numbered('matrix', chunks), ...numbered('stage', stages)]),
  };
}
