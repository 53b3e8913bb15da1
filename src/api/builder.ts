import { resolve } from 'node:path';
import type { AuditReport } from '../audit/run.js';
import { buildEnvironment, type Env } from '../base/environment.js';
import { BuildError, ContainerError } from '../base/errors.js';
import { makeFolder } from '../base/folders.js';
import type { Logger, ProgressEvent } from '../base/ports.js';
import { type VerifyReport, verifyFolder } from '../bundle/verify.js';
import { type EngineChoice, engineChoices, type RawInputs } from '../config/inputs.js';
import { type Layer, settle } from '../config/layers.js';
import { resolveSettings, type Settings } from '../config/settings.js';
import { buildLocally, type LocalBuild } from '../local/build.js';
import { alsoTo } from '../local/logging.js';
import { type LocalPlace, localMachine, type Machine } from '../local/machine.js';
import { auditFile, type InspectRequest, type SmokePlace, smokeFile } from '../pipeline/inspect.js';
import type { BuildReport } from '../pipeline/report.js';
import type { SmokeReport } from '../smoke/report.js';
import type { Gpu } from '../targets/gpus.js';
import { Config, gpuInput } from './config.js';
import { silentLogger } from './logger.js';
import { packageRoot } from './root.js';

/** Where and how a builder works; all of it may be left out. */
export interface SlurmBuilderOptions {
  /** Settings: those of `env` and `cwd`, see `Config`. What is named here stands before them. */
  readonly config?: Config;
  /** Folder for the tarballs: `slurm-factory-output`. */
  readonly outputDir?: string;
  /** Folder for caches and logs: `$XDG_CACHE_HOME/slurm-factory` or `~/.cache/slurm-factory`. */
  readonly cacheDir?: string;
  /** Folder for builds, clones and records: that of the caches. */
  readonly buildDir?: string;
  /** Folder that relative paths start from: this process's. */
  readonly cwd?: string;
  /** Environment to read, of which other programs get a part: this process's. */
  readonly env?: Env;
  /** Takes what a log would say: nobody. */
  readonly logger?: Logger;
}

/** What every call takes. */
export interface CallOptions {
  /** Cancels the work: what runs is ended, containers go, what is complete is kept. */
  readonly signal?: AbortSignal;
}

/** What a build takes. */
export interface BuildCallOptions extends CallOptions {
  /** Told how far the build is, event by event. What it throws is a warning of the log, and nothing else. */
  readonly onProgress?: (event: ProgressEvent) => void;
}

/** What the build of a version takes. */
export interface PackageCallOptions extends BuildCallOptions {
  /** With true as with `cuda`: false. */
  readonly gpu?: boolean | Gpu;
  /** Further inputs by their names, which stand before the settings. */
  readonly inputs?: RawInputs;
}

/** What became of the build of a version. */
export interface BuildResult {
  readonly success: boolean;
  /** Absolute paths of the tarballs; none of a build that failed. */
  readonly packages: readonly string[];
  /** seconds */
  readonly buildTime: number;
  /** What went wrong and what to do about it, a text each. */
  readonly errors: readonly string[];
  /** The exact release, `24.11.7`; of a build that failed, the version that was asked for. */
  readonly slurmVersion: string;
  readonly gpuEnabled: boolean;
  /** All of what was built; undefined for a build that failed. */
  readonly report: BuildReport | undefined;
  /** Why it failed. */
  readonly error: BuildError | undefined;
}

/** What a check of finished files takes. */
export interface CheckCallOptions extends CallOptions {
  /** That of the settings, or `auto`, when left out. */
  readonly engine?: EngineChoice;
}

/**
 * Builds Slurm on this machine and checks what was built. Calls may run side by side, of one builder or of many.
 * Each one finishes what it starts, whatever becomes of it: no second call is needed to clean up.
 */
export class SlurmBuilder {
  readonly #config: Config;
  readonly #options: SlurmBuilderOptions;
  readonly #logger: Logger;
  readonly #machine: Machine;

  /** @param machine what it works on: this one; tests bring another */
  constructor(options: SlurmBuilderOptions = {}, machine: Machine = localMachine) {
    const { env, cwd } = options;
    const given = { ...(env === undefined ? {} : { env }), ...(cwd === undefined ? {} : { cwd }) };
    this.#config = options.config ?? new Config(given);
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
    this.#machine = machine;
  }

