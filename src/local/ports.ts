import { join } from 'node:path';
import { type Env, publicEnvironment } from '../base/environment.js';
import type { Logger, Ports, ProcessRunner, StateStore } from '../base/ports.js';
import { nodeProcessIn } from './process.js';
import { directoryCache, localArtifacts } from './stores.js';

/** What a build on this machine works with. */
export interface LocalPlace {
  /** Absolute path of the folder for caches, clones, records and what builds need on the way. */
  readonly cacheDir: string;
  /** The whole environment of the caller; other programs get what `publicEnvironment` lets through. */
  readonly env: Env;
  readonly logger: Logger;
  /** Aborted when the work is cancelled. */
  readonly signal: AbortSignal;
  /** Runs programs; with node:child_process when left out. */
  readonly process?: ProcessRunner;
}

/** The ports of work on this machine: caches, logs and records are folders below the cache folder. */
export function localPorts(
  { cacheDir, env, logger, signal, process = nodeProcessIn(env) }: LocalPlace,
  own: { readonly record: StateStore; readonly transfer?: string } = { record: { save: () => {} } },
): Ports {
  return {
    ...{ process, logger, signal },
    cache: directoryCache(join(cacheDir, 'entries'), own.transfer),
    artifacts: localArtifacts(join(cacheDir, 'logs')),
    state: own.record,
    env: publicEnvironment(env),
  };
}
