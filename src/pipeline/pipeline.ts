import { rm } from 'node:fs/promises';
import { CancelledError } from '../base/errors.js';
import type { Ports } from '../base/ports.js';
import { fileName, presentFiles } from '../bundle/catalogue.js';
import type { BundleFile } from '../bundle/sums.js';
import { CacheEntries } from '../cache/entries.js';
import { resultKey } from '../cache/keys.js';
import type { CacheUse } from '../cache/ledger.js';
import { attestNotice } from '../cache/policy.js';
import type { Session } from '../container/session.js';
import type { SmokeReport } from '../smoke/report.js';
import { Ccache } from './ccache.js';
import { Indexes } from './indexes.js';
import { handOut, prepareOutput } from './output.js';
import { PackageSaver } from './packages.js';
import { type BuildPlan, type BuildRequest, planBuild } from './plan.js';
import { Recorder } from './record.js';
import type { BuildReport, CacheHit, PackageCounts, Result } from './report.js';
import { audit } from './stages/audit.js';
import { type Builder, makeFolders, prepareBuilder } from './stages/builder.js';
import { describe } from './stages/describe.js';
import { fetchSources } from './stages/fetch.js';
import { type InstallCaches, install } from './stages/install.js';
import { bringLock } from './stages/lock.js';
import { copyTree, pack } from './stages/pack.js';
import { preflight } from './stages/preflight.js';
import { checkOwnResult, restoreResult } from './stages/result.js';
import { sign } from './stages/sign.js';
import { smoke } from './stages/smoke.js';
import { bringSources } from './stages/sources.js';
import { uploadFiles } from './stages/upload.js';
import { Stopwatch } from './stopwatch.js';

/**
 * Builds a target, or takes it from the result cache, and hands out its files. What is left to do
 * afterwards, whatever happens here, `afterBuild` does from the record.
 * @throws FactoryError
 */
export async function runBuild(request: BuildRequest, ports: Ports): Promise<BuildReport> {
  try {
    return await build(request, ports);
  } catch (error) {
    // Any command fails once a cancel took its container away; say what it was.
    if (!ports.signal.aborted) throw error;
    throw new CancelledError('The build was cancelled.', 'Run it again; what was built is kept.', {
      cause: error,
    });
  }
}

async function build(request: BuildRequest, ports: Ports): Promise<BuildReport> {
  const watch = new Stopwatch(ports.logger, ports.signal);
  const plan = await watch.stage('Resolve the inputs', () => planAndTell(request, ports));
  const recorder = startRecord(plan, request, ports);
  const entries = new CacheEntries(ports.cache, plan.policy, ports.logger, request.transfer, {
    seal: plan.seal,
    within: plan.buildFolder,
    onUse: (use) => recorder.addUse(use),
    onDamaged: (damaged) => recorder.update({ damaged }),
  });

  const cached = await watch.stage('Look into the result cache', () =>
    restoreResult(plan, entries, ports.logger),
  );
  const made =
    cached === undefined
      ? await makeResult(plan, request, entries, recorder, watch, ports)
      : { ...cached, cacheHit: 'result' as const, packages: undefined, smoke: undefined };

  const signatures = await watch.stage('Sign', () => sign(plan, made, ports.env, recorder, ports));
  const described = [...made.described, ...signatures];
  await handOut({ ...plan, owner: request.host.owner }, made.folder, described, true);
  await attest(described, entries.ledger, ports);
  const names = described.map((file) => file.name);
  const artifacts = plan.options.upload
    ? await watch.stage('Upload the artifacts', () =>
        uploadFiles(plan, made.folder, names, ports.artifacts, ports.logger),
      )
    : [];
  recorder.update({ succeeded: true });
  return {
    identifier: plan.identifier,
    slurmVersion: plan.target.version,
    contentKey: plan.contentKey,
    cacheHit: made.cacheHit,
    outputDir: plan.outputDir,
    files: presentFiles(plan.outputDir, plan.identifier, names),
    described,
    smoke: made.smoke,
    packages: made.packages,
    caches: entries.ledger,
    runtimePackages: made.runtimePackages,
    artifacts,
    timings: watch.timings,
  };
}

async function planAndTell(request: BuildRequest, ports: Ports): Promise<BuildPlan> {
  const plan = await planBuild(request, ports.process);
  ports.logger.info(`Target ${plan.identifier}, content key ${plan.contentKey}`);
  await prepareOutput({ ...plan, owner: request.host.owner });
  for (const notice of plan.notices) ports.logger.notice(notice);
  return plan;
}

