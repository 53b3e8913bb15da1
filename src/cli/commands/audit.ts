import { inspect } from '../checks.js';
import type { Command } from '../command.js';
import { common, engineOption } from '../options.js';

export const audit: Command = {
  name: 'audit',
  description: 'Audit a finished software tarball.',
  examples: ['audit slurm-factory-output/slurm-24.11.6-glibc2.34-amd64-software.tar.gz'],
  argument: {
    name: 'tarball',
    description: '<target>-software.tar.gz',
    required: true,
    completes: 'file',
  },
  options: [engineOption, ...common],
  run: (given, context) =>
    inspect(given, context, async (file, request, ports) => {
      const { auditFile } = await import('../../pipeline/inspect.js');
      const report = await auditFile(file, request, ports);
      const { tarball, figures } = report;
      const line = `${tarball}: ${figures.files} files keep every rule (${figures.seconds.toFixed(1)} s)`;
      return { lines: [line], data: report };
    }),
};
