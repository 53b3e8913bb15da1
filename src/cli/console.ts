import type { Logger } from '../base/ports.js';

/** Where text goes; process.stdout and process.stderr in life. */
export interface Streams {
  readonly out: { write(text: string): unknown };
  readonly err: { write(text: string): unknown };
}

/** Writes log lines to standard error, so that standard output stays for results. */
export function consoleLogger(streams: Streams, verbose: boolean): Logger {
  const secrets: string[] = [];
  const write = (text: string) => {
    const safe = secrets.reduce((line, secret) => line.replaceAll(secret, '***'), text);
    streams.err.write(`${safe}\n`);
  };
  return {
    debug: (message) => {
      if (verbose) write(message);
    },
    info: write,
    notice: write,
    warning: (message) => write(`warning: ${message}`),
    error: (message, title) => write(`error: ${title === undefined ? '' : `${title}: `}${message}`),
    group: async (name, body) => {
      const start = Date.now();
      write(`== ${name}`);
      const result = await body();
      write(`   ${name}: ${((Date.now() - start) / 1000).toFixed(1)} s`);
      return result;
    },
    mask: (secret) => {
      if (secret !== '') secrets.push(secret);
    },
  };
}
