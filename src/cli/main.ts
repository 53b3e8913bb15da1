import { proxySecrets } from '../base/environment.js';
import { describeError, exitCodeOf, exitCodes, FactoryError, InputError } from '../base/errors.js';
import { systemFault } from '../base/folders.js';
import { visible, visibleJson } from '../base/text.js';
import { consoleLogger, Printer, type Streams } from '../local/console.js';
import type { Machine } from '../local/machine.js';
import { coloursOf, isLive, showsUnicode, wantsColour } from '../local/style.js';
import {
  type Answer,
  type Context,
  type Given,
  type Invocation,
  isGiven,
  processInvocation,
} from './command.js';
import { commands } from './commands/index.js';
import { parseArguments } from './parse.js';
import { refuseSecretVariables } from './secrets.js';

const thisMachine = async (): Promise<Machine> => (await import('../local/machine.js')).localMachine;

/**
 * Runs the command line.
 * @param root folder of the project's files
 * @param invocation arguments, environment and folder, where they are not the process's own
 * @returns the exit code
 */
export async function runCli(
  root: string,
  version: string,
  streams: Streams,
  invocation: Invocation = processInvocation(),
  machine: () => Promise<Machine> = thisMachine,
): Promise<number> {
  const printer = new Printer(streams);
  const { env, argv } = invocation;
  const colours = { out: wantsColour(env, streams.out), log: wantsColour(env, streams.err) };
  const call = parseArguments(argv, commands, version, { columns: streams.out.columns, colour: colours.out });
  const given = call.command === undefined ? undefined : call.given;
  const has = (option: string) => given !== undefined && isGiven(given, option);
  const logger = consoleLogger(printer, true, { colour: colours.log });
  for (const secret of proxySecrets(env)) logger.mask(secret);
  try {
    if (call.command === undefined) {
      if (call.exitCode === 0) await printer.print(call.text);
      else if (argv.includes('--json')) await printer.print(`${visibleJson(misread(call.text))}\n`);
      else printer.log(visible(call.text, '\n\t'));
      return call.exitCode;
    }
    refuseSecretVariables(env);
    const context: Context = {
      ...{ root, version, invocation, logger, printer, machine, commands },
      screen: {
        live: isLive(env, streams.err),
        unicode: showsUnicode(env),
        // Asked each time, since a window may be made wider.
        columns: () => streams.err.columns ?? 80,
      },
      colours: { log: coloursOf(colours.log), out: coloursOf(colours.out && !has('json')) },
    };
    const answer = await call.command.run(call.given, context);
    await printer.print(textOf(answer, call.given, colours.out));
    return answer.exitCode ?? exitCodes.ok;
  } catch (thrown) {
    const error = systemFault(thrown);
    logger.error(describeError(error));
    // What can't be printed is told in the log.
    if (has('json')) await printer.print(`${visibleJson(failure(error))}\n`).catch(() => {});
    return exitCodeOf(error);
  }
}

function textOf({ lines, data }: Answer, given: Given, colour: boolean): string {
  if (isGiven(given, 'json')) return `${visibleJson(data)}\n`;
  return lines.length === 0 ? '' : `${shown(lines.join('\n'), colour)}\n`;
}

// The colours of an answer are all that a terminal is to obey.
// biome-ignore lint/suspicious/noControlCharactersInRegex: it begins each colour
const colourCode = /(\x1b\[(?:1|2|22|3[1-6]|39)m)/;

const shown = (text: string, colour: boolean): string =>
  text
    .split(colourCode)
    .map((part, index) => (colour && index % 2 === 1 ? part : visible(part, '\n\t')))
    .join('');

/** What `--json` says of an error: its class, what went wrong and what to do. */
const failure = (error: unknown) => ({
  error: {
    name: error instanceof FactoryError ? error.name : 'Error',
    message: error instanceof Error ? error.message : String(error),
    ...(error instanceof FactoryError ? { hint: error.hint } : {}),
    ...(error instanceof InputError ? { problems: error.problems } : {}),
    exitCode: exitCodeOf(error),
  },
});

const misread = (text: string) => ({
  error: { name: 'InputError', message: text.trim(), exitCode: exitCodes.arguments },
});
