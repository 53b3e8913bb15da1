import {
  type EngineChoice,
  engineChoices,
  type InputCommand,
  type InputName,
  inputOf,
  inputsOfCommand,
  isSecret,
} from '../config/inputs.js';
import { type Layer, settle } from '../config/layers.js';
import { type Setting, type SettingName, settingNames, settings } from '../config/settings.js';
import { type Given, type OptionSpec, textOf } from './command.js';
import type { SecretFiles } from './secrets.js';

/** Options that every command has. */
export const output: readonly OptionSpec[] = [
  { name: 'json', description: 'print one JSON document on standard output, a failure too' },
  { name: 'quiet', description: 'log warnings and errors only' },
  { name: 'verbose', description: 'log every command that is run and every line of its output' },
];

const settingOf = (name: SettingName): Setting => settings[name];

/** Settings of the place where work is done, as options. */
const settingOptions: readonly OptionSpec[] = settingNames.map((name) => {
  const { description, fallback, kind } = settingOf(name);
  const { placeholder: value, words, completes } = kind;
  return {
    ...{
      name,
      value,
      group: 'Settings',
      description: `${description} (default: ${fallback.replaceAll('`', '')})`,
    },
    ...(words === undefined ? {} : { words }),
    ...(completes === undefined ? {} : { completes }),
  };
});

/** Options of commands that use the folder of the caches. */
export const common: readonly OptionSpec[] = [
  ...settingOptions,
  {
    name: 'config',
    value: 'file',
    completes: 'file',
    group: 'Settings',
    description: 'file of settings in place of slurm-factory.yml',
  },
  ...output,
];

/** Engine of a check; a build takes it as an input. */
export const engineOption: OptionSpec = {
  name: 'engine',
  value: 'value',
  words: engineChoices,
  strict: true,
  description: 'container engine (default: auto)',
};

/** The engine that a check is to use: its option, else the input's settings. */
export const engineOf = (layers: readonly Layer[]): EngineChoice =>
  engineChoices.find((choice) => choice === settle(layers, 'engine').text) ?? 'auto';

/** The option `--engine` of a check, as the input that it stands for. */
export const engineLayer = (given: Given): Layer => {
  const engine = textOf(given, 'engine');
  return { origin: 'option', values: engine === undefined ? {} : { engine } };
};

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
