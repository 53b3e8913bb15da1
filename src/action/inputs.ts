import { getInput, setSecret } from '@actions/core';
import { type ActionName, inputsOfAction, isSecret, type RawInputs } from '../config/inputs.js';

/**
 * The inputs of an action as the workflow gave them; one that is missing is empty. Call it once: secrets are
 * taken out of the environment, which nothing later reads them from. What other processes see is
 * `hideSecrets`' part.
 */
export function readInputs(action: ActionName): RawInputs {
  const names = inputsOfAction(action);
  const inputs: RawInputs = Object.fromEntries(names.map((name) => [name, getInput(name)]));
  for (const name of names.filter(isSecret)) {
    if (inputs[name]) setSecret(inputs[name]);
    delete process.env[inputVariable(name)];
  }
  return inputs;
}

/** Name of the variable that the runner gives an input by. */
export const inputVariable = (name: string): string => `INPUT_${name.toUpperCase()}`;
