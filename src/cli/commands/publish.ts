import { resolve } from 'node:path';
import type { RawInputs } from '../../config/inputs.js';
import type { PublishReport } from '../../publish/publish.js';
import { type Answer, type Command, type Context, type Given, isGiven } from '../command.js';
import { common, inputLayer, inputOptions, secretFilesOf } from '../options.js';
import { readSecretFiles } from '../secrets.js';
import { levelOf, openLog, settle } from '../settings.js';
import { cancellable } from '../signals.js';

export const publish: Command = {
  name: 'publish',
  description: 'Make a release of finished results: verified, with an index, a page and signed sums.',
  examples: [
    'publish slurm-factory-output',
    'publish artifacts --plan plan.json --allow-missing --release-dir release',
    'publish out --gpg-private-key-file key.asc --tag v1 --repository OWNER/NAME --github-token-file token',
  ],
  argument: {
    name: 'folder',
    description: 'folder with the results, in it or in folders of it',
    required: false,
    completes: 'folder',
  },
  options: [...inputOptions('publish'), ...common],
  lenient: true,
  run,
};

async function run(given: Given, context: Context): Promise<Answer> {
  const { invocation, root } = context;
  const { cwd, env } = invocation;
  const layer = inputLayer('publish', given);
  const results: RawInputs = given.argument === undefined ? {} : { results: given.argument };
  const settled = await settle(given, context, { ...layer, values: { ...layer.values, ...results } });
  const secrets = await readSecretFiles(secretFilesOf('publish', given), cwd);
  const { resolvePublish } = await import('../../config/publish-options.js');
  const { InputError } = await import('../../base/errors.js');
  const options = resolvePublish([...settled.layers, { origin: 'option', values: secrets }]);
  if (options.results === undefined) {
    throw new InputError([{ input: 'folder', message: 'it is missing: name the folder with the results.' }]);
  }
  const from = resolve(cwd, options.results);
  const { publishResults } = await import('../../local/publish.js');
  const machine = await context.machine();
  const project = await machine.openProject(root);
  const log = await openLog(context.logger, levelOf(given, settled), settled);
  return cancellable(
    ['Publishing was cancelled.', 'Run it again; what is there is taken up.'],
    async (signal) => {
      const place = { ...settled, env, logger: log.logger, signal };
      const { process, web } = machine.ports(place);
      const ports = { process, web, logger: log.logger, signal };
      const report = await publishResults(options, {
        project,
        results: from,
        cwd,
        env,
        commit: undefined,
        ports,
      });
      return { lines: isGiven(given, 'quiet') ? [] : formatReport(report), data: report };
    },
  ).finally(log.close);
}

function formatReport({ folder, targets, missing, files, fingerprint, release }: PublishReport): string[] {
  return [
    `${targets.length} targets, ${files.length} files in ${folder}`,
    ...(missing.length === 0 ? [] : [`missing: ${missing.join(', ')}`]),
    fingerprint === undefined ? 'not signed' : `signed with ${fingerprint}`,
    ...(release === undefined
      ? []
      : [`${release.before ? 'published before, and sound' : 'published'}: ${release.url}`]),
  ];
}
