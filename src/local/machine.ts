import { join } from 'node:path';
import { type Env, publicEnvironment } from '../base/environment.js';
import { type Host, inspectHost } from '../base/host.js';
import type { Logger, Ports, ProcessRunner, ProgressEvent, StateStore } from '../base/ports.js';
import { openProject, type Project } from '../pipeline/project.js';
import { echoed } from './echo.js';
import { nodeProcessIn } from './process.js';
import { directoryCache, localArtifacts } from './stores.js';
import { nodeWeb } from './web.js';

/** What work on this machine is done with. */
export interface LocalPlace {
  /** Absolute path of the folder for caches, logs of failures and, where no other is named, builds. */
  readonly cacheDir: string;
  /** Absolute path of the folder for builds, clones and records; the caches' own where left out. */
  readonly buildDir?: string;
  /** Absolute path of the folder for the cache entries; one in `cacheDir` where left out. */
  readonly spackCache?: string;
  /** The whole environment of the caller; other programs get what `publicEnvironment` lets through. */
  readonly env: Env;
  readonly logger: Logger;
  /** Aborted when the work is cancelled. */
  readonly signal: AbortSignal;
  /** Told how far a build is. */
  readonly progress?: (event: ProgressEvent) => void;
}

/** The folders of a place, all of them named. */
export interface PlaceFolders {
  readonly cacheDir: string;
  readonly buildDir: string;
  readonly spackCache: string;
  /** Folder that folders lie in which cache entries pass through: a rename puts an entry in its place. */
  readonly transfers: string;
  /** Folder for the records of builds. */
  readonly records: string;
}

export function foldersOf({ cacheDir, buildDir = cacheDir, spackCache }: LocalPlace): PlaceFolders {
  const entries = join(cacheDir, 'entries');
  const beside = spackCache === undefined || spackCache === entries ? cacheDir : spackCache;
  return {
    ...{ cacheDir, buildDir, spackCache: spackCache ?? entries },
    ...{ transfers: join(beside, 'transfer'), records: join(buildDir, 'records') },
  };
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
  ports: ({ record, transfer, ...place }) => ({
    process: echoed(nodeProcessIn(place.env), place.logger),
    web: nodeWeb(place.env),
    logger: place.logger,
    cache: directoryCache(foldersOf(place).spackCache, transfer),
    artifacts: localArtifacts(join(place.cacheDir, 'logs')),
    state: record ?? { save: () => {} },
    env: publicEnvironment(place.env),
    signal: place.signal,
    ...(place.progress === undefined ? {} : { progress: place.progress }),
  }),
};
