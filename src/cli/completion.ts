import type { ArgumentSpec, Command, Completable, OptionSpec } from './command.js';

/** Completion scripts, made from the definitions of the commands. */

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];
export const isShell = (word: string): word is Shell => shells.some((shell) => shell === word);

/** Words that only the project's files know. */
export interface Lists {
  readonly toolchain: readonly string[];
  readonly release: readonly string[];
}

/** What is offered in a place: words, or what is on the disk. */
type Offer = { readonly words: readonly string[] } | { readonly paths: 'file' | 'folder' };

const program = 'slurm-factory';
/** What the parser has beside the commands. */
const helpText = 'Show help for a command';
const topOptions = ['--help', '--version'] as const;
const namesOf = (commands: readonly Command[]): string[] => commands.map(({ name }) => name);

/** The script that makes a shell complete the program's words; no line break at its end. */
export function completionScript(shell: Shell, commands: readonly Command[], lists: Lists): string {
  const scripts = { bash, zsh, fish };
  return scripts[shell](commands, lists).join('\n');
}

function offerOf({ words, completes }: Completable, lists: Lists): Offer {
  if (completes === 'toolchain' || completes === 'release') return { words: lists[completes] };
  if (completes !== undefined) return { paths: completes };
  return { words: words ?? [] };
}

const argumentOffer = (argument: ArgumentSpec | undefined, lists: Lists): Offer =>
  argument === undefined ? { words: [] } : offerOf(argument, lists);

/** Long options of a command, those that switch something off among them. */
const longOptions = ({ options }: Command): string[] => [
  ...options.map(({ name }) => `--${name}`),
  ...options.filter(({ toggle }) => toggle !== undefined).map(({ name }) => `--no-${name}`),
  '--help',
];

