import type { ProgressEvent } from '../base/ports.js';

/** How long the stages of a build took, in seconds by their ids, and how many files were compiled. */
export interface EarlierBuild {
  readonly stages: Readonly<Record<string, number>>;
  readonly files: number;
}

/** Seconds of an installation that compiles Slurm, and of one that compiles nothing. */
const typicalInstall = 180;
const cachedInstall = 5;

/**
 * What a build of Slurm takes where none was made on this machine yet: seconds on two cores, and source files of
 * 25.11 (docs/performance.md). Only the bar goes by it; no time is told of it before this machine's pace is known.
 */
export const typicalBuild: EarlierBuild = {
  stages: {
    ...{ tools: 10, session: 1, lock: 25, install: typicalInstall, tree: 1, graft: 3, pack: 1 },
    ...{ audit: 1, describe: 1, smoke: 7 },
  },
  files: 640,
};

/** What another package is of Slurm's compile, where nothing is known of it; those that every build has are nothing. */
const packageShare = 0.1;
const packagesOfAll = 2;

/** Parts of an installation that compiles: where each phase of Slurm begins, and where the build ends. */
const phases: Readonly<Record<string, readonly [from: number, to: number]>> = {
  autoreconf: [0.02, 0.03],
  configure: [0.03, 0.14],
  build: [0.14, 0.86],
  install: [0.86, 0.99],
};

/** What can be said of a build that runs. */
export interface ProgressState {
  /** 0 to 1; it never goes back, and is 1 when the last stage has ended only. */
  readonly fraction: number;
  /** seconds */
  readonly elapsed: number;
  /** seconds, an estimate; undefined while nothing is known of this machine */
  readonly left: number | undefined;
  /** What is done right now, `slurm 24-11-6-1: build, 412 of about 640 files`. */
  readonly detail: string;
}

/** Follows a build by its events. The time is handed in, in milliseconds. */
export class BuildProgress {
  private readonly expected: Map<string, number>;
  private readonly ended = new Set<string>();
  private readonly start: number;
  private stage: { readonly id: string; readonly since: number } | undefined;
  private package: { readonly name: string; readonly version: string; readonly phase: string } | undefined;
  private compiled = 0;
  /** Files of another package that is compiled right now. */
  private otherFiles = { name: '', files: 0 };
  private compiles = false;
  /** Packages beside Slurm that are compiled, and which of them are done. */
  private others = 0;
  private readonly done = new Set<string>();
  private rootDone = false;
  private root = 0;
  private shown = 0;
  private within = 0;

  private earlier: EarlierBuild | undefined;

  constructor(now: number) {
    this.start = now;
    this.expected = new Map(Object.entries(typicalBuild.stages));
  }

  /** Goes by the last build of the same kind on this machine from now on. */
  know(earlier: EarlierBuild): void {
    this.earlier = earlier;
    for (const id of this.expected.keys()) this.expected.delete(id);
    for (const [id, seconds] of Object.entries(earlier.stages)) {
      if (!this.ended.has(id)) this.expected.set(id, seconds);
    }
  }

  take(event: ProgressEvent, now: number): void {
    if (event.what === 'stage') {
      this.stage = { id: event.stage, since: now };
      this.package = undefined;
      this.within = 0;
    } else if (event.what === 'stage-end') {
      // What took another time than was thought is no part of what is left.
      this.expected.delete(event.stage);
      this.ended.add(event.stage);
      this.stage = undefined;
    } else if (event.what === 'packages') {
      const { total, cached, compilesRoot } = event;
      this.compiles = compilesRoot;
      this.others = Math.max(0, total - cached - packagesOfAll - (compilesRoot ? 1 : 0));
      this.expectInstall(compilesRoot);
    } else if (event.what === 'package') this.takePackage(event);
    else if (event.what === 'compiled') this.takeCompiled(event);
  }

  private takeCompiled({ name, files }: { readonly name: string; readonly files: number }): void {
    if (name === 'slurm') this.compiled = Math.max(this.compiled, files);
    else this.otherFiles = { name, files };
  }

  private takePackage(event: NonNullable<BuildProgress['package']>): void {
    this.package = event;
    if (event.phase !== 'installed') return;
    if (event.name === 'slurm') this.rootDone = true;
    else this.done.add(event.name);
  }

  // An earlier build of the same kind had the same packages.
  private expectInstall(compilesRoot: boolean): void {
    const more = this.others * packageShare;
    const own = this.expected.get('install') ?? 0;
    if (!compilesRoot) this.expected.set('install', cachedInstall + typicalInstall * more);
    else if (this.earlier === undefined) this.expected.set('install', own * (1 + more));
  }

  at(now: number): ProgressState {
    const elapsed = (now - this.start) / 1000;
    const spent = this.stage === undefined ? 0 : (now - this.stage.since) / 1000;
    const own = this.stage === undefined ? 0 : (this.expected.get(this.stage.id) ?? 0);
    this.within = Math.max(this.within, this.fractionOf(spent, own));
    // What is known of the compile says how fast this machine is today.
    const measured = this.stage?.id === 'install' && this.compiles && this.within > 0.25 && own > 0;
    const pace = measured ? spent / (this.within * own) : 1;
    const later = [...this.expected].reduce(
      (sum, [id, seconds]) => sum + (id === this.stage?.id ? 0 : seconds),
      0,
    );
    const left = own * (1 - this.within) * pace + later * Math.min(Math.max(pace, 0.3), 3);
    const fraction = elapsed + left === 0 ? 0 : elapsed / (elapsed + left);
    this.shown = Math.max(this.shown, Math.min(fraction, 0.99));
    const isKnown = this.earlier !== undefined || measured;
    return { fraction: this.shown, elapsed, left: isKnown ? left : undefined, detail: this.detail() };
  }

  /** How much of its stage is done; a stage that takes longer than it should comes ever closer to its end. */
  private fractionOf(spent: number, own: number): number {
    if (this.stage?.id === 'install' && (this.compiles || this.others > 0)) {
      const more = this.others * packageShare;
      const done = Math.min(Math.max(this.done.size - packagesOfAll, 0), this.others) * packageShare;
      const root = this.compiles ? this.fractionOfRoot() : 0;
      return Math.min((root + done) / ((this.compiles ? 1 : 0) + more), 0.99);
    }
    return own === 0 ? 0 : spent / (spent + own / 4 + Math.max(own - spent, 0));
  }

  /** How much of Slurm is compiled. */
  private fractionOfRoot(): number {
    const { package: current } = this;
    if (this.rootDone) return 0.99;
    const phase = current?.name === 'slurm' ? phases[current.phase] : undefined;
    if (phase !== undefined) {
      const [from, to] = phase;
      const part = current?.phase === 'build' ? this.compiled / Math.max(this.files, this.compiled + 1) : 0;
      this.root = from + (to - from) * part;
    }
    return this.root;
  }

  private get files(): number {
    return (this.earlier ?? typicalBuild).files;
  }

  private detail(): string {
    if (this.package === undefined) return '';
    const { name, version, phase } = this.package;
    const known =
      name === 'slurm' ? this.compiled : name === this.otherFiles.name ? this.otherFiles.files : 0;
    const about = name === 'slurm' && known <= this.files ? ` of about ${this.files}` : '';
    const counted = phase === 'build' && known > 0 ? `, ${known}${about} files` : '';
    return `${name} ${version}: ${phase}${counted}`;
  }
}

/** `0:07`, `12:34`, `1:02:03` */
export function formatTime(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number: number) => String(number).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
