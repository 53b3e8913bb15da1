import { resolve } from 'node:path';
import { InputError } from '../../base/errors.js';
import { type Command, type Given, type Invocation, textOf } from '../command.js';
import { common } from '../options.js';
import { pathOf } from '../settings.js';

export const readVerify = (given: Given, invocation: Invocation) => ({
  folder: given.argument === undefined ? undefined : resolve(invocation.cwd, given.argument),
  installed: pathOf(given, 'installed', invocation),
  publicKey: textOf(given, 'public-key'),
});

export const verify: Command = {
  name: 'verify',
  description:
    'Check sums, manifests and signatures of the files in a folder, or a tree that was installed, offline.',
  examples: [
    'verify slurm-factory-output',
    'verify slurm-factory-output --public-key key.asc',
    'verify slurm-factory-output --installed /opt/slurm',
    'verify --installed /opt/slurm',
  ],
  argument: {
    name: 'folder',
    description: 'folder with the files of one target or more',
    required: false,
    completes: 'folder',
  },
  options: [
    {
      name: 'installed',
      value: 'prefix',
      completes: 'folder',
      description:
        "tree that was installed or unpacked: it is compared with the target's files in the folder or, without one, with what its installer has noted in it",
    },
    {
      name: 'public-key',
      value: 'file',
      completes: 'file',
      description: 'public key that the signatures must be of',
    },
    ...common,
  ],
  async run(given, { invocation, machine }) {
    const { folder, installed, publicKey } = readVerify(given, invocation);
    const options = { env: invocation.env, ...(publicKey === undefined ? {} : { publicKey }) };
    if (installed !== undefined) {
      const { formatInstalledReport, verifyInstalled } = await import('../../bundle/installed.js');
      const process = (await machine()).process(invocation.env);
      const report = await verifyInstalled(installed, { ...options, folder }, process);
      return { lines: formatInstalledReport(report), data: report };
    }
    if (folder === undefined) {
      const message = 'name the folder with the files, or the tree with --installed.';
      throw new InputError([{ input: 'folder', message }]);
    }
    const { formatVerifyReport, verifyFolder } = await import('../../bundle/verify.js');
    const report = await verifyFolder(folder, options, (await machine()).process(invocation.env));
    return { lines: formatVerifyReport(report), data: report };
  },
};
