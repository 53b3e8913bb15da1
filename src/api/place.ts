import type { Logger, ProcessRunner } from '../base/ports.js';
import { withSignal } from '../base/signal.js';
import type { LocalPlace, Machine } from '../local/machine.js';
import { Config } from './config.js';
import { silentLogger } from './logger.js';

/** What a function of the library may be told of where it works. */
export interface PlaceOptions {
  /** Settings: `new Config()`, of this process's environment and working folder. */
  readonly config?: Config;
  /** Takes what a log would say: nobody. */
  readonly logger?: Logger;
  /** Ends the work; the call then rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** The folders, the environment and the log that work on this machine is done with. */
export function placeOf({ config = new Config(), logger = silentLogger, signal }: PlaceOptions): LocalPlace {
  const { cacheDir, buildDir, spackCache } = config.settings;
  const own = signal ?? new AbortController().signal;
  return { ...{ cacheDir, buildDir, spackCache, logger }, env: config.env, signal: own };
}

/** What asks engines, and the name of this process. */
export async function asking(
  options: PlaceOptions,
  machine: Machine,
): Promise<{ readonly process: ProcessRunner; readonly owner: string }> {
  const { env, signal } = placeOf(options);
  const { owner } = await machine.inspectHost(env);
  return { process: withSignal(machine.process(env), signal), owner };
}
