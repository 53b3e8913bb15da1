import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { checkNewFile } from '../../base/folders.js';
import type { Concretized } from '../../pipeline/pipeline.js';
import { type Answer, type Command, type Context, type Given, textOf } from '../command.js';
import { common, inputOptions } from '../options.js';
import { runInView } from '../running.js';
import { table } from '../table.js';
import { readBuild, releaseArgument } from './build.js';

export const concretize: Command = {
  name: 'concretize',
  description: 'Let Spack solve what a build would have, and show it; nothing is built.',
  examples: [
    'concretize 26.05.3 --features full',
    'concretize 26.05.3 --spec "cflags=-O3 ^lz4@1.9" --lock spack.lock',
  ],
  argument: releaseArgument,
  options: [
    ...inputOptions('build'),
    {
      name: 'lock',
      value: 'file',
      completes: 'file',
      description: 'write the lock there, for the input spack-lock of a build',
    },
    ...common,
  ],
  lenient: true,
  run: runCommand,
};

async function runCommand(given: Given, context: Context): Promise<Answer> {
  const { layer, secretFiles } = readBuild(given, context.invocation);
  const named = textOf(given, 'lock');
  const file = named === undefined ? undefined : resolve(context.invocation.cwd, named);
  if (file !== undefined) await checkNewFile(file, '--lock');
  const { workLocally } = await import('../../local/build.js');
  const { runConcretize } = await import('../../pipeline/pipeline.js');
  return runInView({ given, context, layer, secretFiles }, async ({ request, place, machine }) => {
    const { result: solved } = await workLocally(request, place, () => {}, machine, runConcretize);
    if (file !== undefined) await writeFile(file, solved.text);
    return { lines: format(solved, context), data: { identifier: solved.identifier, ...solved.lock } };
  });
}

function format({ identifier, lock }: Concretized, { colours }: Context): string[] {
  const rows = lock.specs
    .map(({ name, version, hash, external }) => [name, version, external ?? hash.slice(0, 7)])
    .sort(([a = ''], [b = '']) => (a < b ? -1 : 1));
  const built = lock.specs.filter(({ external }) => external === undefined).length;
  return [
    `${colours.out.bold(identifier)}: ${lock.specs.length} packages, ${built} of them Spack's, the others the distribution's`,
    ...table(rows, colours.out),
  ];
}
