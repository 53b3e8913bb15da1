import type { Logger, ProgressEvent } from '../base/ports.js';
import { wrapped } from '../base/text.js';
import { type Printer, Veil } from './console.js';
import { BuildProgress, type EarlierBuild, formatTime } from './progress.js';
import type { Colours } from './style.js';

/** The lines that are written over, of a terminal; log-update in life. */
export interface LiveBlock {
  readonly update: (text: string) => void;
  /** Takes the block away. */
  readonly clear: () => void;
}

export interface LiveOptions {
  readonly printer: Printer;
  readonly block: LiveBlock;
  readonly colours: Colours;
  readonly unicode: boolean;
  /** Characters in a line of the terminal, now. */
  readonly columns: () => number;
  /** Times of an earlier build of a release. */
  readonly earlier: (release: string) => Promise<EarlierBuild | undefined>;
  /** Milliseconds; `Date.now` in life. */
  readonly now?: () => number;
}

/** Lines that a stage said, kept for when it fails. */
const mostLines = 60;
/** Milliseconds between two pictures. */
const interval = 125;
/** Seconds of a stage that is worth a line. */
const worthALine = 0.1;

const signs = {
  unicode: { done: '✓', failed: '✗', full: '━', empty: '─', turns: [...'⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'] },
  ascii: { done: '+', failed: 'x', full: '#', empty: '-', turns: [...'|/-\\'] },
};

/**
 * What a terminal shows of a build: a line for each stage that is done, and below them what is done right now, with
 * a bar. Lines of the log are seen while they are the newest, or when their stage fails.
 */
export class LiveView implements Logger {
  private readonly veil = new Veil();
  private readonly signs: (typeof signs)['unicode'];
  private readonly progressOf: BuildProgress;
  private readonly now: () => number;
  private timer: NodeJS.Timeout | undefined;
  private groups: { readonly name: string; readonly lines: string[] }[] = [];
  private turn = 0;
  private word: string | undefined;

  constructor(private readonly options: LiveOptions) {
    this.signs = options.unicode ? signs.unicode : signs.ascii;
    this.now = options.now ?? Date.now;
    this.progressOf = new BuildProgress(this.now());
  }

  debug(): void {}

  info(message: string): void {
    const group = this.groups.at(-1);
    if (group === undefined) {
      this.print(this.veil.over(message));
      return;
    }
    group.lines.push(...this.veil.over(message).split('\n'));
    group.lines.splice(0, group.lines.length - mostLines);
  }

  notice(message: string): void {
    this.print(this.fitted(this.veil.over(message)));
  }

  warning(message: string): void {
    const text = this.fitted(`warning: ${this.veil.over(message)}`);
    this.print(`${this.options.colours.yellow('warning:')}${text.slice('warning:'.length)}`);
  }

  error(message: string, title?: string): void {
    const text = this.veil.over(title === undefined ? message : `${title}: ${message}`);
    this.print(`${this.options.colours.red('error:')} ${text}`);
  }

  mask(secret: string): void {
    this.veil.mask(secret);
  }

  async group<T>(name: string, body: () => Promise<T>): Promise<T> {
    const { colours } = this.options;
    const group = { name, lines: [] as string[] };
    const start = this.now();
    this.groups.push(group);
    this.draw();
    const leave = () => {
      this.groups = this.groups.filter((other) => other !== group);
    };
    try {
      const result = await body();
      leave();
      const seconds = (this.now() - start) / 1000;
      if (seconds >= worthALine) {
        const time = colours.dim(seconds < 10 ? `${seconds.toFixed(1)} s` : formatTime(seconds));
        this.print(`${colours.green(this.signs.done)} ${name} ${time}`);
      }
      return result;
    } catch (error) {
      leave();
      // Whoever cancels it knows why it ends.
      if (this.word === undefined)
        this.print(
          [`${colours.red(this.signs.failed)} ${name}`, ...group.lines.map((line) => `  ${line}`)].join('\n'),
        );
      throw error;
    }
  }

  /** Takes what a build tells of how far it is. */
  readonly progress = (event: ProgressEvent): void => {
    this.progressOf.take(event, this.now());
    if (event.what !== 'target') return;
    this.print(this.options.colours.bold(this.veil.over(event.identifier)));
    void this.options.earlier(event.release).then((earlier) => {
      if (earlier !== undefined) this.progressOf.know(earlier);
    });
  };

  /** Shows a word in place of what is done, from now on: that the build is being cancelled. */
  say(word: string): void {
    this.word = word;
    this.draw();
  }

  start(): void {
    this.timer ??= setInterval(() => {
      this.turn += 1;
      this.draw();
    }, interval).unref();
  }

  /** Takes away what is written over; lines of the log stay. */
  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.options.block.clear();
  }

  /** Text in lines that the terminal does not break within a word. */
  private fitted(text: string): string {
    const lines = text.split('\n').flatMap((line) => wrapped(line, this.options.columns()));
    return lines.join('\n');
  }

  private print(text: string): void {
    this.options.block.clear();
    this.options.printer.log(`${text}\n`);
    this.draw();
  }

  private draw(): void {
    if (this.timer !== undefined) this.options.block.update(this.picture());
  }

  /** Two lines: what is done right now, and how far the whole of it is. */
  private picture(): string {
    const { colours, columns } = this.options;
    const width = Math.max(1, columns() - 1);
    const { turns } = this.signs;
    const { fraction, elapsed, left, detail } = this.progressOf.at(this.now());
    const group = this.groups.at(-1);
    const said = detail || (group?.lines.at(-1) ?? '');
    const title = this.word ?? group?.name ?? 'Building';
    const room = Math.max(0, width - title.length - 4);
    const tail = this.word !== undefined || said === '' || room < 8 ? '' : `  ${cut(said, room)}`;
    const first = `${colours.cyan(turns[this.turn % turns.length] ?? '')} ${cut(title, width - 2)}${colours.dim(tail)}`;
    const about = left === undefined ? '' : `, about ${formatTime(left)} left`;
    const figures = `${String(Math.floor(fraction * 100)).padStart(3)} %  ${formatTime(elapsed)}${about}`;
    if (this.word !== undefined) return first;
    const length = Math.max(0, Math.min(40, width - figures.length - 4));
    const full = Math.round(length * fraction);
    const bar =
      colours.cyan(this.signs.full.repeat(full)) + colours.dim(this.signs.empty.repeat(length - full));
    return `${first}\n  ${bar}  ${cut(figures, width - 4)}`;
  }
}

const cut = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, Math.max(0, length - 3))}...`;
