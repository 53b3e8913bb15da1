import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import {
  type EngineChoice,
  engineChoices,
  type InputCommand,
  type InputName,
  inputOf,
  inputsOfCommand,
  isSecret,
} from '../config/inputs.js';
import type { Layer } from '../config/layers.js';
import { type Given, type Invocation, type OptionSpec, textOf } from './command.js';
import type { SecretFiles } from './secrets.js';

/** Options that every command has. */
export const output: readonly OptionSpec[] = [
  { name: 'json', description: 'print one JSON document on standard output, a failure too' },
  { name: 'quiet', description: 'log warnings and errors only' },
  { name: 'verbose', description: 'log every command that is run and every line of its output' },
];

/** Options of commands that use the folder of the caches. */
export const common: readonly OptionSpec[] = [
  {
    name: 'cache-dir',
    value: 'folder',
    completes: 'folder',
    description: 'folder for the caches (default: ~/.cache/slurm-factory)',
  },
  ...output,
];

/** Absolute path of the folder for the caches. */
export function cacheDirOf(given: Given, { env, cwd }: Invocation): string {
  const folder = textOf(given, 'cache-dir');
  if (folder !== undefined) return resolve(cwd, folder);
  return join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'slurm-factory');
}

/** Engine of a check; a build takes it as an input. */
export const engineOption: OptionSpec = {
  name: 'engine',
  value: 'value',
  words: engineChoices,
  strict: true,
  description: 'container engine (default: auto)',
};

export const engineOf = (given: Given): EngineChoice =>
  engineChoices.find((choice) => choice === textOf(given, 'engine')) ?? 'auto';

/** The inputs of a command as options; a secret comes by a file. */
export const inputOptions = (command: InputCommand): OptionSpec[] => inputsOfCommand(command).map(optionOf);

function optionOf(name: InputName): OptionSpec {
  const { description, default: preset, kind, group } = inputOf(name);
  const { placeholder: value, words, completes, toggle } = kind;
  if (isSecret(name)) {
    const file = `${fileOf(description)} (/dev/fd/N, or - for standard input)`;
    return { name: `${name}-file`, value, completes: 'file', description: file, group };
  }
  return {
    ...{ name, value, group },
    description: preset === '' ? description : `${description} (default: ${preset})`,
    ...(words === undefined ? {} : { words }),
    ...(completes === undefined ? {} : { completes }),
    ...(toggle === undefined ? {} : { toggle }),
  };
}

/** "Passphrase of the key; give it from a secret." → "file with the passphrase of the key" */
const fileOf = (description: string): string =>
  `file with the ${description.charAt(0).toLowerCase()}${description.slice(1).replace(/[;.].*$/s, '')}`;

/** The inputs among the options of a call, without the secrets. */
export function inputLayer(command: InputCommand, given: Given): Layer {
  const names = inputsOfCommand(command).filter((name) => !isSecret(name));
  const values = names.flatMap((name) => {
    const text = textOf(given, name);
    return text === undefined ? [] : [[name, text]];
  });
  return { origin: 'option', values: Object.fromEntries(values), problems: given.problems };
}

/** Files that secret inputs are read from, by the input. */
export const secretFilesOf = (command: InputCommand, given: Given): SecretFiles =>
  Object.fromEntries(
    inputsOfCommand(command)
      .filter(isSecret)
      .flatMap((name) => {
        const file = textOf(given, `${name}-file`);
        return file === undefined ? [] : [[name, file]];
      }),
  );
