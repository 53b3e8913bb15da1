import { getInput, setSecret } from '@actions/core';
import {
  type ActionName,
  inputPrefix,
  inputsOfAction,
  inputVariable,
  isSecret,
  type RawInputs,
} from '../config/inputs.js';
import type { Layer } from '../config/layers.js';
import { unknownInputs } from '../config/resolve.js';

/** What a workflow gave to a step; names that the action does not have are among the problems. */
export interface StepInputs extends Layer {
  readonly values: RawInputs;
}

/**
 * The inputs of an action as the workflow gave them; one that is missing is empty. Call it once: secrets are
 * taken out of the environment, which nothing later reads them from. What other processes see is
 * `hideSecrets`' part.
 */
export function readInputs(action: ActionName): StepInputs {
  const names = inputsOfAction(action);
  const values: RawInputs = Object.fromEntries(names.map((name) => [name, getInput(name)]));
  const problems = unknownInputs(action, namesGiven());
  for (const name of names.filter(isSecret)) {
    if (values[name]) setSecret(values[name]);
    delete process.env[inputVariable(name)];
  }
  return { origin: 'input', values, problems };
}

/** Whether the runner may have made a variable out of an input, known or not: it writes all of them in capitals. */
export const isInputVariable = (variable: string): boolean =>
  variable.startsWith(inputPrefix) &&
  variable.length > inputPrefix.length &&
  variable === variable.toUpperCase();

/** The names below `with`, in small letters; an input without a value is none. Secrets are in no list of entries. */
const namesGiven = (): string[] =>
  Object.getOwnPropertyNames(process.env)
    .filter((variable) => isInputVariable(variable) && (process.env[variable] ?? '').trim() !== '')
    .map((variable) => variable.slice(inputPrefix.length).toLowerCase());
