import { type InputName, inputsOfCommand } from '../../config/inputs.js';
import type { Answer, Command, Context, Given } from '../command.js';
import { common, inputLayer, inputOptions, secretFilesOf } from '../options.js';
import { runInView } from '../running.js';

/** What decides where the index is written, and what with. */
const taken: readonly InputName[] = [
  ...(['build-cache', 'build-cache-login', 'build-cache-endpoint', 'cache'] as const),
  ...(['toolchain', 'engine', 'container-image', 'spack-ref', 'packages-ref'] as const),
  ...(['gpg-private-key', 'gpg-passphrase'] as const),
];
const names = inputsOfCommand('build').filter((name) => taken.includes(name));

export const index: Command = {
  name: 'index',
  description: 'Write the index of a build cache that machines share, once all of them have pushed.',
  examples: [
    'index --build-cache oci://ghcr.io/site/slurm-cache --build-cache-login "REGISTRY_USER REGISTRY_TOKEN"',
    'index --build-cache /mnt/share/slurm-cache',
  ],
  options: [
    ...inputOptions('build').filter(({ name }) =>
      names.some((one) => one === name || `${one}-file` === name),
    ),
    ...common,
  ],
  run: runCommand,
};

async function runCommand(given: Given, context: Context): Promise<Answer> {
  const { workLocally } = await import('../../local/build.js');
  const { runIndex } = await import('../../pipeline/index-cache.js');
  const call = {
    given,
    context,
    layer: inputLayer('build', given),
    secretFiles: secretFilesOf('build', given),
  };
  return runInView(call, async ({ request, place, machine }) => {
    const { result } = await workLocally(request, place, () => {}, machine, runIndex);
    return { lines: [`${result.buildCache} has an index of its packages`], data: result };
  });
}
