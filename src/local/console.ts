import { OutputError } from '../base/errors.js';
import type { Logger } from '../base/ports.js';
import { visible } from '../base/text.js';
import { coloursOf, type Screen } from './style.js';

/** Where text goes; `process.stdout` and `process.stderr` in life. */
export interface Streams {
  readonly out: Sink;
  readonly err: Sink;
}

/** What text is written to, as a stream of Node's is. */
export interface Sink extends Screen {
  /** Told by `done` once the text got out, or which error kept it in. */
  write(text: string, done?: (error?: Error | null) => void): unknown;
  /** A sink without it takes each text at once. */
  on?(event: 'error', listener: (error: Error) => void): unknown;
}

/**
 * Streams that may be closed or full: an error of theirs is no event that ends the process. Log lines that
 * nobody reads are dropped, so that a build goes on to its end; results that can't be printed are an error.
 */
export class Printer {
  private logs = true;

  constructor(private readonly streams: Streams) {
    // Without a listener Node ends the process with a stack trace.
    streams.out.on?.('error', () => {});
    streams.err.on?.('error', () => {
      this.logs = false;
    });
  }

  log(text: string): void {
    if (this.logs) this.streams.err.write(text);
  }

  /** @throws OutputError when the text did not get out */
  print(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (error?: Error | null) => (error ? reject(unprintable(error)) : resolve());
      // A sink that tells nothing of a write, as those of tests, takes it at once.
      if (this.streams.out.on === undefined) {
        this.streams.out.write(text);
        resolve();
      } else this.streams.out.write(text, done);
    });
  }
}

function unprintable(error: NodeJS.ErrnoException): OutputError {
  const closed = error.code === 'EPIPE';
  return new OutputError(
    closed
      ? 'Standard output was closed before all was printed.'
      : `Standard output takes no more text: ${error.message}`,
    'What was asked for is done, but for what should have been printed. Run it again to see that.',
    { cause: error },
  );
}

/** Hides secrets in text, then shows what a terminal would obey. */
export class Veil {
  private readonly secrets: string[] = [];

  mask(secret: string): void {
    if (secret !== '') this.secrets.push(secret);
  }

  over(text: string): string {
    const safe = this.secrets.reduce((line, secret) => line.replaceAll(secret, '***'), text);
    return visible(safe, '\n\t');
  }
}

const plain = (text: string): string => text;

/** Writes log lines to standard error, so that standard output stays for results. */
export function consoleLogger(
  streams: Streams | Printer,
  verbose: boolean,
  { colour = false }: { readonly colour?: boolean } = {},
): Logger {
  const printer = streams instanceof Printer ? streams : new Printer(streams);
  const veil = new Veil();
  const { bold, dim, red, yellow } = coloursOf(colour);
  const write = (text: string, look = plain, label = '') => printer.log(`${label}${look(veil.over(text))}\n`);
  return {
    debug: (message) => {
      if (verbose) write(message, dim);
    },
    info: (message) => write(message),
    notice: (message) => write(message),
    warning: (message) => write(message, plain, `${yellow('warning:')} `),
    error: (message, title) =>
      write(title === undefined ? message : `${title}: ${message}`, plain, `${red('error:')} `),
    group: async (name, body) => {
      const start = Date.now();
      write(`== ${name}`, bold);
      const result = await body();
      write(`   ${name}: ${((Date.now() - start) / 1000).toFixed(1)} s`, dim);
      return result;
    },
    mask: (secret) => veil.mask(secret),
  };
}
