import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { checkNewFile } from '../../base/folders.js';
import type { Logger } from '../../base/ports.js';
import { inputOf, type RawInputs } from '../../config/inputs.js';
import type { Layer } from '../../config/layers.js';
import { buildLocally } from '../../local/build.js';
import type { BuildReport } from '../../pipeline/report.js';
import { type CacheReport, cacheRows, cacheTotals, summaryRows } from '../../pipeline/summary.js';
import { type Command, type Context, type Given, type Invocation, isGiven, textOf } from '../command.js';
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

export function readBuild(given: Given, invocation: Invocation): BuildCall {
  const layer = inputLayer('build', given);
  const release: RawInputs = given.argument === undefined ? {} : { 'slurm-version': given.argument };
  const report = textOf(given, 'report');
  return {
    layer: { ...layer, values: { ...layer.values, ...release } },
    secretFiles: secretFilesOf('build', given),
    cacheDir: cacheDirOf(given, invocation),
    report: report === undefined ? undefined : resolve(invocation.cwd, report),
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
    'build 24.11.7 --patches site/fix.patch',
    'build 24.11 --gpg-private-key-file key.asc --gpg-passphrase-file pass.txt',
  ],
  argument: {
    name: 'release',
    description: inputOf('slurm-version').description,
    required: false,
    completes: 'release',
    pattern: /^(?:latest|\d+\.\d+(?:\.\d+)*|[0-9a-f]{40}|.*\.(?:tar\.(?:gz|bz2|xz)|tgz))$/s,
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
    { name: 'keep-container', description: 'leave the container of a build that fails, for debugging' },
    ...common,
  ],
  lenient: true,
  run: (given, context) => runCommand(readBuild(given, context.invocation), context),
};

async function runCommand(call: BuildCall, context: Context): Promise<string[]> {
  const { invocation, logger, machine } = context;
  const { cacheDir, installMissing, keepContainer } = call;
  if (call.report !== undefined) await checkNewFile(call.report, '--report');
  const secrets = await readSecretFiles(call.secretFiles, invocation.cwd);
  const request = {
    layers: [call.layer, { origin: 'option', values: secrets } as const],
    project: await machine.openProject(context.root),
    ...{ cwd: invocation.cwd, installMissing, keepContainer },
  };
  const body = async (signal: AbortSignal): Promise<string[]> => {
    const place = { cacheDir, env: invocation.env, logger, signal };
    const told = (caches: CacheReport) => logCaches(caches, logger);
    const { report } = await buildLocally(request, place, told, machine);
    if (call.report !== undefined) await writeFile(call.report, `${JSON.stringify(report, undefined, 2)}\n`);
    return formatReport(report);
  };
  return cancellable(['The build was cancelled.', 'Run it again; what was built is kept.'], body);
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