// A description's first sentence is enough for one line of a list.
const short = (description: string): string => description.replace(/(?:[:;(]|\.(?: |$)).*$/s, '').trim();
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function bash(commands: readonly Command[], lists: Lists): string[] {
  const reply = (offer: Offer): string => {
    if ('words' in offer) return `COMPREPLY=($(compgen -W ${quoted(offer.words.join(' '))} -- "$word"))`;
    const option = offer.paths === 'file' ? '-f' : '-d';
    return `compopt -o filenames; mapfile -t COMPREPLY < <(compgen ${option} -- "$word")`;
  };
  const values = commands.flatMap((command) =>
    command.options
      .filter((option) => option.value !== undefined)
      .map(
        (option) => `    ${quoted(`${command.name} --${option.name}`)}) ${reply(offerOf(option, lists))} ;;`,
      ),
  );
  const words = commands.map(
    (command) =>
      `    ${command.name}:-*) ${reply({ words: longOptions(command) })} ;;\n` +
      `    ${command.name}:*) ${reply(argumentOffer(command.argument, lists))} ;;`,
  );
  return [
    `# bash completion for ${program}`,
    '_slurm_factory() {',
    '  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}',
    '  # --option=value comes as three words.',
    '  if [ "$word" = = ]; then word=; elif [ "$before" = = ]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi',
    '  COMPREPLY=()',
    '  if [ "$COMP_CWORD" -eq 1 ]; then',
    `    ${reply({ words: [...namesOf(commands), 'help', ...topOptions] })}`,
    '    return',
    '  fi',
    '  case "$command $before" in',
    ...values,
    '  esac',
    '  [ "${#COMPREPLY[@]}" -gt 0 ] && return',
    '  case "$command:$word" in',
    ...words,
    `    help:*) ${reply({ words: namesOf(commands) })} ;;`,
    '  esac',
    '}',
    `complete -F _slurm_factory ${program}`,
  ];
}

function zsh(commands: readonly Command[], lists: Lists): string[] {
  const escaped = (text: string) => text.replace(/[[\]:\\]/g, '\\$&');
  const action = (offer: Offer): string => {
    if ('paths' in offer) return offer.paths === 'file' ? '_files' : '_files -/';
    return offer.words.length === 0 ? ' ' : `(${offer.words.join(' ')})`;
  };
  const option = (spec: OptionSpec): string[] => {
    const description = `[${escaped(short(spec.description))}]`;
    if (spec.value === undefined) return [quoted(`--${spec.name}${description}`)];
    const colons = spec.toggle === undefined ? ':' : '::';
    const value = quoted(
      `--${spec.name}=${description}${colons}${spec.value}:${action(offerOf(spec, lists))}`,
    );
    return spec.toggle === undefined ? [value] : [value, quoted(`--no-${spec.name}`)];
  };
  const body = (command: Command): string[] => {
    const { argument, second, options } = command;
    const words = [argument, second].flatMap((spec, index) =>
      spec === undefined
        ? []
        : [quoted(`${index + 1}:${escaped(spec.name)}:${action(argumentOffer(spec, lists))}`)],
    );
    const lines = [...words, ...options.flatMap(option), quoted('--help[show help]')];
    return [`    ${command.name})`, `      _arguments ${lines.join(' \\\n        ')}`, '      ;;'];
  };
  return [
    `#compdef ${program}`,
    '_slurm_factory() {',
    '  local -a commands',
    '  commands=(',
    ...commands.map(({ name, description }) => `    ${quoted(`${name}:${escaped(short(description))}`)}`),
    `    ${quoted(`help:${helpText}`)}`,
    '  )',
    '  if (( CURRENT == 2 )); then',
    `    if [[ $words[2] == -* ]]; then compadd -- ${topOptions.join(' ')}; else _describe command commands; fi`,
    '    return',
    '  fi',
    '  local command=$words[2]',
    '  shift words; (( CURRENT-- ))',
    '  case $command in',
    ...commands.flatMap(body),
    ...['    help)', `      _arguments ${quoted(`1:command:(${namesOf(commands).join(' ')})`)}`, '      ;;'],
    '  esac',
    '}',
    'if [ "$funcstack[1]" = _slurm_factory ]; then',
    '  _slurm_factory "$@"',
    'else',
    `  compdef _slurm_factory ${program}`,
    'fi',
  ];
}

function fish(commands: readonly Command[], lists: Lists): string[] {
  const start = `complete -c ${program}`;
  // Only between single quotes fish takes all but \ and ' as it is.
  const text = (words: string) => `'${words.replace(/[\\']/g, '\\$&')}'`;
  const value = (offer: Offer, optional: boolean): string => {
    if ('words' in offer) return `${optional ? '-f' : '-x'} -a ${text(offer.words.join(' '))}`;
    return offer.paths === 'file' ? '-r -F' : "-x -a '(__fish_complete_directories)'";
  };
  const lines = (command: Command): string[] => {
    const when = `${start} -n ${text(`__fish_seen_subcommand_from ${command.name}`)}`;
    const offer = argumentOffer(command.argument, lists);
    const argument = 'paths' in offer ? '-F' : `-a ${text(offer.words.join(' '))}`;
    return [
      ...(command.argument === undefined ? [] : [`${when} ${argument}`]),
      `${when} -l help -d 'show help'`,
      ...command.options.flatMap((option) => {
        const described = `-l ${option.name} -d ${text(short(option.description))}`;
        const off = option.toggle === undefined ? [] : [`${when} -l no-${option.name}`];
        const more =
          option.value === undefined ? '' : ` ${value(offerOf(option, lists), option.toggle !== undefined)}`;
        return [`${when} ${described}${more}`, ...off];
      }),
    ];
  };
  return [
    `# fish completion for ${program}`,
    `${start} -f`,
    ...commands.map(
      ({ name, description }) =>
        `${start} -n __fish_use_subcommand -a ${name} -d ${text(short(description))}`,
    ),
    `${start} -n __fish_use_subcommand -a help -d ${text(helpText)}`,
    ...topOptions.map((option) => `${start} -n __fish_use_subcommand -l ${option.slice(2)}`),
    `${start} -n '__fish_seen_subcommand_from help' -a ${text(namesOf(commands).join(' '))}`,
    ...commands.flatMap(lines),
  ];
}
