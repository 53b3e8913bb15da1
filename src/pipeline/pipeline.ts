import { CancelledError } from '../base/errors.js';
import type { Ports } from '../base/ports.js';
import { withSignal } from '../base/signal.js';
import { presentFiles } from '../bundle/catalogue.js';
import type { SmokeReport } from '../smoke/report.js';
import type { Lock } from '../spack/lock.js';
import { type BuildContext, closing, openContext } from './context.js';
import { writeBuildJunit } from './junit.js';
import type { BuildReport, CacheHit, PackageCounts, Result } from './report.js';
import type { BuildRequest } from './resolve.js';
import { solve } from './solve.js';
import { Stopwatch, sequence } from './stage.js';
import { attestStage } from './stages/attest.js';
import { auditStage } from './stages/audit.js';
import { completeStage } from './stages/complete.js';
import { describeStage } from './stages/describe.js';
import { graftStage } from './stages/graft.js';
import { handOutStage } from './stages/hand-out.js';
import { installStage } from './stages/install.js';
import { packStage, treeStage } from './stages/pack.js';
import { packagesStage } from './stages/packages.js';
import { resolve } from './stages/resolve.js';
import { findResultStage } from './stages/result.js';
import { signStage } from './stages/sign.js';
import { smokeStage } from './stages/smoke.js';
import { uploadStage } from './stages/upload.js';

/** Looks whether there is anything to build. */
const find = sequence().add(findResultStage);

/** The way of a miss: what brings a result about. */
const make = solve
  .add(installStage)
  .add(treeStage)
  .add(packagesStage)
  .add(graftStage)
  .add(packStage)
  .add(auditStage)
  .add(describeStage)
  .add(smokeStage)
  .add(completeStage);

/** What happens to every result, a cached one too. */
const finish = sequence<{ readonly result: Result }>()
  .add(signStage)
  .add(handOutStage)
  .add(attestStage)
  .add(uploadStage);

/**
 * Builds a target, or takes it from the result cache, and hands out its files. What is left to do
 * afterwards, whatever happens here, `afterBuild` does from the record.
 * @throws FactoryError
 */
export const runBuild = (request: BuildRequest, ports: Ports): Promise<BuildReport> =>
  orCancelled(ports, (bound) => runStages(request, bound));

/** Runs a part of the pipeline that every process ends with once the signal says so. */
async function orCancelled<T>(ports: Ports, body: (bound: Ports) => Promise<T>): Promise<T> {
  try {
    return await body({ ...ports, process: withSignal(ports.process, ports.signal) });
  } catch (error) {
    // Whatever failed of it: say what it was.
    if (!ports.signal.aborted) throw error;
    throw new CancelledError('The build was cancelled.', 'Run it again; what was built is kept.', {
      cause: error,
    });
  }
}

/** What Spack would build for a target. */
export interface Concretized {
  readonly identifier: string;
  readonly lock: Lock;
  /** The lock as a result hands it out. */
  readonly text: string;
}

/**
 * Brings the lock of a target, and builds nothing.
 * @throws FactoryError
 */
export async function runConcretize(request: BuildRequest, ports: Ports): Promise<Concretized> {
  return orCancelled(ports, async (bound) => {
    const watch = new Stopwatch(bound);
    const build = await watch.stage('resolve', () => resolve(request, bound));
    const context = openContext(build, request, bound);
    const { lock, lockFile } = await closing(context, () => solve.run(context, watch, {}));
    context.recorder.update({ succeeded: true });
    return { identifier: build.identifier, lock, text: lockFile };
  });
}

async function runStages(request: BuildRequest, ports: Ports): Promise<BuildReport> {
  const watch = new Stopwatch(ports);
  const build = await watch.stage('resolve', () => resolve(request, ports));
  ports.progress?.({ what: 'target', identifier: build.identifier, release: build.target.version });
  const context = openContext(build, request, ports);
  try {
    const report = await makeOrTake(context, watch);
    await writeBuildJunit(context, watch.timings);
    return report;
  } catch (error) {
    await writeBuildJunit(context, watch.timings, error);
    throw error;
  }
}

async function makeOrTake(context: BuildContext, watch: Stopwatch): Promise<BuildReport> {
  const { build } = context;
  const { cached } = await find.run(context, watch, {});
  const made = cached === undefined ? await makeResult(context, watch) : fromCache(cached);
  const finished = await finish.run(context, watch, made);
  context.recorder.update({ succeeded: true });
  return {
    identifier: build.identifier,
    slurmVersion: build.target.version,
    contentKey: build.contentKey,
    cacheHit: made.cacheHit,
    outputDir: build.outputDir,
    files: presentFiles(
      build.outputDir,
      build.identifier,
      finished.described.map(({ name }) => name),
    ),
    described: finished.described,
    smoke: made.smoke,
    packages: made.packages,
    packageTimes: context.packageTimes(),
    caches: context.entries.ledger,
    runtimePackages: made.result.runtimePackages,
    attested: finished.attested,
    artifacts: finished.artifacts,
    timings: watch.timings,
  };
}

interface Made {
  readonly result: Result;
  readonly cacheHit: CacheHit;
  readonly packages: PackageCounts | undefined;
  readonly smoke: SmokeReport | undefined;
}

const fromCache = (result: Result): Made => ({
  ...{ result, cacheHit: 'result', packages: undefined, smoke: undefined },
});

async function makeResult(context: BuildContext, watch: Stopwatch): Promise<Made> {
  const { result, smoke, installed } = await closing(context, () => make.run(context, watch, {}));
  return {
    ...{ result, smoke },
    cacheHit: installed.rootFromCache ? 'build-cache' : 'none',
    packages: installed.packages,
  };
}
