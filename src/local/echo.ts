import type { Logger, ProcessRunner } from '../base/ports.js';

/** Echoes each command that is run, for `--verbose`; arguments carry no secret, and the logger hides what it knows. */
export const echoed = (process: ProcessRunner, logger: Logger): ProcessRunner => ({
  run: (command, options) => {
    logger.debug(`$ ${command.map(quoted).join(' ')}`);
    return process.run(command, options);
  },
});

/** A word as a shell would be given it. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
