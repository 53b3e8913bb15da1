import { proxySecrets } from '../base/environment.js';
import { describeError, type ExitCode, exitCodeOf, exitCodes } from '../base/errors.js';
import { systemFault } from '../base/folders.js';
import { visible } from '../base/text.js';
import { consoleLogger, Printer, type Streams } from '../local/console.js';
import { localMachine, type Machine } from '../local/machine.js';
import { type Invocation, isGiven, processInvocation } from './command.js';
import { commands } from './commands/index.js';
import { parseArguments } from './parse.js';
import { refuseSecretVariables } from './secrets.js';

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
  machine: Machine = localMachine,
): Promise<ExitCode> {
  const printer = new Printer(streams);
  const call = parseArguments(invocation.argv, commands, version);
  const logger = consoleLogger(printer, call.command !== undefined && isGiven(call.given, 'verbose'));
  for (const secret of proxySecrets(invocation.env)) logger.mask(secret);
  try {
    if (call.command === undefined) {
      await (call.exitCode === 0 ? printer.print(call.text) : printer.log(visible(call.text, '\n\t')));
      return call.exitCode;
    }
    refuseSecretVariables(invocation.env);
    const lines = await call.command.run(call.given, { root, invocation, logger, machine, commands });
    await printer.print(`${lines.map((line) => visible(line, '\n\t')).join('\n')}\n`);
    return exitCodes.ok;
  } catch (thrown) {
    const error = systemFault(thrown);
    logger.error(describeError(error));
    return exitCodeOf(error);
  }
}
