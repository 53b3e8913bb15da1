import { join } from 'node:path';
import { type Env, publicEnvironment } from '../base/environment.js';
import { type Host, inspectHost } from '../base/host.js';
import type { Logger, Ports, ProcessRunner, StateStore } from '../base/ports.js';
import { nodeProcessIn } from '../local/process.js';
import { directoryCache, localArtifacts } from '../local/stores.js';
import { openProject, type Project } from '../pipeline/project.js';

export interface PortsRequest {
  readonly cacheDir: string;
  readonly env: Env;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly record?: StateStore;
  /** Folder that cache entries pass through. */
  readonly scratch?: string;
}

/** What a command takes from the machine; tests bring another one. */
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
  ports: ({ cacheDir, env, logger, signal, record, scratch }) => ({
    process: nodeProcessIn(env),
    logger,
    cache: directoryCache(join(cacheDir, 'entries'), scratch),
    artifacts: localArtifacts(join(cacheDir, 'logs')),
    state: record ?? { save: () => {} },
    env: publicEnvironment(env),
    signal,
  }),
};
