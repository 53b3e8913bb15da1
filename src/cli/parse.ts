import { Argument, Option, Command as Parser } from 'commander';
import type { Problem } from '../base/errors.js';
import { nearest } from '../base/suggest.js';
import { wrapped } from '../base/text.js';
import { camelCase, isInputName, isSecret } from '../config/inputs.js';
import { coloursOf } from '../local/style.js';
import type { Command, Given, OptionSpec } from './command.js';

/** What a call of the command line asks for: a command, or a text that is all of the answer. */
export type Call =
  | { readonly command: Command; readonly given: Given }
  | { readonly command: undefined; readonly text: string; readonly exitCode: 0 | 2 };

const closing = `Examples:
  slurm-factory build 24.11
  slurm-factory list --available
  slurm-factory help build

Exit codes: 0 done, 1 anything else, 2 wrong arguments, 3 container, 4 build,
5 package, 6 configuration, 130 cancelled.`;

/** A command in the list of all, with its argument. */
const termOf = (command: Parser): string => {
  const words = command.registeredArguments.map((word) =>
    word.required ? `<${word.name()}>` : `[${word.name()}]`,
  );
  return [command.name(), ...words].join(' ');
};

/** The words that a command takes, by the names that its parser has for them. */
const argumentsOf = ({ second, rest }: Pick<Command, 'second' | 'rest'>, argument: Command['argument']) => [
  ...[argument, second].filter((spec) => spec !== undefined),
  ...(rest === undefined ? [] : [{ ...rest, name: `${rest.name}...` }]),
];

/** Width of the help, and whether it is coloured. */
export interface HelpStyle {
  readonly columns?: number | undefined;
  readonly colour?: boolean;
}

/** Reads the arguments by the commands' definitions. */
export function parseArguments(
  argv: readonly string[],
  commands: readonly Command[],
  version: string,
  { columns = 80, colour = false }: HelpStyle = {},
): Call {
  const written: string[] = [];
  let call: Call | undefined;
  const write = (text: string) => written.push(text);
  const program = new Parser('slurm-factory')
    .description('Builds Slurm with Spack in a container and hands out relocatable tarballs.')
    .version(version)
    .configureOutput({
      ...{ writeOut: write, writeErr: write },
      ...{ getOutHelpWidth: () => columns, getOutHasColors: () => colour },
      ...{ getErrHelpWidth: () => columns, getErrHasColors: () => false },
    })
    .configureHelp({ styleTitle: coloursOf(true).bold, subcommandTerm: termOf })
    .addHelpText('after', `\n${closing}`)
    .exitOverride();
  for (const command of commands) {
    const parser = addCommand(program, command, columns);
    parser.action(() => {
      call = { command, given: givenOf(command, parser) };
    });
  }
  try {
    program.parse([...argv], { from: 'user' });
  } catch (error) {
    const code = (error as { exitCode?: number }).exitCode === 0 ? 0 : 2;
    return { command: undefined, text: written.join(''), exitCode: code };
  }
  return call ?? { command: undefined, text: program.helpInformation(), exitCode: 2 };
}

function addCommand(
  program: Parser,
  { name, description, argument, options, ...rest }: Command,
  columns: number,
): Parser {
  const parser = program.command(name).description(description);
  for (const { name: word, description: about, required, words } of argumentsOf(rest, argument)) {
    const spec = new Argument(required ? `<${word}>` : `[${word}]`, about);
    parser.addArgument(words === undefined ? spec : spec.choices([...words]));
  }
  for (const option of options) addOption(parser, option);
  if (rest.lenient) parser.allowUnknownOption().allowExcessArguments();
  const [toggle] = options.filter((option) => option.toggle !== undefined);
  if (toggle !== undefined) {
    const [{ on, off }, long] = [toggle.toggle ?? { on: '', off: '' }, `--${toggle.name}`];
    const short = `${long} is ${long} ${on}, --no-${toggle.name} is ${long} ${off}`;
    const sentence = `An option with [value] can be given without it: ${short}.`;
    parser.addHelpText('after', `\n${wrapped(sentence, columns).join('\n')}`);
  }
  const lines = rest.examples.map((words) => `  slurm-factory ${words}\n`);
  return parser.addHelpText('after', `\nExamples:\n${lines.join('')}`);
}

