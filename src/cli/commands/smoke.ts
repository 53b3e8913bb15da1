import { writeFile } from 'node:fs/promises';
import { checkNewFile } from '../../base/folders.js';
import type { SmokeReport } from '../../smoke/report.js';
import { inspect } from '../checks.js';
import { type Command, type Given, textOf } from '../command.js';
import { common, engineOption } from '../options.js';

export const readSmoke = (given: Given) => ({
  prefix: textOf(given, 'prefix'),
  containerImage: textOf(given, 'container-image'),
  junit: textOf(given, 'junit'),
});

export const smoke: Command = {
  name: 'smoke',
  description: 'Run a one-node cluster from a finished software tarball, in a fresh container.',
  examples: [
    'smoke slurm-factory-output/slurm-24.11.6-glibc2.34-amd64-software.tar.gz',
    'smoke slurm-24.11.6-glibc2.34-amd64-software.tar.gz --prefix /opt/slurm --junit checks.xml',
  ],
  argument: {
    name: 'tarball',
    description: '<target>-software.tar.gz, with the files of its result beside it',
    required: true,
    completes: 'file',
  },
  options: [
    engineOption,
    {
      name: 'prefix',
      value: 'folder',
      completes: 'folder',
      description: 'where to install; a random folder without it',
    },
    {
      name: 'container-image',
      value: 'image',
      description:
        "distribution to run it on, in place of the toolchain's; a tarball that brings its libraries runs on others too",
    },
    { name: 'junit', value: 'file', completes: 'file', description: 'write the checks as JUnit XML' },
    ...common,
  ],
  async run(given, context) {
    const { junit, ...where } = readSmoke(given);
    if (junit !== undefined) await checkNewFile(junit, '--junit');
    const { smokeFile } = await import('../../pipeline/inspect.js');
    const { checkRows, SmokeError, smokeJunit } = await import('../../smoke/report.js');
    const write = async (report: SmokeReport) => {
      if (junit !== undefined) await writeFile(junit, smokeJunit(report));
    };
    return inspect(given, context, async (tarball, request, ports) => {
      try {
        const report = await smokeFile(tarball, where, request, ports);
        await write(report);
        return { lines: checkRows(report).map((row) => row.join('  ')), data: report };
      } catch (error) {
        if (error instanceof SmokeError) await write(error.report);
        throw error;
      }
    });
  },
};
