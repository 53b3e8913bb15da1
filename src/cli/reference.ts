import { replaceSection } from '../config/published.js';
import type { ArgumentSpec, Command, OptionSpec } from './command.js';
import { commands } from './commands/index.js';
import { common } from './options.js';

/** The command reference in the forms that it is published in; `scripts/write-inputs.mjs` writes the files. */

/** What a program's exit code means, in the order of the codes. */
export const exitCodeTable: readonly (readonly [code: string, meaning: string])[] = [
  ['0', 'done'],
  ['1', 'anything else: standard output was closed or full, or a defect of slurm-factory'],
  ['2', 'wrong inputs or arguments'],
  ['3', 'the container engine, its images or containers'],
  ['4', 'fetching, concretizing or building'],
  ['5', 'making, checking, testing or signing the tarballs'],
  ['6', "the project's files, the user's settings, or what the machine lacks"],
  ['129, 130, 143', 'cancelled by SIGHUP, SIGINT (Ctrl-C), SIGTERM'],
];

const variables: readonly (readonly [name: string, meaning: string])[] = [
  ['NO_COLOR', 'nothing is coloured'],
  ['FORCE_COLOR', 'coloured where it is no terminal, too; 0 means nothing is'],
  ['CI', 'plain lines, no bar that is written over'],
  ['SLURM_FACTORY_*', 'settings and inputs: see slurm-factory config --explain'],
];

/**
 * The files that are made from the commands, by their paths in the project.
 * @param read text of a file of the project; the parts that are written by hand are taken from it
 */
export const publishedCommands = (
  read: (path: string) => string,
  version: string,
): Record<string, string> => ({
  'docs/cli.md': replaceSection(
    replaceSection(
      replaceSection(read('docs/cli.md'), 'commands', commands.map(section).join('\n\n')),
      'common options',
      optionTable(common).join('\n'),
    ),
    'exit codes',
    [
      '| code | meaning |',
      '|---|---|',
      ...exitCodeTable.map(([code, meaning]) => `| ${code} | ${meaning} |`),
    ].join('\n'),
  ),
  'man/slurm-factory.1': manPage(version),
});

const usageOf = (command: Command): string =>
  [
    `slurm-factory ${command.name} [options]`,
    ...argumentsOf({ ...command, rest: undefined }).map(({ name, required }) =>
      required ? `<${name}>` : `[${name}]`,
    ),
    ...(command.rest === undefined ? [] : [`[${command.rest.name}...]`]),
  ].join(' ');

const argumentsOf = ({
  argument,
  second,
  rest,
}: Pick<Command, 'argument' | 'second'> & { readonly rest?: ArgumentSpec | undefined }): ArgumentSpec[] =>
  [argument, second, rest].filter((spec) => spec !== undefined);

function shownOption({ name, value, toggle }: OptionSpec): string {
  if (value === undefined) return `--${name}`;
  return toggle === undefined ? `--${name} <${value}>` : `--${name} [${value}]`;
}

/** The options of a command, those that others have too left out. */
const ownOptions = ({ options }: Command): OptionSpec[] =>
  options.filter((option) => !common.includes(option));

// A word with <...> in it would be taken for HTML.
const marked = (text: string): string =>
  text.replace(/\S*<\S*>\S*?(?=[.,;]?(?:\s|$))/g, '`$&`').replaceAll('|', '\\|');

const optionTable = (options: readonly OptionSpec[]): string[] => [
  ...['| option | meaning |', '|---|---|'],
  ...options.map((option) => `| \`${shownOption(option)}\` | ${marked(option.description)} |`),
];

/** A command's section of `docs/cli.md`. */
function section(command: Command): string {
  const { name, description, examples } = command;
  const options = ownOptions(command);
  return [
    `### ${name}`,
    '',
    `\`${usageOf(command)}\``,
    '',
    description,
    ...argumentsOf(command).flatMap((word) => ['', `\`${word.name}\`: ${marked(word.description)}`]),
    ...(options.length === 0 ? [] : ['', ...optionTable(options)]),
    ...['', '```sh', ...examples.map((words) => `slurm-factory ${words}`), '```'],
  ].join('\n');
}

/** Text as roff has it: nothing of it is a request or an escape, and a dash is one that can be copied. */
const roff = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(?=[.'])/gm, '\\&');

const optionLines = (options: readonly OptionSpec[]): string[] =>
  options.flatMap((option) => ['.TP', `.B ${roff(shownOption(option))}`, roff(option.description)]);

/** The manual page, slurm-factory(1). */
function manPage(version: string): string {
  const about = (command: Command): string[] => [
    `.SS ${roff(usageOf(command))}`,
    roff(command.description),
    ...argumentsOf(command).flatMap(({ name, description }) => [
      ...['.TP', `.I ${roff(name)}`, roff(description)],
    ]),
    ...optionLines(ownOptions(command)),
    ...command.examples.flatMap((words, index) => [
      ...(index === 0 ? ['.PP', 'Examples:', '.PP', '.nf', '.RS'] : []),
      roff(`slurm-factory ${words}`),
    ]),
    ...['.RE', '.fi'],
  ];
  const lines = [
    `.\\" Made from the commands by scripts/write-inputs.mjs`,
    `.TH SLURM\\-FACTORY 1 "" "slurm-factory ${version}" "User Commands"`,
    '.SH NAME',
    roff('slurm-factory - builds Slurm with Spack in a container and hands out relocatable tarballs'),
    '.SH SYNOPSIS',
    '.B slurm\\-factory',
    roff('<command> [options]'),
    '.SH COMMANDS',
    ...commands.flatMap(about),
    '.SH COMMON OPTIONS',
    ...optionLines(common),
    ...['.TP', '.B \\-\\-help', 'show help'],
    '.SH EXIT STATUS',
    ...exitCodeTable.flatMap(([code, meaning]) => ['.TP', `.B ${code}`, roff(meaning)]),
    '.SH ENVIRONMENT',
    ...variables.flatMap(([name, meaning]) => ['.TP', `.B ${roff(name)}`, roff(meaning)]),
    '.SH FILES',
    ...[
      '.TP',
      '.I slurm\\-factory.yml',
      'settings, in the working folder and in $XDG_CONFIG_HOME/slurm\\-factory',
    ],
    '.SH SEE ALSO',
    'docs/cli.md, docs/inputs.md and docs/errors.md of the project;',
    '.BR docker (1),',
    '.BR podman (1),',
    '.BR slurm.conf (5)',
  ];
  return `${lines.join('\n')}\n`;
}
