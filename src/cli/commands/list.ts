import { resolve } from 'node:path';
import { formatBytes } from '../../base/bytes.js';
import { type Layer, settle as settleInput } from '../../config/layers.js';
import type { Colours } from '../../local/style.js';
import type { Project } from '../../pipeline/project.js';
import { type Answer, type Command, type Context, type Given, isGiven, textOf } from '../command.js';
import { common } from '../options.js';
import { settleOrRefuse } from '../settings.js';
import { table } from '../table.js';

export const list: Command = {
  name: 'list',
  description: 'List what was built on this machine, and the releases of Slurm that can be built.',
  examples: ['list', 'list --built', 'list --available --json'],
  options: [
    { name: 'built', description: 'show only what was built: in the output folder and in the cache' },
    {
      name: 'available',
      description: 'show only the releases that can be built, with their support and known vulnerabilities',
    },
    {
      name: 'output-dir',
      value: 'folder',
      completes: 'folder',
      description: 'folder that files were handed out to (default: that of the settings)',
    },
    ...common,
  ],
  async run(given, context) {
    const project = await (await context.machine()).openProject(context.root);
    const [built, available] = [isGiven(given, 'built'), isGiven(given, 'available')];
    const both = built === available;
    const parts: Answer[] = [];
    if (built || both) parts.push(await listPackages(given, context));
    if (available || both) parts.push(await listReleases(project, context.colours.out, today()));
    return {
      lines: parts.flatMap(({ lines }, index) => (index === 0 ? lines : ['', ...lines])),
      data: Object.assign({}, ...parts.map(({ data }) => data)),
    };
  },
};

const today = (): string => new Date().toISOString().slice(0, 10);

async function listPackages(given: Given, context: Context): Promise<Answer> {
  const named = textOf(given, 'output-dir');
  const own: Layer = { origin: 'option', values: named === undefined ? {} : { 'output-dir': named } };
  const { layers, spackCache } = await settleOrRefuse(given, context, own);
  const { listBuilt } = await import('../../local/built.js');
  const outputDir = resolve(context.invocation.cwd, settleInput(layers, 'output-dir').text);
  const found = await listBuilt({ outputDirs: [outputDir], spackCache });
  const data = found.map(({ identifier, folder, cached, manifest, built, files, bytes }) => ({
    ...{ target: identifier, slurmVersion: manifest.slurmVersion, built: built.toISOString() },
    ...{ bytes, cached, folder, files },
  }));
  const rows = data.map(({ target, bytes, cached, folder, built }) => [
    ...[target, built.slice(0, 16).replace('T', ' '), formatBytes(bytes)],
    cached ? 'cache' : folder,
  ]);
  const none = `Nothing was built yet: no manifest is in ${outputDir}, no result in ${spackCache}.`;
  const head = ['Built', 'When (UTC)', 'Size', 'Where'];
  return {
    lines: rows.length === 0 ? [none] : table(rows, context.colours.out, head),
    data: { built: data },
  };
}

/** The releases, the newest first, with what is known of each. */
export async function listReleases(
  { releases, support, advisories }: Pick<Project, 'releases' | 'support' | 'advisories'>,
  colours: Colours,
  date: string,
): Promise<Answer> {
  const { knownAgainst } = await import('../../targets/advisories.js');
  const { unsupportedSince } = await import('../../targets/support.js');
  const data = releases.toReversed().map((release) => {
    const { version, series } = release;
    const until = support.find((own) => own.series === series)?.until;
    const ended = unsupportedSince(support, series, date);
    const known = knownAgainst(release, advisories);
    return {
      ...{ version, series, date: release.date.slice(0, 10), supported: ended === undefined },
      ...(until === undefined ? {} : { supportUntil: until }),
      vulnerabilities: known?.ids ?? [],
      mendedIn: known?.mended ?? [],
    };
  });
  const rows = data.map(({ version, date: made, supported, supportUntil, vulnerabilities, mendedIn }) => [
    ...[version, made, supportWord(supported, supportUntil)],
    vulnerabilities.length === 0
      ? 'none known'
      : `${vulnerabilities.length}, mended in ${mendedIn.join(', ')}`,
  ]);
  const head = ['Release', 'Date', 'Support', 'Vulnerabilities'];
  return { lines: table(rows, colours, head), data: { available: data } };
}

function supportWord(supported: boolean, until: string | undefined): string {
  if (until === undefined) return supported ? 'not known' : 'ended';
  return supported ? `until ${until}` : `ended ${until}`;
}
