import { closeSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolder } from '../base/folders.js';
import type { Logger } from '../base/ports.js';
import { visible } from '../base/text.js';
import { type LogLevel, logLevels } from '../config/settings.js';

/** A logger that hands on what is at least of a level; a notice is of the level info. */
export function atLevel(logger: Logger, level: LogLevel): Logger {
  const says = (wanted: LogLevel) => logLevels.indexOf(wanted) >= logLevels.indexOf(level);
  const quiet = () => {};
  return {
    ...logger,
    debug: says('debug') ? (message) => logger.debug(message) : quiet,
    info: says('info') ? (message) => logger.info(message) : quiet,
    notice: says('info') ? (message) => logger.notice(message) : quiet,
    warning: says('warning') ? (message) => logger.warning(message) : quiet,
    error: (message, title) => logger.error(message, title),
    group: (name, body) => (says('info') ? logger.group(name, body) : body()),
    mask: (secret) => logger.mask(secret),
  };
}

/**
 * A logger that also adds every line to a file, with the time (UTC) and its level. Each line is written before the
 * next one is taken, so that none waits in memory. A file that takes no more is told of once, as a warning.
 * @param file absolute path; its folder is made
 * @param level what of it the file gets; the logger gets all
 * @throws InputError, FolderError where the folder can't be made; what `open` throws
 */
export async function alsoTo(
  file: string,
  logger: Logger,
  level: LogLevel = 'debug',
): Promise<{ readonly logger: Logger; readonly close: () => void }> {
  await makeFolder(dirname(file), { input: 'log-file' });
  const fd = openSync(file, 'a', 0o600);
  const secrets: string[] = [];
  let open = true;
  const close = () => {
    if (open) closeSync(fd);
    open = false;
  };
  const least = logLevels.indexOf(level);
  const write = (kind: LogLevel | 'notice', text: string) => {
    if (!open || logLevels.indexOf(kind === 'notice' ? 'info' : kind) < least) return;
    const safe = secrets.reduce((line, secret) => line.replaceAll(secret, '***'), text);
    try {
      writeSync(fd, `${new Date().toISOString()} ${kind} ${visible(safe, '\t')}\n`);
    } catch (error) {
      close();
      logger.warning(`${file} takes no more lines: ${(error as Error).message}`);
    }
  };
  const both =
    (kind: 'debug' | 'info' | 'notice' | 'warning') =>
    (message: string): void => {
      write(kind, message);
      logger[kind](message);
    };
  const made: Logger = {
    ...{ debug: both('debug'), info: both('info'), notice: both('notice'), warning: both('warning') },
    error: (message, title) => {
      write('error', title === undefined ? message : `${title}: ${message}`);
      logger.error(message, title);
    },
    group: (name, body) => {
      write('info', `== ${name}`);
      return logger.group(name, body);
    },
    mask: (secret) => {
      if (secret !== '') secrets.push(secret);
      logger.mask(secret);
    },
  };
  return { logger: made, close };
}
