import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { formatBytes } from '../../base/bytes.js';
import { InputError } from '../../base/errors.js';
import { type InputName, inputOf, inputsOfCommand, isSecret, type RawInputs } from '../../config/inputs.js';
import type { Gathered } from '../../pipeline/gather.js';
import type { Answer, Command, Context, Given } from '../command.js';
import { common, inputLayer, inputOptions } from '../options.js';
import { runInView } from '../running.js';

/** What decides what a build fetches, and where its result goes. */
const groups = ['What is built', 'Spack', 'How it is built', 'Results'];
const taken = (name: InputName): boolean => groups.includes(inputOf(name).group) && !isSecret(name);
const takenNames = inputsOfCommand('build').filter(taken);

export const mirror: Command = {
  name: 'mirror',
  description:
    'Gather all that builds fetch in a directory, for sites without a network: sources, Spack, container images.',
  examples: [
    'mirror create /media/usb/slurm 24.11',
    'mirror create /media/usb/slurm 24.11.6 25.11.7 --gpu cuda',
    'build 24.11.6 --source-mirror /media/usb/slurm --container-network none',
  ],
  argument: {
    name: 'action',
    description: 'create, which adds what lacks',
    required: true,
    words: ['create'],
  },
  second: { name: 'folder', description: 'where it is gathered', required: true, completes: 'folder' },
  rest: {
    name: 'release',
    description: 'releases to build from it, as `build` takes them; the latest without any',
    required: false,
  },
  options: [...inputOptions('build').filter(({ name }) => takenNames.some((one) => one === name)), ...common],
  async run(given, context) {
    const { cwd } = context.invocation;
    const folder = resolve(cwd, given.second ?? '');
    const releases = given.rest ?? [];
    const gathered: Gathered[] = [];
    for (const release of releases.length === 0 ? [undefined] : releases) {
      gathered.push(await gatherOne(given, context, folder, release));
    }
    return {
      lines: linesOf(gathered, folder),
      data: { folder, index: join(folder, 'mirror.json'), targets: gathered },
    };
  },
};

/** Builds a target, or takes it from the cache: only then is it known what its smoke test takes. */
async function gatherOne(
  given: Given,
  context: Context,
  folder: string,
  release: string | undefined,
): Promise<Gathered> {
  const layer = inputLayer('build', given);
  if (release !== undefined && layer.values['slurm-version'] !== undefined) {
    const message = 'the releases stand behind the directory. Leave it out.';
    throw new InputError([{ input: 'slurm-version', message }]);
  }
  const asked: RawInputs = release === undefined ? {} : { 'slurm-version': release };
  const wanted = { ...layer, values: { ...layer.values, ...asked } };
  return runInView(
    { given, context, layer: wanted, secretFiles: {} },
    async ({ request, place, machine }) => {
      const { buildLocally, workLocally } = await import('../../local/build.js');
      const { gather } = await import('../../pipeline/gather.js');
      const { report } = await buildLocally(request, place, () => {}, machine);
      const brought = await broughtBy(report.files.manifest);
      const work: Parameters<typeof workLocally<Gathered>>[4] = (built, ports) =>
        gather(built, folder, { runtimePackages: report.runtimePackages, brought }, ports);
      return (await workLocally(request, place, () => {}, machine, work)).result;
    },
    ['The mirror was cancelled.', 'Run it again: what is in the directory stays, and the rest is added.'],
  );
}

/** Names of the packages whose libraries are in a tarball. */
async function broughtBy(path: string): Promise<string[]> {
  const { broughtPackages, manifestSchema } = await import('../../bundle/manifest.js');
  const manifest = manifestSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  return [...new Set(broughtPackages(manifest).map(({ name }) => name))];
}

function linesOf(gathered: readonly Gathered[], folder: string): Answer['lines'] {
  return [
    ...gathered.map(
      ({ identifier, files, bytes }) =>
        `${identifier}  ${files === 0 ? 'all of it was there' : `${files} files came, ${formatBytes(bytes)}`}`,
    ),
    `Without a network: slurm-factory build RELEASE --source-mirror ${folder} --container-network none`,
  ];
}