  /**
   * Builds a version of Slurm, or takes it from the cache. A build that fails in what it builds, fetches or packs
   * resolves with `success: false`; wrong inputs, engines that do not answer and a cancel reject.
   * @param version series, exact release or `latest`, a commit or an archive: the input `slurm-version`
   * @throws InputError with every wrong input, ContainerError, CancelledError, ConfigurationError and its like
   */
  async buildSlurmPackage(version: string, options: PackageCallOptions = {}): Promise<BuildResult> {
    const gpu = gpuInput(options.gpu ?? false);
    const start = performance.now();
    const asked = { slurmVersion: version, gpuEnabled: gpu !== 'none' };
    const buildTime = () => (performance.now() - start) / 1000;
    try {
      const { report } = await this.build({ ...options.inputs, 'slurm-version': version, gpu }, options);
      const { software, modules, debug } = report.files;
      return {
        ...{ ...asked, success: true, buildTime: buildTime(), errors: [], report, error: undefined },
        packages: [software, modules, ...(debug === undefined ? [] : [debug])],
        slurmVersion: report.slurmVersion,
      };
    } catch (error) {
      if (!(error instanceof BuildError) || error instanceof ContainerError) throw error;
      const errors = [`${error.message} ${error.hint}`];
      return {
        ...asked,
        success: false,
        packages: [],
        buildTime: buildTime(),
        errors,
        report: undefined,
        error,
      };
    }
  }

  /**
   * Builds a target, or takes it from the cache.
   * @param inputs the action's inputs by their names; secrets as they are
   * @throws InputError with every wrong input, CancelledError, and the other classes of FactoryError
   */
  async build(inputs: RawInputs, options: BuildCallOptions = {}): Promise<LocalBuild> {
    const layers = [...this.#layers(), { origin: 'input', values: inputs } as const];
    const project = await this.#machine.openProject(packageRoot());
    const request = { layers, project, cwd: this.#config.cwd };
    const { logFile, logLevel } = this.#settings();
    const log = logFile === undefined ? undefined : await alsoTo(logFile, this.#logger, logLevel);
    const logger = log?.logger ?? this.#logger;
    try {
      for (const notice of this.#config.notices) logger.warning(notice);
      const { onProgress } = options;
      const progress = onProgress === undefined ? {} : { progress: harmless(onProgress, logger) };
      const place = { ...this.#place(options), logger, ...progress };
      return await buildLocally(request, place, () => {}, this.#machine);
    } finally {
      log?.close();
    }
  }

  /**
   * Audits a finished software tarball.
   * @throws InputError, AuditError with every finding
   */
  async audit(tarball: string, options: CheckCallOptions = {}): Promise<AuditReport> {
    return auditFile(
      this.#path(tarball),
      await this.#check(options),
      this.#machine.ports(this.#place(options)),
    );
  }

  /**
   * Runs a one-node cluster from a finished software tarball, whose other files lie beside it.
   * @param options where to install within the container, and another distribution's image
   * @throws InputError, SmokeError with the report
   */
  async smokeTest(tarball: string, options: CheckCallOptions & SmokePlace = {}): Promise<SmokeReport> {
    const request = await this.#check(options);
    return smokeFile(this.#path(tarball), options, request, this.#machine.ports(this.#place(options)));
  }

  /**
   * Checks sums, manifests and signatures of the files in a folder, offline.
   * @param options with `publicKey`, file of the key that the signatures must be of
   * @throws PackagingError with all that is wrong
   */
  verify(folder: string, options: { readonly publicKey?: string } = {}): Promise<VerifyReport> {
    const { env } = this.#config;
    return verifyFolder(this.#path(folder), { env, ...options }, this.#machine.process(env));
  }

  #path(path: string): string {
    return resolve(this.#config.cwd, path);
  }

  #layers(): readonly Layer[] {
    const { outputDir = '', cacheDir = '', buildDir = '' } = this.#options;
    const values = { 'output-dir': outputDir, 'cache-dir': cacheDir, 'build-dir': buildDir };
    return [...this.#config.layers(), { origin: 'input', values }];
  }

  #settings(): Settings {
    return resolveSettings(this.#layers(), this.#config.surroundings);
  }

  #place({ signal = new AbortController().signal }: CallOptions): LocalPlace {
    const { cacheDir, buildDir, spackCache } = this.#settings();
    return { ...{ cacheDir, buildDir, spackCache, signal }, env: this.#config.env, logger: this.#logger };
  }

  async #check(options: CheckCallOptions): Promise<InspectRequest> {
    const { cacheDir } = this.#settings();
    const kept = settle(this.#layers(), 'engine').text;
    const engine = options.engine ?? engineChoices.find((choice) => choice === kept) ?? 'auto';
    const { env } = this.#config;
    await makeFolder(cacheDir, { mode: 0o700 });
    return {
      ...{ engine, workRoot: cacheDir, env: buildEnvironment(env) },
      project: await this.#machine.openProject(packageRoot()),
      host: await this.#machine.inspectHost(env),
    };
  }
}

/** A listener whose own errors end no build. */
const harmless =
  (listener: (event: ProgressEvent) => void, logger: Logger) =>
  (event: ProgressEvent): void => {
    try {
      listener(event);
    } catch (error) {
      logger.warning(`What was told of the progress threw: ${String(error)}`);
    }
  };
