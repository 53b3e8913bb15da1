import { resolve } from 'node:path';
import { formatBytes } from '../../base/bytes.js';
import type { Change, Comparison, FileChange } from '../../bundle/compare.js';
import type { Colours } from '../../local/style.js';
import type { Command } from '../command.js';
import { output } from '../options.js';
import { table } from '../table.js';

/** Files of the trees that a terminal gets; `--json` has them all. */
const mostFiles = 40;

export const diff: Command = {
  name: 'diff',
  description:
    'Show what differs between two results: versions, features, libraries, configure results, files and sizes.',
  examples: [
    'diff old/ new/',
    'diff out/slurm-24.11.6-glibc2.34-amd64-manifest.json out/slurm-25.11.7-glibc2.34-amd64-manifest.json',
  ],
  argument: {
    name: 'before',
    description: 'folder with the files of one target, its manifest or its software tarball',
    required: true,
    completes: 'file',
  },
  second: { name: 'after', description: 'the other one', required: true, completes: 'file' },
  options: output,
  async run({ argument = '', second = '' }, { root, machine, invocation, colours }) {
    const { openSide } = await import('../../bundle/side.js');
    const { compareSides, isSame } = await import('../../bundle/compare.js');
    const { features } = await (await machine()).openProject(root);
    const a = await openSide(resolve(invocation.cwd, argument), 'before');
    const b = await openSide(resolve(invocation.cwd, second), 'after');
    const comparison = compareSides(a, b, features.features);
    const same = isSame(comparison);
    return {
      lines: same
        ? [`Nothing differs between ${a.identifier} and ${b.identifier}.`]
        : format(comparison, [a.identifier, b.identifier], colours.out),
      data: { before: a.identifier, after: b.identifier, same, ...comparison },
    };
  },
};

const titles: Readonly<Record<keyof Comparison, string>> = {
  facts: 'Facts',
  packages: 'Packages',
  libraries: 'Libraries in the tarball',
  runtimePackages: 'Needed at run time',
  features: 'Features',
  configure: 'What configure found out',
  results: 'Files that are handed out',
  files: "Files in the software's tarball",
};

function format(comparison: Comparison, names: readonly [string, string], colours: Colours): string[] {
  const lines = [`${colours.red(`- ${names[0]}`)}`, `${colours.green(`+ ${names[1]}`)}`];
  for (const [part, title] of Object.entries(titles) as [keyof Comparison, string][]) {
    const changes: readonly (Change | FileChange)[] = comparison[part];
    if (changes.length === 0) continue;
    const shown = changes.toSorted((a, b) => growth(b) - growth(a)).slice(0, mostFiles);
    const rows = shown.map(({ name, before, after }) => [
      `  ${name}`,
      shownValue(before),
      '→',
      shownValue(after),
    ]);
    const more = changes.length - shown.length;
    lines.push('', colours.bold(`${title}: ${counts(changes)}`), ...table(rows, colours));
    if (more > 0) lines.push(`  and ${more} more; --json has them all`);
  }
  return lines;
}

// What is new or gone, or has another size by far, comes first; the rest stays in order.
const growth = ({ before = 0, after = 0 }: Change | FileChange): number =>
  typeof before === 'number' && typeof after === 'number' ? Math.abs(after - before) : 0;

const shownValue = (value: string | number | undefined): string =>
  value === undefined ? '-' : typeof value === 'number' ? formatBytes(value) : value;

function counts(changes: readonly (Change | FileChange)[]): string {
  const added = changes.filter(({ before }) => before === undefined).length;
  const removed = changes.filter(({ after }) => after === undefined).length;
  const words = [
    [changes.length - added - removed, 'changed'],
    [added, 'added'],
    [removed, 'removed'],
  ] as const;
  return words.flatMap(([count, word]) => (count === 0 ? [] : [`${count} ${word}`])).join(', ');
}
