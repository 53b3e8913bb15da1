import type { Logger, ProcessRunner } from '../base/ports.js';
import { quotedWord } from '../base/text.js';

/** Echoes each command that is run, for `--verbose`; arguments carry no secret, and the logger hides what it knows. */
export const echoed = (process: ProcessRunner, logger: Logger): ProcessRunner => ({
  run: (command, options) => {
    logger.debug(`$ ${command.map(quotedWord).join(' ')}`);
    return process.run(command, options);
  },
});
