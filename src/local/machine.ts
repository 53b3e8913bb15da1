import { join } from 'node:path';
import { type Env, publicEnvironment } from '../base/environment.js';
import { type Host, inspectHost } from '../base/host.js';
import type { Logger, Ports, ProcessRunner, StateStore } from '../base/ports.js';
import { openProject, type Project } from '../pipeline/project.js';
import { nodeProcessIn } from './process.js';
import { directoryCache, localArtifacts } from './stores.js';
import { nodeWeb } from './web.js';

/** What work on this machine is done with. */
export interface LocalPlace {
  /** Absolute path of the folder for caches, clones, logs of failures and, where no other is named, builds. */
  readonly cacheDir: string;
  /** Absolute path of the folder that builds work in; the caches' own where left out. */
  readonly buildDir?: string;
  /** Absolute path of the folder for the cache entries; one in `cacheDir` where left out. */
  readonly spackCache?: string;
  /** The whole environment of the caller; other programs get what `publicEnvironment` lets through. */
  readonly env: Env;
  readonly logger: Logger;
  /** Aborted when the work is cancelled. */
  readonly signal: AbortSignal;
}

export interface PortsRequest extends LocalPlace {
  readonly record?: StateStore;
  /** Folder that cache entries pass through. */
  readonly transfer?: string;
}

/** What work takes from the machine; tests bring another one. */
export interface Machine {
  readonly inspectHost: (env: Env) => Promise<Host>;
  readonly openProject: (root: string) => Promise<Project>;
  readonly process: (env: Env) => ProcessRunner;
  readonly ports: (request: PortsRequest) => Ports;
}

/** This machine: its processes, and caches and artifacts in folders. */
export const localMachine: Machine = {
  inspectHost,
  openProject,
  process: nodeProcessIn,
  ports: ({ cacheDir, spackCache, env, logger, signal, record, transfer }) => ({
    process: nodeProcessIn(env),
    web: nodeWeb(env),
    logger,
    cache: directoryCache(spackCache ?? join(cacheDir, 'entries'), transfer),
    artifacts: localArtifacts(join(cacheDir, 'logs')),
    state: record ?? { save: () => {} },
    env: publicEnvironment(env),
    signal,
  }),
};
