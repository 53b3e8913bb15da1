import { setOutput } from '@actions/core';
import { fileOutputs } from '../bundle/catalogue.js';
import type { BuildReport } from '../pipeline/report.js';

/** The outputs of a report by their names in action.yml. */
export function outputsOf(report: BuildReport): Record<string, string> {
  return {
    'slurm-version': report.slurmVersion,
    target: report.identifier,
    'content-key': report.contentKey,
    'cache-hit': report.cacheHit,
    ...fileOutputs(report.files),
    'artifact-ids': report.artifacts.flatMap((artifact) => artifact.id ?? []).join(','),
    'artifact-urls': report.artifacts.map((artifact) => artifact.url).join('\n'),
  };
}

export function writeOutputs(report: BuildReport): void {
  for (const [name, value] of Object.entries(outputsOf(report))) setOutput(name, value);
}
