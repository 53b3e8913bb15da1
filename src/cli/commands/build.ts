import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { InputError } from '../../base/errors.js';
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
import { type Running, runInView } from '../running.js';
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
  /** Identifier of a leg of the plan. */
  readonly only: string | undefined;
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
    only: textOf(given, 'only'),
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
    'build --only slurm-24.11.7-glibc2.34-amd64-cuda',
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
    {
      name: 'only',
      value: 'target',
      description:
        'build this leg of the plan that slurm-factory.yml describes (see plan), with the inputs that a workflow gives it',
    },
    { name: 'keep-container', description: 'leave the container of a build that fails, for debugging' },
    ...common,
  ],
  lenient: true,
  run: runCommand,
};

async function runCommand(given: Given, context: Context): Promise<Answer> {
  const call = readBuild(given, context.invocation);
  const { installMissing, keepContainer, layer, secretFiles, report: file } = call;
  if (file !== undefined) await checkNewFile(file, '--report');
  const summary = await import('../../pipeline/summary.js');
  const { buildLocally } = await import('../../local/build.js');
  return runInView({ given, context, layer, secretFiles }, async (running) => {
    const { request, place, machine } = running;
    const tellCaches = (caches: CacheReport) => logCaches(caches, summary, place.logger);
    const layers =
      call.only === undefined ? request.layers : [...request.layers, await legLayer(call, running)];
    const { report } = await buildLocally(
      { ...request, layers, installMissing, keepContainer },
      place,
      tellCaches,
      machine,
    );
    if (file !== undefined) await writeFile(file, `${JSON.stringify(report, undefined, 2)}\n`);
    return { lines: formatReport(report, summary, context.colours.out), data: report };
  });
}

/** The inputs of the leg that `--only` names; what the call says itself beside it would make another target of it. */
async function legLayer(
  { only = '', layer }: BuildCall,
  { request, place, machine }: Running,
): Promise<Layer> {
  const given = Object.keys(layer.values).find((name) => decisive.includes(name));
  if (given !== undefined) {
    throw new InputError([{ input: given, message: '--only says what is built. Leave one of them out.' }]);
  }
  const { planLocally } = await import('../../local/plan.js');
  const { archOn } = await import('../../pipeline/arch.js');
  const { inputsOfLeg } = await import('./plan.js');
  const made = await planLocally({ ...request, everything: true }, place, machine);
  const host = await machine.inspectHost(place.env);
  return { origin: 'option', values: await inputsOfLeg(only, made, archOn(host)) };
}

/** Inputs that a leg says itself. */
const decisive = ['slurm-version', 'toolchain', 'gpu', 'dependencies', 'features'];

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
