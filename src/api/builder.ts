import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { AuditReport } from '../audit/run.js';
import { buildEnvironment, type Env } from '../base/environment.js';
import { makeFolder } from '../base/folders.js';
import { inspectHost } from '../base/host.js';
import type { Logger } from '../base/ports.js';
import { type VerifyReport, verifyFolder } from '../bundle/verify.js';
import type { EngineChoice, RawInputs } from '../config/inputs.js';
import { buildLocally, type LocalBuild } from '../local/build.js';
import { type LocalPlace, localMachine } from '../local/machine.js';
import { nodeProcessIn } from '../local/process.js';
import { auditFile, type InspectRequest, type SmokePlace, smokeFile } from '../pipeline/inspect.js';
import { openProject } from '../pipeline/project.js';
import type { SmokeReport } from '../smoke/report.js';
import { silentLogger } from './logger.js';
import { packageRoot } from './root.js';

/** Where and how a builder works; all of it may be left out. */
export interface SlurmBuilderOptions {
  /** Folder for caches, clones and records: `$XDG_CACHE_HOME/slurm-factory` or `~/.cache/slurm-factory`. */
  readonly cacheDir?: string;
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

/** What a check of finished files takes. */
export interface CheckCallOptions extends CallOptions {
  /** `auto` when left out. */
  readonly engine?: EngineChoice;
}

/**
 * Builds Slurm on this machine and checks what was built. Calls may run side by side, of one builder or of many.
 * Each one finishes what it starts, whatever becomes of it: no second call is needed to clean up.
 */
export class SlurmBuilder {
  readonly #cacheDir: string;
  readonly #cwd: string;
  readonly #env: Env;
  readonly #logger: Logger;

  constructor(options: SlurmBuilderOptions = {}) {
    this.#env = options.env ?? { ...process.env };
    this.#cwd = options.cwd ?? process.cwd();
    const caches = this.#env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
    this.#cacheDir = resolve(this.#cwd, options.cacheDir ?? join(caches, 'slurm-factory'));
    this.#logger = options.logger ?? silentLogger;
  }

  /**
   * Builds a target, or takes it from the cache.
   * @param inputs the action's inputs by their names; secrets as they are
   * @throws InputError with every wrong input, CancelledError, and the other classes of FactoryError
   */
  async build(inputs: RawInputs, options: CallOptions = {}): Promise<LocalBuild> {
    const request = {
      layers: [{ origin: 'input', values: inputs } as const],
      project: await openProject(packageRoot()),
      cwd: this.#cwd,
    };
    return buildLocally(request, this.#place(options));
  }

  /**
   * Audits a finished software tarball.
   * @throws InputError, AuditError with every finding
   */
  async audit(tarball: string, options: CheckCallOptions = {}): Promise<AuditReport> {
    return auditFile(
      this.#path(tarball),
      await this.#check(options),
      localMachine.ports(this.#place(options)),
    );
  }

  /**
   * Runs a one-node cluster from a finished software tarball, whose other files lie beside it.
   * @param options where to install within the container, and another distribution's image
   * @throws InputError, SmokeError with the report
   */
  async smokeTest(tarball: string, options: CheckCallOptions & SmokePlace = {}): Promise<SmokeReport> {
    const request = await this.#check(options);
    return smokeFile(this.#path(tarball), options, request, localMachine.ports(this.#place(options)));
  }

  /**
   * Checks sums, manifests and signatures of the files in a folder, offline.
   * @param options with `publicKey`, file of the key that the signatures must be of
   * @throws PackagingError with all that is wrong
   */
  verify(folder: string, options: { readonly publicKey?: string } = {}): Promise<VerifyReport> {
    return verifyFolder(this.#path(folder), { env: this.#env, ...options }, nodeProcessIn(this.#env));
  }

  #path(path: string): string {
    return resolve(this.#cwd, path);
  }

  #place({ signal = new AbortController().signal }: CallOptions): LocalPlace {
    return { cacheDir: this.#cacheDir, env: this.#env, logger: this.#logger, signal };
  }

  async #check({ engine = 'auto' }: CheckCallOptions): Promise<InspectRequest> {
    await makeFolder(this.#cacheDir, { mode: 0o700 });
    return {
      ...{ engine, workRoot: this.#cacheDir, env: buildEnvironment(this.#env) },
      project: await openProject(packageRoot()),
      host: await inspectHost(this.#env),
    };
  }
}
