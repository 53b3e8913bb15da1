import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { buildEnvironment, proxySecrets, publicEnvironment } from '../base/environment.js';
import { CancelledError, describeError, type ExitCode, exitCodeOf, exitCodes } from '../base/errors.js';
import { exists } from '../base/files.js';
import { checkNewFile, makeFolder, systemFault } from '../base/folders.js';
import { inspectHost } from '../base/host.js';
import type { Logger, Ports, StateStore } from '../base/ports.js';
import { visible } from '../base/text.js';
import { formatVerifyReport, verifyFolder } from '../bundle/verify.js';
import { makeSeal, type Seal } from '../cache/seal.js';
import { cacheSecretOf } from '../config/resolve.js';
import { openCacheFolder } from '../local/cache-folder.js';
import { nodeProcessIn } from '../local/process.js';
import { claimRecords, RecordFile } from '../local/records.js';
import { directoryCache, localArtifacts } from '../local/stores.js';
import { afterBuild } from '../pipeline/after.js';
import { recordPlaces } from '../pipeline/confine.js';
import { auditFile, type InspectRequest, smokeFile } from '../pipeline/inspect.js';
import { runBuild } from '../pipeline/pipeline.js';
import { openProject } from '../pipeline/project.js';
import { type PostRecord, storedRecord } from '../pipeline/record.js';
import type { BuildReport } from '../pipeline/report.js';
import { type CacheReport, cacheRows, cacheTotals, summaryRows } from '../pipeline/summary.js';
import { formatJunit } from '../smoke/junit.js';
import { checkRows, SmokeError, type SmokeReport } from '../smoke/report.js';
import { type Call, parseArguments, processFacts } from './args.js';
import { consoleLogger, Printer, type Streams } from './console.js';
import { readSecretFiles, refuseSecretVariables } from './secrets.js';

type Facts = ReturnType<typeof processFacts>;
type Doing<T extends Call['command']> = Extract<Call, { command: T }>;

/**
 * Runs the command line.
 * @param root folder of the project's files
 * @param facts arguments, environment and folder, where they are not the process's own
 * @returns the exit code
 */
export async function runCli(
  root: string,
  version: string,
  streams: Streams,
  facts: Facts = processFacts(),
): Promise<ExitCode> {
  const printer = new Printer(streams);
  const call = parseArguments(facts.argv, facts.env, version);
  const logger = consoleLogger(printer, call.command !== 'done' && call.flags.verbose);
  for (const secret of proxySecrets(facts.env)) logger.mask(secret);
  try {
    if (call.command === 'done') {
      await (call.exitCode === 0 ? printer.print(call.text) : printer.log(visible(call.text, '\n\t')));
      return call.exitCode;
    }
    const lines = await carryOut(root, call, facts, logger);
    await printer.print(`${lines.map((line) => visible(line, '\n\t')).join('\n')}\n`);
    return exitCodes.ok;
  } catch (thrown) {
    const error = systemFault(thrown);
    logger.error(describeError(error));
    return exitCodeOf(error);
  }
}

/** Does what a call asks for and returns the lines that tell of it. */
async function carryOut(
  root: string,
  call: Exclude<Call, { command: 'done' }>,
  facts: Facts,
  logger: Logger,
): Promise<string[]> {
  refuseSecretVariables(facts.env);
  switch (call.command) {
    case 'build':
      return build(root, call, facts, logger);
    case 'audit':
    case 'smoke': {
      if (call.command === 'smoke' && call.junit !== undefined) await checkNewFile(call.junit, '--junit');
      await makeFolder(call.flags.cacheDir, { mode: 0o700, input: '--cache-dir' });
      const { signal, release } = cancelOnSignals();
      try {
        return await check(root, call, facts, localPorts(call.flags.cacheDir, facts, logger, signal));
      } finally {
        release();
      }
    }
    case 'verify': {
      const { publicKey } = call;
      const options = { env: facts.env, ...(publicKey === undefined ? {} : { publicKey }) };
      return formatVerifyReport(await verifyFolder(call.folder, options, nodeProcessIn(facts.env)));
    }
  }
}

/** Checks a finished tarball again. */
async function check(
  root: string,
  call: Doing<'audit' | 'smoke'>,
  facts: Facts,
  ports: Ports,
): Promise<string[]> {
  const request: InspectRequest = {
    project: await openProject(root),
    host: await inspectHost(facts.env),
    engine: call.flags.engine,
    workRoot: call.flags.cacheDir,
    env: buildEnvironment(facts.env),
  };
  if (call.command === 'audit') {
    const { tarball, figures } = await auditFile(call.tarball, request, ports);
    return [`${tarball}: ${figures.files} files keep every rule (${figures.seconds.toFixed(1)} s)`];
  }
  const write = async (report: SmokeReport) => {
    if (call.junit !== undefined) await writeFile(call.junit, formatJunit(report));
  };
  try {
    const report = await smokeFile(call.tarball, call.prefix, request, ports);
    await write(report);
    return checkRows(report).map((row) => row.join('  '));
  } catch (error) {
    if (error instanceof SmokeError) await write(error.report);
    throw error;
  }
}

