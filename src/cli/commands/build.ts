import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { checkNewFile } from '../../base/folders.js';
import type { Logger } from '../../base/ports.js';
import { inputOf, type RawInputs } from '../../config/inputs.js';
import type { Layer } from '../../config/layers.js';
import type { Colours } from '../../local/style.js';
import type { BuildReport } from '../../pipeline/report.js';
import type { CacheReport } from '../../pipeline/summary.js';
import {
  type Answer,
  type Command,
  type Context,
  type Given,
  type Invocation,
  isGiven,
  textOf,
} from '../command.js';
import { common, inputLayer, inputOptions, secretFilesOf } from '../options.js';
import { runInView } from '../running.js';
import type { SecretFiles } from '../secrets.js';

/** What a call of `build` asks for. */
export interface BuildCall {
  readonly layer: Layer;
  /** Files that secret inputs are read from, by the input. */
  readonly secretFiles: SecretFiles;
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
    report: report === undefined ? undefined : resolve(invocation.cwd, report),
    installMissing: isGiven(given, 'install-missing'),
    keepContainer: isGiven(given, 'keep-container'),
  };
}

/** The release as the first word of a call. */
export const releaseArgument = {
  name: 'release',
  description: inputOf('slurm-version').description,
  required: false,
  completes: 'release',
  pattern: /^(?:latest|\d+\.\d+(?:\.\d+)*|[0-9a-f]{40}|.*\.(?:tar\.(?:gz|bz2|xz)|tgz))$/s,
} as const;

export const build: Command = {
  name: 'build',
  description: 'Build a Slurm release, or take it from the cache.',
  examples: [
    'build 24.11',
    'build 24.11.6 --toolchain bookworm --gpu --output-dir out',
    'build 24.11.7 --patches site/fix.patch',
    'build --gpg-private-key-file key.asc --gpg-passphrase-file p.txt',
  ],
  argument: releaseArgument,
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
  run: runCommand,
};

async function runCommand(given: Given, context: Context): Promise<Answer> {
  const {
    installMissing,
    keepContainer,
    layer,
    secretFiles,
    report: file,
  } = readBuild(given, context.invocation);
  if (file !== undefined) await checkNewFile(file, '--report');
  const summary = await import('../../pipeline/summary.js');
  const { buildLocally } = await import('../../local/build.js');
  return runInView({ given, context, layer, secretFiles }, async ({ request, place, machine }) => {
    const tellCaches = (caches: CacheReport) => logCaches(caches, summary, place.logger);
    const { report } = await buildLocally(
      { ...request, installMissing, keepContainer },
      place,
      tellCaches,
      machine,
    );
    if (file !== undefined) await writeFile(file, `${JSON.stringify(report, undefined, 2)}\n`);
    return { lines: formatReport(report, summary, context.colours.out), data: report };
  });
}

type Summary = typeof import('../../pipeline/summary.js');

// Keys and sizes of entries are for those who look into the caches.
function logCaches(report: CacheReport, { cacheRows, cacheTotals }: Summary, logger: Logger): void {
  if (report.uses.length === 0) return;
  logger.debug('Caches');
  for (const row of [...cacheRows(report), ...cacheTotals(report)]) logger.debug(`  ${row.join('  ')}`);
}

function formatReport(report: BuildReport, { summaryRows }: Summary, { bold }: Colours): string[] {
  const rows = summaryRows(report);
  const width = Math.max(...rows.map(([name]) => name.length));
  return [
    ...rows.map(([name, value]) => `${bold(name.padEnd(width))}  ${value}`),
    ...report.described.map((file) => join(report.outputDir, file.name)),
  ];
}