// A provenance says that this build made the files; it can't say so of what others may have written.
async function attest(
  files: readonly BundleFile[],
  caches: readonly CacheUse[],
  ports: Ports,
): Promise<void> {
  if (ports.attest === undefined) return;
  const notice = attestNotice(caches);
  if (notice === undefined) await ports.attest(files.map(({ name, sha256 }) => ({ name, sha256 })));
  else ports.logger.notice(notice);
}

function startRecord(plan: BuildPlan, request: BuildRequest, ports: Ports): Recorder {
  return new Recorder(
    {
      version: 2,
      identifier: plan.identifier,
      buildFolder: plan.buildFolder,
      transfer: request.transfer,
      policy: plan.policy,
      cacheBudget: plan.options.cacheBudget,
      cacheUses: [],
      saves: [],
      stage: plan.hostLayout.stage,
      succeeded: false,
      upload: plan.options.upload,
      ...(plan.options.retentionDays === undefined ? {} : { retentionDays: plan.options.retentionDays }),
    },
    ports.state,
  );
}

type Made = Result & {
  readonly cacheHit: CacheHit;
  readonly packages: PackageCounts;
  readonly smoke: SmokeReport | undefined;
};

/** The way of a miss: builder, lock, install, tarballs, audit, description, smoke test. */
async function makeResult(
  plan: BuildPlan,
  request: BuildRequest,
  entries: CacheEntries,
  recorder: Recorder,
  watch: Stopwatch,
  ports: Ports,
): Promise<Made> {
  await rm(plan.buildFolder, { recursive: true, force: true });
  await preflight(plan);
  // Clones and image have nothing to do with each other.
  const builder = await watch.stage('Bring Spack and the builder image', async () => {
    const prepared = prepareBuilder(plan, request, ports);
    const bring = () => bringSources(plan, ports);
    // On the machine itself, git may be among what is installed first.
    const onMachine = !(plan.engine instanceof Error) && plan.engine.kind === 'none';
    // Whichever fails, the other must have ended before anything is cleaned up.
    const [made, clones] = await Promise.allSettled([prepared, onMachine ? prepared.then(bring) : bring()]);
    if (made.status === 'rejected') throw made.reason;
    if (clones.status === 'rejected') throw clones.reason;
    return made.value;
  });
  const session = await watch.stage('Start the session', async () => {
    await makeFolders(plan);
    return builder.start(recorder);
  });
  const saver = new PackageSaver(recorder, entries, ports.logger);
  try {
    return await buildIn(session, builder, plan, request, entries, recorder, saver, watch, ports);
  } finally {
    await Promise.all([session.stop(), saver.settled()]);
  }
}

async function buildIn(
  session: Session,
  builder: Builder,
  plan: BuildPlan,
  request: BuildRequest,
  entries: CacheEntries,
  recorder: Recorder,
  saver: PackageSaver,
  watch: Stopwatch,
  ports: Ports,
): Promise<Made> {
  const { project } = request;
  const { logger } = ports;
  const indexes = new Indexes(plan, entries);
  const ccache = new Ccache(plan, entries, recorder, logger);
  const lock = await watch.stage('Bring the lock', () =>
    bringLock(plan, session, entries, indexes, recorder, logger),
  );
  const fetch: InstallCaches['fetch'] = async (specs, indexed) => {
    await fetchSources(plan, specs, () => builder.startFetcher(recorder), indexed, ports);
    recorder.update({ fetch: undefined });
  };
  const installed = await watch.stage('Install', () =>
    install(plan, session, lock, { entries, indexes, ccache, saver, fetch }, recorder, logger),
  );
  const { prefix } = installed;
  const packed = await watch.stage('Make the tarballs', async () =>
    pack(plan, project, session, { prefix, tree: await copyTree(session, prefix) }),
  );
  const software = `${packed.session}/${fileName(plan.identifier, 'software')}`;
  const { runtimePackages, contents } = await watch.stage('Audit', () =>
    audit(software, plan, project, session, logger),
  );
  const described = await watch.stage('Describe', () =>
    describe(plan, project, session, packed, { lock, prefix, runtimePackages, contents }),
  );
  const smokeReport = plan.options.smokeTest
    ? await watch.stage('Smoke test', () => smoke(plan, request, described, recorder, ports))
    : undefined;
  const finished = await checkOwnResult(plan);
  // What was not tested must not come back to a build that asks for the test.
  if (plan.options.smokeTest) {
    recorder.addSave({
      key: resultKey(plan.identifier, plan.contentKey),
      directory: finished.folder,
      files: finished.described.map((file) => file.name),
    });
  }
  return {
    ...finished,
    cacheHit: installed.rootFromCache ? 'build-cache' : 'none',
    packages: installed.packages,
    smoke: smokeReport,
  };
}