function localPorts(
  cacheDir: string,
  facts: Facts,
  logger: Logger,
  signal: AbortSignal,
  own: { readonly record: StateStore; readonly scratch?: string } = { record: { save: () => {} } },
): Ports {
  return {
    process: nodeProcessIn(facts.env),
    logger,
    cache: directoryCache(join(cacheDir, 'entries'), own.scratch),
    artifacts: localArtifacts(join(cacheDir, 'logs')),
    state: own.record,
    env: publicEnvironment(facts.env),
    signal,
  };
}

async function build(root: string, call: Doing<'build'>, facts: Facts, logger: Logger): Promise<string[]> {
  const { cacheDir, report } = call.flags;
  const reportFile = report === undefined ? undefined : resolve(facts.cwd, report);
  if (reportFile !== undefined) await checkNewFile(reportFile, '--report');
  const secrets = await readSecretFiles(call.secretFiles, facts.cwd);
  // A record of this build lies there before anything else.
  await makeFolder(cacheDir, { mode: 0o700, input: '--cache-dir' });
  const host = await inspectHost(facts.env);
  const secret = cacheSecretOf([...call.layers, secrets]);
  await openCacheFolder(cacheDir, secret !== undefined, logger);
  const runId = randomBytes(6).toString('hex');
  const scratch = join(cacheDir, 'transfer', `${host.owner}~${runId}`);
  const places = recordPlaces(cacheDir, scratch, facts.env);
  const record = new RecordFile(join(cacheDir, 'records'), `${host.owner}~${runId}`, places);
  const { signal, release } = cancelOnSignals();
  const seal = secret === undefined ? undefined : makeSeal(secret);
  const ports = localPorts(call.flags.cacheDir, facts, logger, signal, { record, scratch });
  try {
    await finishEarlierBuilds(claimRecords(join(cacheDir, 'records'), host.owner, places), ports, seal);
    const made = await runBuild(
      {
        layers: [...call.layers, secrets],
        project: await openProject(root),
        host,
        cwd: facts.cwd,
        workRoot: cacheDir,
        transfer: scratch,
        trigger: { event: undefined, ref: undefined, fromFork: false },
        env: buildEnvironment(facts.env),
        runId,
        installMissing: call.flags.installMissing,
      },
      ports,
    );
    if (reportFile !== undefined) {
      await writeFile(reportFile, `${JSON.stringify(made, undefined, 2)}\n`);
    }
    return formatReport(made);
  } finally {
    await finish(record, ports, seal);
    release();
  }
}

/** Does for builds that were killed what they could not do themselves: their packages are kept, their rest goes. */
async function finishEarlierBuilds(files: readonly RecordFile[], ports: Ports, seal?: Seal): Promise<void> {
  for (const file of files) {
    ports.logger.info('An earlier build was killed; what it built is kept, the rest of it is removed.');
    await finish(file, ports, seal);
  }
}

async function finish(file: RecordFile, ports: Ports, seal?: Seal): Promise<void> {
  const record = readOrTell(file, ports.logger);
  if (record !== undefined) logCaches(await afterBuild(record, ports, seal), ports.logger);
  if (record === undefined || record.kept || !(await exists(record.buildFolder))) file.remove();
  // A container that outlives its engine still writes; the next build removes the folder then, and only that.
  else {
    const { packages: _, ccache: __, ...rest } = record;
    file.save(storedRecord({ ...rest, saves: [] }));
  }
}

// A record that is not to be followed is none: it goes, and what it names stays.
function readOrTell(file: RecordFile, logger: Logger): PostRecord | undefined {
  try {
    return file.read();
  } catch (error) {
    logger.warning(describeError(error));
    return undefined;
  }
}

function cancelOnSignals(): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const handler = () => {
    controller.abort(new CancelledError('The build was cancelled.', 'Run it again; what was built is kept.'));
  };
  process.once('SIGINT', handler).once('SIGTERM', handler);
  return {
    signal: controller.signal,
    release: () => {
      process.off('SIGINT', handler).off('SIGTERM', handler);
    },
  };
}

function logCaches(report: CacheReport, logger: Logger): void {
  if (report.uses.length === 0) return;
  logger.info('Caches');
  for (const row of [...cacheRows(report), ...cacheTotals(report)]) logger.info(`  ${row.join('  ')}`);
}

const formatReport = (report: BuildReport): string[] => [
  ...summaryRows(report).map((row) => row.join('  ')),
  ...report.described.map((file) => join(report.outputDir, file.name)),
];