function addOption(
  parser: Parser,
  { name, description, value, toggle, words, strict, group }: OptionSpec,
): void {
  const shown = value === undefined ? '' : toggle === undefined ? ` <${value}>` : ` [${value}]`;
  const heading = `${group ?? 'Options'}:`;
  const option = new Option(`--${name}${shown}`, description).helpGroup(heading);
  parser.addOption(strict && words !== undefined ? option.choices([...words]) : option);
  if (toggle !== undefined) parser.addOption(new Option(`--no-${name}`).hideHelp().helpGroup(heading));
}

function givenOf(command: Command, parser: Parser): Given {
  const read = parser.opts<Record<string, string | boolean | undefined>>();
  const [first, ...strays] = command.lenient ? strayWords(parser.args) : [parser.args[0]];
  const options: Record<string, string | true> = {};
  const displaced: string[] = [];
  for (const { name, toggle } of command.options) {
    const value = read[camelCase(name)];
    if (value === undefined) continue;
    const isArgument = typeof value === 'string' && command.argument?.pattern?.test(value) === true;
    if (toggle !== undefined && isArgument) displaced.push(value);
    if (typeof value === 'string' && !(toggle !== undefined && isArgument)) options[name] = value;
    else if (toggle !== undefined) options[name] = value === false ? toggle.off : toggle.on;
    else if (value === true) options[name] = true;
  }
  const [argument, ...tooMany] = first === undefined ? displaced : [first, ...displaced];
  const problems = [...strays, ...tooMany].map((word) => problemOf(word, command));
  const second = command.second === undefined ? undefined : parser.args[1];
  const before = command.second === undefined ? 1 : 2;
  const words = command.rest === undefined ? {} : { rest: parser.args.slice(before) };
  return { argument, second, ...words, options, problems };
}

/**
 * The words that are no known option: the argument first, undefined where there is none, then what is
 * unknown. The word after an unknown option is its value, which may be a secret.
 */
function strayWords(words: readonly string[]): [string | undefined, ...string[]] {
  const plain: string[] = [];
  const unknown: string[] = [];
  let value = false;
  for (const word of words) {
    const option = /^-./s.test(word);
    if (option) unknown.push(word.replace(/=.*$/s, ''));
    else if (!value) plain.push(word);
    value = option && !word.includes('=');
  }
  return [plain[0], ...unknown, ...plain.slice(1)];
}

/** What is wrong with a word that a command does not have, by what that command has. */
function problemOf(word: string, { name: command, argument, options }: Command): Problem {
  const names = options.flatMap(({ name, toggle }) => [
    name,
    ...(toggle === undefined ? [] : [`no-${name}`]),
  ]);
  const name = word.replace(/^-+/, '');
  if (!word.startsWith('-')) {
    const meant = names.includes(name) ? ` Did you mean '--${name}'?` : '';
    return { input: word, message: `one word too many: ${command} takes one ${argument?.name}.${meant}` };
  }
  if (isInputName(name) && isSecret(name) && names.includes(`${name}-file`)) {
    const message = `no such option: every user of the machine can read arguments. Use --${name}-file <file>.`;
    return { input: word, message };
  }
  if (isInputName(name) && !names.includes(name)) {
    return { input: word, message: 'no such option: it is an input of the action only.' };
  }
  const near = nearest(name, names);
  const all = options.map((option) => `--${option.name}`).join(', ');
  const meant = near === undefined ? `The options of ${command} are: ${all}.` : `Did you mean '--${near}'?`;
  return { input: word, message: `no such option. ${meant}` };
}
