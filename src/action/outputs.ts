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

/** The outputs of a report by their names in action.yml. */
export const outputsOf = (report: BuildReport): Record<string, string> =>
  Object.fromEntries(Object.entries(buildOutputs).map(([name, { value }]) => [name, value(report)]));

export function writeOutputs(report: BuildReport): void {
  for (const [name, value] of Object.entries(outputsOf(report))) setOutput(name, value);
}
