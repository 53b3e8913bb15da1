import { resolve } from 'node:path';
import { InputError } from '../../base/errors.js';
import { gpuSynonyms, gpus } from '../../targets/gpus.js';
import { type Answer, type Command, type Context, type Given, textOf } from '../command.js';
import { common } from '../options.js';
import { levelOf, openLog, settleOrRefuse } from '../settings.js';
import { cancellable } from '../signals.js';

export const get: Command = {
  name: 'get',
  description: 'Fetch the tarball of a published release that fits this machine, verified.',
  examples: [
    'get --from https://github.com/OWNER/NAME/releases/latest/download/index.json',
    'get 24.11 --from https://owner.github.io/slurm --fingerprint 0123…',
    'get 24.11.6 --from /mnt/release --public-key key.asc --output-dir slurm',
  ],
  argument: {
    name: 'release',
    description: '24.11.6, or 24.11 for the newest of it that fits; the newest of all without it',
    required: false,
    completes: 'release',
    pattern: /^(?:latest|\d+\.\d+(?:\.\d+)*)$/,
  },
  options: [
    {
      name: 'from',
      value: 'place',
      completes: 'folder',
      description: 'address or folder of the release, or of its index.json',
    },
    {
      name: 'gpu',
      value: 'value',
      words: gpus,
      description: "kind of GPU support (default: what this machine's drivers ask for)",
    },
    {
      name: 'target',
      value: 'target',
      description: 'identifier of a target to take, whatever this machine is',
    },
    {
      name: 'output-dir',
      value: 'folder',
      completes: 'folder',
      description: "folder for the files (default: one of the target's name)",
    },
    {
      name: 'public-key',
      value: 'file',
      completes: 'file',
      description: 'public key that the release must be signed with',
    },
    { name: 'fingerprint', value: 'digits', description: 'fingerprint of that key' },
    ...common,
  ],
  run,
};

/** What a call asks for. */
function readGet(given: Given, cwd: string) {
  const problems: { input: string; message: string }[] = [];
  const from = textOf(given, 'from');
  if (from === undefined) {
    problems.push({
      input: '--from',
      message: 'it is missing: give the address or the folder of a release.',
    });
  }
  const word = textOf(given, 'gpu');
  const gpu = word === undefined ? undefined : (gpuSynonyms[word] ?? gpus.find((kind) => kind === word));
  if (word !== undefined && gpu === undefined) {
    problems.push({
      input: '--gpu',
      message: `'${word}' is no kind of GPU. Choose one of: ${gpus.join(', ')}.`,
    });
  }
  const fingerprint = textOf(given, 'fingerprint')?.replaceAll(/[\s:]/g, '').toUpperCase();
  if (fingerprint !== undefined && !/^(?:[0-9A-F]{40}|[0-9A-F]{64})$/.test(fingerprint)) {
    problems.push({ input: '--fingerprint', message: 'it is not a whole fingerprint, 40 hex digits.' });
  }
  if (problems.length > 0) throw new InputError(problems);
  const output = textOf(given, 'output-dir');
  const key = textOf(given, 'public-key');
  return {
    from: from ?? '',
    release: given.argument,
    target: textOf(given, 'target'),
    gpu,
    fingerprint,
    publicKey: key === undefined ? undefined : resolve(cwd, key),
    folder: (target: string) => resolve(cwd, output ?? target),
  };
}

async function run(given: Given, context: Context): Promise<Answer> {
  const { cwd, env } = context.invocation;
  const { from, ...wish } = readGet(given, cwd);
  const settled = await settleOrRefuse(given, context);
  const { lookAtMachine } = await import('../../local/this-machine.js');
  const { openSource } = await import('../../publish/source.js');
  const { getTarget } = await import('../../publish/get.js');
  const machine = await context.machine();
  const log = await openLog(context.logger, levelOf(given, settled), settled);
  return cancellable(['Fetching was cancelled.', 'Run it again; what is there stays.'], async (signal) => {
    const { process, web } = machine.ports({ ...settled, env, logger: log.logger, signal });
    const source = await openSource(from, cwd, { web, signal });
    const got = await getTarget(
      source,
      { ...wish, machine: await lookAtMachine() },
      { process, env, logger: log.logger },
    );
    return { lines: formatGot(got), data: got };
  }).finally(log.close);
}

function formatGot(got: Awaited<ReturnType<typeof import('../../publish/get.js').getTarget>>): string[] {
  const { target, slurmVersion, installer, fingerprint, trusted, vulnerabilities, mendedIn } = got;
  const known =
    vulnerabilities.length === 0
      ? []
      : [
          `note: Slurm ${slurmVersion} has ${vulnerabilities.length} known vulnerabilities, mended in ${mendedIn.join(', ')}`,
        ];
  return [
    `${target}: ${got.files.length} files in ${got.folder}, all sums match`,
    ...(fingerprint === undefined
      ? []
      : [`signed with ${fingerprint}${trusted ? '' : ' (not trusted: the key came with the files)'}`]),
    ...known,
    'next:',
    `  sh ${installer} --check`,
    `  sh ${installer} --prefix /opt/slurm`,
  ];
}
