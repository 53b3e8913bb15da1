/** The side effects that the core needs. `action/` and `cli/` bring one implementation each. */

/** How a process is run. The command is an argument list; no shell ever sees it. */
export interface RunOptions {
  readonly cwd?: string;
  /** The whole environment of the process; without it, what `publicEnvironment` lets through of this one's. */
  readonly env?: Readonly<Record<string, string>>;
  /** Written to standard input, which is then closed. */
  readonly input?: string;
  /** New file that standard output goes to, byte by byte, instead of the result; nothing may be at its path. */
  readonly stdoutFile?: string;
  /**
   * Called for each line of stdout and stderr as it comes. The result then has no more than the last `keptOutput`
   * characters of each: a build's log may have a gigabyte.
   */
  readonly onLine?: (line: string, stream: 'stdout' | 'stderr') => void;
  /**
   * Ends the process, and what it started, once aborted. null: nothing ends it, not even the signal of a runner
   * that is bound to one; for clean-up, which has to run after a cancel too.
   */
  readonly signal?: AbortSignal | null;
  /**
   * Leaves the process in this one's terminal session, for a program that may ask the user (sudo). An abort then
   * ends the process alone.
   */
  readonly terminal?: boolean;
  /**
   * Gives the process this one's standard streams, for a program that a user works with; the result then has no
   * output, and an abort ends the process alone.
   */
  readonly interactive?: boolean;
}

/** Characters that a result keeps of an output whose lines were handed on. */
export const keptOutput = 1 << 20;

export interface RunResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProcessRunner {
  /**
   * Runs a program to its end. A non-zero exit is a result, not an error.
   * A program that does not exist gives exit code 127.
   *
   * An aborted signal starts nothing, or sends SIGTERM to the process and its children, and SIGKILL to those that
   * are left some seconds later; then `run` rejects with the signal's reason.
   */
  run(command: readonly [string, ...string[]], options?: RunOptions): Promise<RunResult>;
}

/** How much an answer may be, and how long it may take. */
export interface WebLimit {
  readonly bytes: number;
  readonly milliseconds: number;
}

