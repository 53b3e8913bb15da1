import { setOutput } from '@actions/core';
import type { BuildReport } from '../pipeline/report.js';

/** Type of an output as `action-types.yml` knows them. */
export type OutputType =
  | { readonly type: 'string' }
  | { readonly type: 'enum'; readonly 'allowed-values': readonly string[] }
  | {
      readonly type: 'list';
      readonly separator: string;
      readonly 'list-item': { readonly type: 'string' | 'integer' };
    };

export interface OutputOf<Report> {
  readonly description: string;
  readonly metadata: OutputType;
  readonly value: (report: Report) => string;
}

const string = { type: 'string' } as const;

/** The outputs of the build action. `action.yml`, `action-types.yml` and `docs/inputs.md` come from this table. */
export const buildOutputs = {
  'slurm-version': {
    description: 'The exact Slurm release that was built.',
    metadata: string,
    value: (report) => report.slurmVersion,
  },
  target: {
    description: 'Identifier of the target, slurm-<release>[.p<source>]-<toolchain>-<arch>[-<gpu>].',
    metadata: string,
    value: (report) => report.identifier,
  },
  'content-key': {
    description: 'sha256 over all that decides the bytes of the tarballs.',
    metadata: string,
    value: (report) => report.contentKey,
  },
  'cache-hit': {
    description:
      'result (finished tarballs came from the cache), build-cache (Slurm came as a binary package) or none.',
    metadata: { type: 'enum', 'allowed-values': ['result', 'build-cache', 'none'] },
    value: (report) => report.cacheHit,
  },
  'software-tarball': {
    description: 'Path of the software tarball.',
    metadata: string,
    value: (report) => report.files.software,
  },
  'modules-tarball': {
    description: 'Path of the modules tarball.',
    metadata: string,
    value: (report) => report.files.modules,
  },
  'spack-lock': {
    description: "Path of Spack's lock.",
    metadata: string,
    value: (report) => report.files.lock ?? '',
  },
  manifest: {
    description: 'Path of the manifest.',
    metadata: string,
    value: (report) => report.files.manifest,
  },
  'artifact-ids': {
    description: 'Numbers of the uploaded artifacts, with commas between.',
    metadata: { type: 'list', separator: ',', 'list-item': { type: 'integer' } },
    value: (report) => report.artifacts.flatMap((artifact) => artifact.id ?? []).join(','),
  },
  'artifact-urls': {
    description: 'Web addresses of the uploaded artifacts, one a line.',
    metadata: { type: 'list', separator: '\n', 'list-item': { type: 'string' } },
    value: (report) => report.artifacts.map((artifact) => artifact.url).join('\n'),
  },
} as const satisfies Record<string, OutputOf<BuildReport>>;

type PlanOutput = Omit<OutputOf<unknown>, 'value'>;

/**
 * The outputs of the plan action; those of matrices are JSON for `strategy.matrix`. Of `matrix-0` and `stage-0` there
 * are as many as it takes: an action written in JavaScript may set outputs that its metadata does not name.
 */
export const planOutputs = {
  matrix: {
    description:
      'All legs as one matrix, for fromJSON; empty over 256 legs, which are matrix-0, matrix-1 and so on.',
    metadata: string,
  },
  count: { description: 'Number of legs.', metadata: string },
  empty: { description: 'true where nothing is to be built, else false.', metadata: string },
  skipped: {
    description: 'Number of legs that were left out: not selected, or their result is there already.',
    metadata: string,
  },
  chunks: { description: 'Number of the matrices matrix-0, matrix-1 and so on.', metadata: string },
  'matrix-0': {
    description: 'The first 256 legs; matrix-1 has the next ones, and so on.',
    metadata: string,
  },
  stages: { description: 'Number of the matrices stage-0, stage-1 and so on.', metadata: string },
  'stage-0': {
    description:
      'Legs that wait for none; those of stage-1 use what these built, and so on. One that is not there is empty.',
    metadata: string,
  },
  plan: { description: 'Path of the plan as JSON, which publish goes by.', metadata: string },
} as const satisfies Record<string, PlanOutput>;

/** The outputs of a report by their names in action.yml. */
export const outputsOf = (report: BuildReport): Record<string, string> =>
  Object.fromEntries(Object.entries(buildOutputs).map(([name, { value }]) => [name, value(report)]));

export function writeOutputs(report: BuildReport): void {
  for (const [name, value] of Object.entries(outputsOf(report))) setOutput(name, value);
}
