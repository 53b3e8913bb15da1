import type { Ports } from '../base/ports.js';
import { CacheEntries } from '../cache/entries.js';
import { Ccache } from './ccache.js';
import { Indexes } from './indexes.js';
import { PackageSaver } from './packages.js';
import { Recorder } from './record.js';
import type { PackageTimes } from './report.js';
import type { BuildRequest, ResolvedBuild } from './resolve.js';
import { SecurityIndex } from './updates.js';

/** Why a result can't be made. */
export interface Failure {
  readonly error: unknown;
}

/** What every stage of a build can use: all decisions, the ports, the caches and the record. */
export interface BuildContext {
  readonly build: ResolvedBuild;
  readonly request: BuildRequest;
  readonly ports: Ports;
  readonly recorder: Recorder;
  readonly entries: CacheEntries;
  readonly indexes: Indexes;
  readonly ccache: Ccache;
  readonly saver: PackageSaver;
  readonly securityIndex: SecurityIndex;
  /** How long the packages took, once Spack has installed them or failed to. */
  readonly packageTimes: () => readonly PackageTimes[];
  readonly tellTimes: (packages: readonly PackageTimes[]) => void;
  /** Has something ended once the result is there, or can't be made (`failure`). */
  defer(end: (failure: Failure | undefined) => Promise<void>): void;
  /** Ends all that was deferred; safe to call twice. */
  close(failure?: Failure): Promise<void>;
}

/** Runs a part of a build, and ends what it has deferred, whatever becomes of it. */
export async function closing<T>(context: BuildContext, body: () => Promise<T>): Promise<T> {
  let failure: Failure | undefined;
  try {
    return await body();
  } catch (error) {
    failure = { error };
    throw error;
  } finally {
    await context.close(failure);
  }
}

/** Begins the record of a build and opens its caches. */
export function openContext(build: ResolvedBuild, request: BuildRequest, ports: Ports): BuildContext {
  const recorder = startRecord(build, request, ports);
  const entries = new CacheEntries(ports.cache, build.policy, ports.logger, request.transfer, {
    seal: build.seal,
    within: build.buildFolder,
    onUse: (use) => recorder.addUse(use),
    onDamaged: (damaged) => recorder.update({ damaged }),
  });
  let times: readonly PackageTimes[] = [];
  const ends: ((failure: Failure | undefined) => Promise<void>)[] = [];
  return {
    ...{ build, request, ports, recorder, entries },
    indexes: new Indexes(build, entries, () => request.project.shippedIndexes()),
    ccache: new Ccache(build, entries, recorder, ports.logger),
    saver: new PackageSaver(recorder, entries, ports.logger),
    securityIndex: new SecurityIndex(build, ports),
    packageTimes: () => times,
    tellTimes: (packages) => {
      times = packages;
    },
    defer: (end) => void ends.push(end),
    close: async (failure) => {
      await Promise.all(ends.splice(0).map((end) => end(failure)));
    },
  };
}

function startRecord(build: ResolvedBuild, request: BuildRequest, ports: Ports): Recorder {
  const { upload, cacheBudget, retentionDays } = build.options;
  return new Recorder(
    {
      version: 4,
      identifier: build.identifier,
      toolchain: build.target.toolchain,
      buildFolder: build.buildFolder,
      transfer: request.transfer,
      policy: build.policy,
      cacheBudget,
      cacheUses: [],
      cleanups: [],
      saves: [],
      buildStage: build.hostLayout.buildStage,
      succeeded: false,
      upload,
      ...(retentionDays === undefined ? {} : { retentionDays }),
    },
    ports.state,
  );
}