export interface WebClient {
  /**
   * Asks a web server, by the machine's proxy settings and authorities; redirections are followed.
   * @returns the body of an answer with status 200
   * @throws Error that says why there is none
   */
  get(address: string, limit: WebLimit, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * The same into a new file, where nothing may be; asks again where a server is busy or breaks off. What fails
   * leaves no file.
   * @returns size in bytes and lower-case hex sha256 of what came
   */
  download(
    address: string,
    file: string,
    limit: WebLimit,
    signal: AbortSignal,
  ): Promise<{ readonly size: number; readonly sha256: string }>;
}

/** Takes what a log says. */
export interface Logger {
  /** Lines of the programs that are run, and what else is for a closer look. */
  debug(message: string): void;
  /** What is done. */
  info(message: string): void;
  /** What a user should know, and is no fault. */
  notice(message: string): void;
  /** What is not as it should be, and ends nothing. */
  warning(message: string): void;
  /**
   * What went wrong.
   * @param title short heading, where the surface can show one
   */
  error(message: string, title?: string): void;
  /** Runs `body` within a foldable group of log lines. */
  group<T>(name: string, body: () => Promise<T>): Promise<T>;
  /** Hides a value in all later output. */
  mask(secret: string): void;
}

/** What a build tells of how far it is: for people to see, and nothing to decide by. */
export type ProgressEvent =
  | { readonly what: 'target'; readonly identifier: string; readonly release: string }
  /** A stage began, by its id. */
  | { readonly what: 'stage'; readonly stage: string }
  /** It ended, after so many seconds. */
  | { readonly what: 'stage-end'; readonly stage: string; readonly seconds: number }
  /** What is to be installed; `cached` of the `total` are in the build cache. */
  | {
      readonly what: 'packages';
      readonly total: number;
      readonly cached: number;
      /** Whether Slurm itself is compiled. */
      readonly compilesRoot: boolean;
    }
  /** A package came into a phase, `installed` when it is done. */
  | { readonly what: 'package'; readonly name: string; readonly version: string; readonly phase: string }
  /** So many source files of a package were compiled. */
  | { readonly what: 'compiled'; readonly name: string; readonly files: number };

/** One entry of a cache, as its store lists it. */
export interface StoredEntry {
  /** The store's own name for it. */
  readonly id: string;
  readonly key: string;
  /** bytes, as the store counts them */
  readonly size: number;
  /** When it was saved or last restored, in milliseconds since 1970. */
  readonly lastUse: number;
}

/** What a cache holds. */
export interface CacheInventory {
  /** The entries below key prefixes that this run could both restore and remove. */
  list(prefixes: readonly string[]): Promise<StoredEntry[]>;
  /** Removes an entry; one that is gone already is no fault. */
  remove(entry: StoredEntry): Promise<void>;
  /** Bytes of everything that shares the store, and how many it takes; undefined where nothing limits it. */
  usage(): Promise<{ readonly bytes: number; readonly limit: number } | undefined>;
}

/** Keeps folders by key. An entry never changes once it is there, a damaged one apart. */
export interface CacheStore {
  /** Left out by a store that can't tell what it holds. */
  readonly inventory?: CacheInventory;
  /**
   * Brings an entry's content to `directory`, which must not exist or be empty. Content that is damaged,
   * or that did not come whole, is no fault here: the caller checks it.
   * @param key the exact key, at most 512 characters
   * @param prefixes fall-back key prefixes, best first
   * @returns the key that was found, undefined for a miss
   * @throws on a fault of the service; the caller turns it into a warning
   */
  restore(key: string, prefixes: readonly string[], directory: string): Promise<string | undefined>;
  /**
   * Looks for an entry without bringing it.
   * @param directory where it would be brought to: a store may find an entry only for the folder it was saved from
   * @returns the key that was found, undefined for none
   * @throws as `restore`
   */
  find(key: string, prefixes: readonly string[], directory: string): Promise<string | undefined>;
  /**
   * Stores `directory` under `key`.
   * @returns 'saved', or 'exists' where the key is taken already
   */
  save(key: string, directory: string): Promise<'saved' | 'exists'>;
  /** Stores `directory` in place of a damaged entry. Left out where entries can't be changed. */
  replace?(key: string, directory: string): Promise<void>;
}

/** A file or a folder that was handed out. */
export interface UploadedArtifact {
  readonly name: string;
  /** The service's number for it; undefined for a local directory. */
  readonly id?: number;
  readonly url: string;
}

/** Hands out files. */
export interface ArtifactStore {
  /** Uploads one file, not zipped, under its own name. Left out by a store whose files stay where they are. */
  uploadFile?(file: string, retentionDays: number | undefined): Promise<UploadedArtifact>;
  /** Uploads a folder's files as one archive. */
  uploadFolder(name: string, folder: string, retentionDays: number | undefined): Promise<UploadedArtifact>;
}

/** What the post step must know, kept as main goes along. */
export interface StateStore {
  save(record: unknown): void;
}

/** All ports together. */
export interface Ports {
  readonly process: ProcessRunner;
  readonly web: WebClient;
  readonly logger: Logger;
  readonly cache: CacheStore;
  readonly artifacts: ArtifactStore;
  readonly state: StateStore;
  /** Attests where and from what files were built, where the surface can; false where it did not come to that. */
  readonly attest?: (
    files: readonly { readonly name: string; readonly sha256: string }[],
  ) => Promise<boolean>;
  /** Told how far a build is, where somebody wants to know. */
  readonly progress?: (event: ProgressEvent) => void;
  /** What `publicEnvironment` lets through of this process's environment, for programs that need its PATH. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted when the build is cancelled; `runBuild` and its like bind `process` to it. */
  readonly signal: AbortSignal;
}
