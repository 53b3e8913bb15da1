import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from '../command.js';
import { output } from '../options.js';

export const version: Command = {
  name: 'version',
  description: 'Show the versions of this program, of Node and of the pinned Spack.',
  examples: ['version', 'version --json'],
  options: output,
  async run(_, { root, version: own }) {
    // Two numbers of a file of our own need none of its schema, which takes as long to load as all else.
    const pins = JSON.parse(await readFile(join(root, 'data', 'pins.json'), 'utf8'));
    const data = {
      version: own,
      node: process.version.slice(1),
      platform: `${process.platform}-${process.arch}`,
      spack: String(pins.spack?.commit ?? ''),
      packages: String(pins.packages?.commit ?? ''),
    };
    return {
      lines: [
        `slurm-factory ${data.version}`,
        `Node ${data.node}, ${data.platform}`,
        `Spack ${data.spack.slice(0, 12)}, spack-packages ${data.packages.slice(0, 12)}`,
      ],
      data,
    };
  },
};
