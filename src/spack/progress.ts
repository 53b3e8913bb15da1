/** What Spack's installer says of one package, in its plain (not terminal) form. */
export interface ProgressLine {
  readonly status: 'working' | 'installed' | 'failed' | 'external';
  /** First characters of the package's hash. */
  readonly hash: string;
  readonly name: string;
  readonly version: string;
  /** Phase, `starting`, `fetching from build cache`; empty when installed. */
  readonly phase: string;
  /** Build log of a failed package. */
  readonly logPath: string | undefined;
}

const statuses = { ' ': 'working', '+': 'installed', x: 'failed', e: 'external' } as const;

/**
 * Reads a line such as `[ ] abc1234 slurm@24-11-6-1 build (12s)`; undefined for any other line.
 * It is for showing progress only: what came of an install, its exit code and the database say.
 */
export function parseProgressLine(line: string): ProgressLine | undefined {
  const match = /^\[([ +xe])\] ([a-z0-9]{7,32}) +([^@\s]+)@(\S+) ?(.*?)(?: \([0-9hms. ]+\))?$/.exec(line);
  if (match === null) return undefined;
  const [, mark = ' ', hash = '', name = '', version = '', rest = ''] = match;
  const status = statuses[mark as keyof typeof statuses];
  const failure = /^failed(?:: (.+))?$/.exec(rest);
  return {
    status,
    hash,
    name,
    version,
    phase: status === 'working' ? rest : '',
    logPath: failure?.[1],
  };
}

/** A phase that a package was in, `fetching from build cache` and `staging` among them. */
export interface PhaseTime {
  readonly phase: string;
  readonly seconds: number;
}

/** What became of a package so far. */
export interface InstallTimes {
  /** In their order, as Spack calls them; `no binary available` where a build cache was asked in vain. */
  readonly phases: readonly PhaseTime[];
  readonly outcome: 'installed' | 'failed' | 'begun' | 'waiting';
}

/** A package that an install came to. */
interface Begun {
  /** First characters of its hash. */
  readonly hash: string;
  readonly phases: { readonly phase: string; seconds: number }[];
  outcome: InstallTimes['outcome'];
  /** When it came into its last phase, in milliseconds. */
  since: number;
}

/** Follows an install: which package of how many is in which phase, and how long each was in which. */
export class InstallProgress {
  private readonly begun: Begun[] = [];
  private failed: (ProgressLine & { readonly lastPhase: string }) | undefined;
  private last: { readonly name: string; readonly version: string; readonly phase: string } | undefined;

  /**
   * @param total number of packages that are not the distribution's
   * @param clock milliseconds; Spack's parallel installer writes no times of its own
   */
  constructor(
    private readonly total: number,
    private readonly clock: () => number = () => performance.now(),
  ) {}

  /** Takes one line of output; returns the line to show, undefined for nothing new. */
  read(line: string): string | undefined {
    const progress = parseProgressLine(line);
    if (progress === undefined || progress.status === 'external') return undefined;
    const begun = this.find(progress.hash);
    const place = `[${this.begun.indexOf(begun) + 1}/${this.total}]`;
    const name = `${progress.name}@${progress.version}`;
    const last = begun.phases.at(-1)?.phase ?? 'starting';
    this.count(begun);
    if (progress.status === 'working') {
      if (progress.phase === last) return undefined;
      begun.phases.push({ phase: progress.phase, seconds: 0 });
      this.last = { name: progress.name, version: progress.version, phase: progress.phase };
      return `${place} ${name}: ${progress.phase}`;
    }
    begun.outcome = progress.status;
    if (progress.status === 'failed') {
      this.failed ??= { ...progress, lastPhase: last };
      return `${place} ${name}: failed in ${last}`;
    }
    this.last = { name: progress.name, version: progress.version, phase: 'installed' };
    return `${place} ${name}: installed`;
  }

  /** What became of a package, by its whole hash. */
  timesOf(hash: string): InstallTimes {
    const { phases = [], outcome = 'waiting' } = this.begun.find((one) => hash.startsWith(one.hash)) ?? {};
    return { phases, outcome };
  }

  private find(hash: string): Begun {
    const known = this.begun.find((one) => one.hash === hash);
    if (known !== undefined) return known;
    const begun: Begun = { hash, phases: [], outcome: 'begun', since: this.clock() };
    this.begun.push(begun);
    return begun;
  }

  // The time since the package's last line was that of its last phase.
  private count(begun: Begun): void {
    const now = this.clock();
    const phase = begun.phases.at(-1);
    if (phase !== undefined) phase.seconds += (now - begun.since) / 1000;
    begun.since = now;
  }

  /** The package that was told of last, with its phase, `installed` when it is. */
  get current() {
    return this.last;
  }

  /** The first package that failed, with the phase it was in. */
  get failure() {
    return this.failed;
  }
}

// What fails first comes first: a compiler's word, then make's and configure's, then Spack's own.
const errorMarks = [
  /^\S+:\d+(?::\d+)?: (?:fatal )?error: /,
  /undefined reference to|cannot find -l/,
  // Its first line may only name the folder.
  /^configure: error: (?!in [`'])/,
  /^(?:\w+\.)*\w*Error: /,
  /^make.*\*\*\* .*Error/,
  /\berror: /i,
];

const failedPatch = /^==> Patch (?:\S*\/)?(\S+) failed\.$/;

/**
 * The line of a build log that says why the build failed; with the next one where Spack lists details.
 * @returns undefined when no line looks like a reason
 */
export function firstErrorLine(log: string): string | undefined {
  const lines = log.split('\n').map((line) => line.replace(/^[>\s]+/, ''));
  const patch = lines.findIndex((line) => failedPatch.test(line));
  if (patch !== -1) {
    // The line before it is the word of the program that patches.
    const name = failedPatch.exec(lines[patch] ?? '')?.[1];
    return `${name} does not apply: ${lines[patch - 1] ?? ''}`;
  }
  for (const mark of errorMarks) {
    const index = lines.findIndex((line) => mark.test(line));
    if (index === -1) continue;
    const line = (lines[index] ?? '').replace(/^(?:\w+\.)+(?=\w*Error: )/, '');
    const detail = /^InstallError: /.test(line) ? lines[index + 1]?.trim() : undefined;
    return detail ? `${line}: ${detail}` : line;
  }
  return undefined;
}
