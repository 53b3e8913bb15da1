import { resolve } from 'node:path';
import { type Command, type Given, type Invocation, textOf } from '../command.js';
import { common } from '../options.js';

export const readVerify = (given: Given, { cwd }: Invocation) => ({
  folder: resolve(cwd, given.argument ?? ''),
  publicKey: textOf(given, 'public-key'),
});

export const verify: Command = {
  name: 'verify',
  description: 'Check sums, manifests and signatures of the files in a folder, offline.',
  examples: ['verify slurm-factory-output', 'verify slurm-factory-output --public-key key.asc'],
  argument: {
    name: 'folder',
    description: 'folder with the files of one target or more',
    required: true,
    completes: 'folder',
  },
  options: [
    {
      name: 'public-key',
      value: 'file',
      completes: 'file',
      description: 'public key that the signatures must be of',
    },
    ...common,
  ],
  async run(given, { invocation, machine }) {
    const { folder, publicKey } = readVerify(given, invocation);
    const options = { env: invocation.env, ...(publicKey === undefined ? {} : { publicKey }) };
    const { formatVerifyReport, verifyFolder } = await import('../../bundle/verify.js');
    const report = await verifyFolder(folder, options, (await machine()).process(invocation.env));
    return { lines: formatVerifyReport(report), data: report };
  },
};
