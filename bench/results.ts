/** What a run measures, by case; times in seconds but for start-up's, which are milliseconds. */
import type { EntryKind } from '../src/cache/keys.js';
import type { ContainerKind } from '../src/container/container.js';
import type { CacheHit } from '../src/pipeline/report.js';
import type { Timing } from '../src/pipeline/stage.js';
import type { CaseName } from './cases.js';
import type { Resources } from './meter.js';

/** Number of the layout of what `--json` writes; `--compare` reads this one only. */
export const resultsNumber = 2;

/** From the start of a process to its first line, milliseconds. */
export interface StartupTimes {
  /** `node` with nothing to do */
  readonly node: number;
  /** the action, with an input that is wrong */
  readonly main: number;
  /** `slurm-factory version` */
  readonly cliVersion: number;
}

/** A build by the command line, as a user runs it. */
export interface BuildFigures {
  readonly release: string;
  readonly total: number;
  readonly smokeTest: number;
  readonly withoutSmokeTest: number;
  readonly cacheHit: CacheHit;
  readonly containers: Readonly<Record<ContainerKind, number>>;
  /** How many locks were concretized. */
  readonly concretized: number;
  readonly compiled: number;
  readonly fromCache: number;
  readonly compiledNames: readonly string[];
  readonly concretize: number | undefined;
  readonly installAndPush: number | undefined;
  readonly tarball: number | undefined;
  readonly audit: number | undefined;
  readonly tarballBytes: number;
  readonly stages: readonly Timing[];
  readonly resources: Resources;
}

/** A build that started from nothing, with what it left in the caches. */
export interface ColdFigures extends BuildFigures {
  readonly entryBytes: Readonly<Partial<Record<EntryKind, number>>>;
}

/** A build on a new machine. */
export interface FirstFigures extends BuildFigures {
  /** bytes that elsewhere come over a network, and here came out of files */
  readonly fromFiles: { readonly clones: number; readonly archive: number };
}

export interface BareFigures {
  readonly arguments: readonly string[];
  readonly configure: number;
  readonly make: number;
  readonly install: number;
  readonly total: number;
}

export interface PlainTimes {
  readonly total: number;
  readonly concretize: number;
  readonly install: number;
  readonly push?: number;
  readonly installAndPush?: number;
  readonly tarball: number;
  readonly tarballBytes: number;
  readonly fromSource: readonly string[];
}

export interface PlainFigures {
  readonly spec: string;
  readonly installedBytes: number;
  readonly buildCacheBytes: number;
  readonly missingPlugins: readonly string[];
  readonly cold: PlainTimes;
  readonly warm: PlainTimes;
}

export interface StoreFigures {
  readonly bytes: number;
  readonly save: number;
  readonly restore: number;
}

export interface CachesFigures {
  readonly entries: number;
  readonly directory: StoreFigures;
  readonly service: StoreFigures;
}

/** What keeping a thing costs in bytes, and the time without it and with it. */
export interface Worth {
  readonly bytes: number | undefined;
  readonly without?: number | undefined;
  readonly with?: number | undefined;
}

export const worthNames = [
  'result',
  'lock',
  'index',
  'packages',
  'ccache',
  'clones',
  'image',
  'sources',
] as const;
export type WorthName = (typeof worthNames)[number];

/** The figures of each case. */
export interface CaseFigures {
  /** by Node's version */
  readonly startup: Readonly<Record<string, StartupTimes>>;
  readonly first: FirstFigures;
  readonly cold: ColdFigures;
  readonly nothing: BuildFigures;
  readonly packaging: BuildFigures;
  readonly system: BuildFigures;
  readonly cuda: BuildFigures;
  readonly patch: BuildFigures;
  readonly caches: CachesFigures;
  readonly install: { readonly seconds: number };
  readonly bare: BareFigures;
  readonly worth: Readonly<Partial<Record<WorthName, Worth>>>;
  readonly plain: PlainFigures;
}

/** Medians of those that were measured. */
export type Figures = { -readonly [K in CaseName]?: CaseFigures[K] };
/** Each round of those that were measured. */
export type Rounds = { -readonly [K in CaseName]?: readonly CaseFigures[K][] };

export interface MachineFacts {
  readonly date: string;
  readonly cpu: string | undefined;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string | undefined;
  readonly kernel: string;
  readonly node: string;
  readonly loadAtStart: number;
  readonly engine: string | undefined;
  readonly otherContainers: number;
}

/** What was brought before all, counted on no side; seconds. */
export interface Preparation {
  readonly sources: number;
  readonly clones: number;
  readonly builderImage: { readonly seconds: number; readonly reused: boolean };
}

export interface Failure {
  readonly name: CaseName;
  readonly message: string;
}

/** All of a run. */
export interface Results {
  readonly layout: typeof resultsNumber;
  readonly release: string;
  readonly nextRelease: string;
  readonly toolchain: string;
  readonly cases: readonly CaseName[];
  readonly machine: MachineFacts;
  preparation?: Preparation;
  jobs?: number;
  readonly figures: Figures;
  readonly rounds: Rounds;
  /** The highest load while a case ran shows whether it was alone. */
  readonly peakLoads: Partial<Record<CaseName, number>>;
  readonly failed: Failure[];
}
