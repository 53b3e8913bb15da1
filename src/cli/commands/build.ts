import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { buildEnvironment } from '../../base/environment.js';
import { describeError } from '../../base/errors.js';
import { exists } from '../../base/files.js';
import { checkNewFile, makeFolder } from '../../base/folders.js';
import type { Logger, Ports, ProcessRunner } from '../../base/ports.js';
import { makeSeal, type Seal } from '../../cache/seal.js';
import { inputOf, type RawInputs } from '../../config/inputs.js';
import type { Layer } from '../../config/layers.js';
import { cacheSecretOf } from '../../config/resolve.js';
import { openCacheFolder } from '../../local/cache-folder.js';
import { claimRecords, RecordFile } from '../../local/records.js';
import { afterBuild } from '../../pipeline/after.js';
import { recordPlaces } from '../../pipeline/confine.js';
import { runBuild } from '../../pipeline/pipeline.js';
import { type PostRecord, storedRecord } from '../../pipeline/record.js';
import type { BuildReport } from '../../pipeline/report.js';
import { type CacheReport, cacheRows, cacheTotals, summaryRows } from '../../pipeline/summary.js';
import { type Command, type Context, type Facts, type Given, isGiven, textOf } from '../command.js';
import { cacheDirOf, common, inputLayer, inputOptions, secretFilesOf } from '../options.js';
import { readSecretFiles, type SecretFiles } from '../secrets.js';
import { cancellable } from '../signals.js';

/** What a call of `build` asks for. */
export interface BuildCall {
  readonly layer: Layer;
  /** Files that secret inputs are read from, by the input. */
  readonly secretFiles: SecretFiles;
  readonly cacheDir: string;
  /** Absolute path of the file for the report as JSON. */
  readonly report: string | undefined;
  readonly installMissing: boolean;
  readonly keepContainer: boolean;
}

export function readBuild(given: Given, facts: Facts): BuildCall {
  const layer = inputLayer('build', given);
  const release: RawInputs = given.argument === undefined ? {} : { 'slurm-version': given.argument };
  const report = textOf(given, 'report');
  return {
    layer: { ...layer, values: { ...layer.values, ...release } },
    secretFiles: secretFilesOf('build', given),
    cacheDir: cacheDirOf(given, facts),
    report: report === undefined ? undefined : resolve(facts.cwd, report),
    installMissing: isGiven(given, 'install-missing'),
    keepContainer: isGiven(given, 'keep-container'),
  };
}

export const build: Command = {
  name: 'build',
  description: 'Build a Slurm release, or take it from the cache.',
  examples: [
    'build 24.11',
    'build 24.11.6 --toolchain bookworm --gpu --output-dir out',
    'build 24.11 --gpg-private-key-file key.asc --gpg-passphrase-file pass.txt',
  ],
  argument: {
    name: 'release',
    description: inputOf('slurm-version').description,
    required: false,
    completes: 'release',
    pattern: /^(?:latest|\d+\.\d+(?:\.\d+)*)$/,
  },
  options: [
    ...inputOptions('build'),
    {
      name: 'install-missing',
      description: "install the distribution's packages that are missing (engine: none only)",
    },
    {
      name: 'report',
      value: 'file',
      completes: 'file',
      description: "write the build's report (files, timings, packages) as JSON",
    },
    { name: 'keep-container', description: 'leave the container of the build behind, for debugging' },
    ...common,
  ],
  lenient: true,
  run: (given, context) => runCommand(readBuild(given, context.facts), context),
};

async function runCommand(call: BuildCall, context: Context): Promise<string[]> {
  const { facts, logger, machine } = context;
  const { cacheDir } = call;
  if (call.report !== undefined) await checkNewFile(call.report, '--report');
  const secrets = await readSecretFiles(call.secretFiles, facts.cwd);
  // A record of this build lies there before anything else.
  await makeFolder(cacheDir, { mode: 0o700, input: '--cache-dir' });
  const host = await machine.inspectHost(facts.env);
  const layers: Layer[] = [call.layer, { origin: 'option', values: secrets }];
  const secret = cacheSecretOf(layers);
  await openCacheFolder(cacheDir, secret !== undefined, logger);
  const runId = randomBytes(6).toString('hex');
  const scratch = join(cacheDir, 'transfer', `${host.owner}~${runId}`);
  const places = recordPlaces(cacheDir, scratch, facts.env);
  const record = new RecordFile(join(cacheDir, 'records'), `${host.owner}~${runId}`, places);
  const seal = secret === undefined ? undefined : makeSeal(secret);
  const body = async (signal: AbortSignal): Promise<string[]> => {
    const ports = machine.ports({ cacheDir, env: facts.env, logger, signal, record, scratch });
    try {
      await finishEarlierBuilds(claimRecords(join(cacheDir, 'records'), host.owner, places), ports, seal);
      const made = await runBuild(
        {
          layers,
          project: await machine.openProject(context.root),
          host,
          cwd: facts.cwd,
          workRoot: cacheDir,
          transfer: scratch,
          trigger: { event: undefined, ref: undefined, fromFork: false },
          env: buildEnvironment(facts.env),
          runId,
          installMissing: call.installMissing,
          keepContainer: call.keepContainer,
        },
        ports,
      );
      if (call.report !== undefined) await writeFile(call.report, `${JSON.stringify(made, undefined, 2)}\n`);
      return formatReport(made);
    } finally {
      await finish(record, ports, seal);
    }
  };
  const told = ['The build was cancelled.', 'Run it again; what was built is kept.'] as const;
  return cancellable(told, body, () => stopContainer(record.read(), machine.process(facts.env)));
}

// The running command then fails, and the pipeline unwinds.
function stopContainer(record: PostRecord | undefined, runner: ProcessRunner): void {
  const { container } = record ?? {};
  if (container !== undefined) void runner.run([container.program, 'rm', '--force', container.name]);
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
  if (record === undefined || !(await exists(record.buildFolder))) file.remove();
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

function logCaches(report: CacheReport, logger: Logger): void {
  if (report.uses.length === 0) return;
  logger.info('Caches');
  for (const row of [...cacheRows(report), ...cacheTotals(report)]) logger.info(`  ${row.join('  ')}`);
}

const formatReport = (report: BuildReport): string[] => [
  ...summaryRows(report).map((row) => row.join('  ')),
  ...report.described.map((file) => join(report.outputDir, file.name)),
];
