import type { Problem } from '../base/errors.js';
import { type Camel, type InputName, type InputValues, inputOf, inputsOfAction } from './inputs.js';
import type { Catalog } from './kinds.js';
import { type Layer, type Settled, settle } from './layers.js';
import { type PlanInputName, planInputs } from './plan-inputs.js';
import { labelRules } from './plan-kinds.js';
import { readAll } from './resolve.js';

/** What a plan is made from; names in the lists are not looked up yet. */
export interface PlanOptions extends Pick<InputValues<'plan'>, Exclude<Camel<PlanInputName>, 'config'>> {
  /** Where each of a plan's inputs stands, for what is wrong with it. */
  readonly settled: ReadonlyMap<InputName, Settled>;
}

/** Lists of a plan, and the build's own input that one stands for where only that is given. */
const singles: Readonly<Partial<Record<InputName, InputName>>> = {
  releases: 'slurm-version',
  toolchains: 'toolchain',
  'dependency-kinds': 'dependencies',
  gpus: 'gpu',
  'feature-choices': 'features',
};

/**
 * Reads the inputs of a plan. The options are whole only where no problem was added.
 * @param problems takes what is wrong
 */
export function readPlanOptions(
  layers: readonly Layer[],
  catalog: Catalog,
  problems: Problem[],
): PlanOptions {
  const settled = new Map(inputsOfAction('plan').map((name) => [name, settleList(layers, name)]));
  const found: Problem[] = [];
  const values = readAll('plan', settled, catalog, found);
  // What is wrong with the others, who reads them for the builds tells.
  problems.push(...found.filter(({ input }) => isPlanInput(input)));
  const { text } = settle([], 'runs-on');
  const preset = labelRules.read(text, catalog);
  return {
    ...values,
    runsOn: [...('value' in preset ? preset.value : []), ...(values.runsOn ?? [])],
    settled,
  };
}

const isPlanInput = (input: string): boolean => Object.hasOwn(planInputs, input);

function settleList(layers: readonly Layer[], name: InputName): Settled {
  const own = settle(layers, name);
  const single = singles[name];
  if (own.origin !== 'default' || single === undefined) return own;
  const found = settle(layers, single);
  return found.origin === 'default' ? own : found;
}

/**
 * The inputs that all legs of a plan have: those of a build that somebody gave, but for what a leg says itself and
 * what stays on the machine that plans.
 */
export function commonInputs(layers: readonly Layer[]): Readonly<Record<string, string>> {
  const own: readonly InputName[] = [
    ...(Object.values(singles) as InputName[]),
    'output-dir',
    'github-token',
  ];
  const names = inputsOfAction('build').filter(
    (name) => !own.includes(name) && inputOf(name).kind.secret !== true,
  );
  return Object.fromEntries(
    names.flatMap((name) => {
      const { text, origin } = settle(layers, name);
      return origin === 'default' ? [] : [[name, text]];
    }),
  );
}
