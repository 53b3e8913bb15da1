import type { Env } from '../base/environment.js';
import type { Problem } from '../base/errors.js';
import type { Logger } from '../base/ports.js';
import type { Printer } from '../local/console.js';
import type { Machine } from '../local/machine.js';
import type { Colours } from '../local/style.js';

/** What a command is: its definition and its body. Help, parsing and completion come from the definition. */
export interface Command {
  readonly name: string;
  readonly description: string;
  /** Arguments of calls that the help shows, without the program's name. */
  readonly examples: readonly string[];
  readonly argument?: ArgumentSpec;
  /** Behind it. */
  readonly second?: ArgumentSpec;
  /** Any number of words behind these; options of a program to run stand behind `--`. */
  readonly rest?: ArgumentSpec;
  readonly options: readonly OptionSpec[];
  /** Report words that nothing is known of as problems of the call, not at once. */
  readonly lenient?: true;
  /** Its body. What it needs is loaded when it runs, so that other commands start without it. */
  readonly run: (given: Given, context: Context) => Promise<Answer>;
}

/** What a command says on standard output. */
export interface Answer {
  readonly lines: readonly string[];
  /** The same for `--json`. */
  readonly data: unknown;
  /** 0 where it is left out; for a command that answers, and that what it found is no good. */
  readonly exitCode?: number;
}

/** What a shell completes of; `words` are offered where they are known beforehand. */
export interface Completable {
  readonly words?: readonly string[];
  readonly completes?: 'file' | 'folder' | 'toolchain' | 'release';
}

export interface ArgumentSpec extends Completable {
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
  /** A word that looks like this is never the value of an option that can stand alone. */
  readonly pattern?: RegExp;
}

export interface OptionSpec extends Completable {
  /** Without the dashes. */
  readonly name: string;
  readonly description: string;
  /** Name of its value in the help; an option without one is a flag. */
  readonly value?: string;
  /** What it means without its value, and with `no-` before its name. */
  readonly toggle?: { readonly on: string; readonly off: string };
  /** Heading in the help; options without one come last. */
  readonly group?: string;
  /** Only the `words` are taken. */
  readonly strict?: true;
}

/** The words of a call. */
export interface Given {
  readonly argument: string | undefined;
  readonly second?: string | undefined;
  /** The words of `rest`. */
  readonly rest?: readonly string[];
  /** Values by the options' names; flags are true, options that were left out are missing. */
  readonly options: Readonly<Record<string, string | true>>;
  /** Unknown options and words too many, of a lenient command. */
  readonly problems: readonly Problem[];
}

/** What surrounds a call. */
export interface Context {
  /** Folder of the project's files. */
  readonly root: string;
  /** Version of this project. */
  readonly version: string;
  readonly invocation: Invocation;
  /** The log at every level; `openLog` makes one of the level that a call asks for. */
  readonly logger: Logger;
  readonly printer: Printer;
  /** The log's terminal: whether lines on it are written over, and what fits into one. */
  readonly screen: { readonly live: boolean; readonly unicode: boolean; readonly columns: () => number };
  /** Colours of the log, and of the answer. */
  readonly colours: { readonly log: Colours; readonly out: Colours };
  /** This machine; loaded when it is asked for. */
  readonly machine: () => Promise<Machine>;
  readonly commands: readonly Command[];
}

/** Arguments, environment and folder of the process. */
export interface Invocation {
  readonly argv: readonly string[];
  readonly env: Env;
  readonly cwd: string;
}

/** The process's own invocation, read here and nowhere else. */
export const processInvocation = (): Invocation => ({
  argv: process.argv.slice(2),
  env: { ...process.env },
  cwd: process.cwd(),
});

/** Value of an option; undefined where it was left out. */
export function textOf({ options }: Given, name: string): string | undefined {
  const value = Object.hasOwn(options, name) ? options[name] : undefined;
  return typeof value === 'string' ? value : undefined;
}

/** Whether a flag was given. */
export const isGiven = ({ options }: Given, name: string): boolean => Object.hasOwn(options, name);
