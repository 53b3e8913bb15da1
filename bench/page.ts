// The tables for people to read: on a terminal, and as docs/performance.md.
import { type Compared, compareSection } from './compare.js';
import type { Results } from './results.js';
import { type Section, sections } from './table.js';
import { shown } from './targets.js';

/** Facts of the machine and of the run, a name and a value each. */
function facts(results: Results): [string, string][] {
  const { machine, release, nextRelease, toolchain, jobs, peakLoads, cases, rounds } = results;
  const often = cases.map((name) => `${name} ${rounds[name]?.length ?? 0}`);
  const loads = Object.entries(peakLoads).map(([name, load]) => `${name} ${load.toFixed(1)}`);
  return [
    ['date', machine.date],
    ['CPU', `${machine.cpu}, ${machine.cores} cores`],
    ['memory', `${(machine.memoryBytes / 2 ** 30).toFixed(1)} GiB`],
    ['system', `${machine.system}, kernel ${machine.kernel}, Node ${machine.node}`],
    ['engine', machine.engine ?? 'none'],
    ['load at start', `${machine.loadAtStart.toFixed(1)}, ${machine.otherContainers} other containers`],
    ['highest load', loads.join(', ')],
    ['built', `Slurm ${release}, then ${nextRelease}, on ${toolchain}`],
    ['make jobs', jobs === undefined ? '' : String(jobs)],
    ['cases, and how often', often.join(', ')],
  ].filter((fact): fact is [string, string] => fact[1] !== '');
}

const unticked = (text: string): string => text.replaceAll('`', '');

/** All tables, a comparison's behind the others. */
const tablesOf = (results: Results, compared: Compared | undefined): Section[] => [
  ...sections(results),
  ...(compared === undefined || compared.changes.length === 0 ? [] : [compareSection(compared)]),
];

/** The results on a terminal. */
export function formatText(results: Results, compared?: Compared): string {
  const lines = facts(results).map((fact) => fact.join(': '));
  for (const { title, head, rows } of tablesOf(results, compared)) {
    const table = [head, ...rows].map((row) => row.map(unticked));
    const widths = head.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
    const cell = (text: string, column: number) =>
      column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0);
    lines.push('', `-- ${title}`, ...table.map((row) => row.map(cell).join('  ').trimEnd()));
  }
  const failures = results.failed.map(({ name, message }) => `FAILED ${name}: ${message}`);
  return [
    ...lines,
    ...remarks(results, compared),
    ...(failures.length > 0 ? ['', ...failures] : []),
    '',
  ].join('\n');
}

/** What a reader should know besides the tables, a paragraph each. */
function remarks({ figures: { plain } }: Results, compared: Compared | undefined): string[] {
  const lacks = plain?.missingPlugins ?? [];
  const notes = [
    ...(lacks.length > 0 ? [`plain lacks: ${lacks.join(' ')}`] : []),
    ...(compared?.notes ?? []),
  ];
  return notes.flatMap((note) => ['', note]);
}

function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)];
}

/** docs/performance.md. */
export function formatPage(results: Results, compared?: Compared): string {
  const tables = tablesOf(results, compared).flatMap(({ title, head, rows }) => [
    '',
    `## ${title}`,
    '',
    ...markdownTable(head, rows),
  ]);
  const failed = results.failed.map(({ name }) => name);
  return [
    '# Performance',
    '',
    'Written whole by `npm run bench -- --markdown docs/performance.md`. Every figure is of one run on one',
    'machine: the median of the rounds that the table below has for its case. Ratios are between figures of that',
    'run. A table or row that is not there was not measured.',
    ...(failed.length === 0 ? [] : ['', `Failed in this run, and so not measured: ${failed.join(', ')}.`]),
    '',
    '## Run',
    '',
    ...markdownTable(['', ''], facts(results)),
    ...tables,
    ...remarks(results, compared),
    ...explanation(results),
    '',
  ].join('\n');
}

function explanation({ figures: { plain, bare } }: Results): string[] {
  const size = plain === undefined ? '' : ` It installs ${shown(plain.installedBytes, 'bytes')}.`;
  return [
    '',
    '## What is compared with what',
    '',
    '- **Ours** is the command line from `dist/`, from its start to its end: cold with an empty cache folder, each',
    '  other case with a copy of what the cold build has left in it. Clones, source archives and the builder image',
    '  are there before. It runs the smoke test, which none of the other ways has: ratios of builds leave the time',
    '  of that stage out, limits in seconds of a whole step leave it in. The first smoke test makes its image, where',
    '  the engine does not have it yet.',
    "- **First run** is a new machine's: an engine and the distribution's image are there, and no clones, no builder",
    '  image, no image of the smoke test and no caches. Its base is the same image with a label more, so nothing of',
    "  the engine's own cache fits. Its ratio leaves nothing out.",
    '- **What it takes of the machine** is what the kernel counts of all that runs on it, above what was there',
    "  before: received by the interfaces with a default route, written to the disks of the bench's folder and the",
    "  engine's, most memory without what the kernel could give back, most room on those disks. *Instead out of",
    '  files* are the source archive in the mirror, and clones where git finds them on the machine itself.',
    `- **Plain, cold** is Spack with its builtin recipe${plain === undefined ? '' : ` (\`${plain.spec}\`)`} in the same image, container,`,
    '  externals and source mirror: `concretize --fresh`, `install`, `buildcache push`, `tar -chzf` of the installed',
    `  tree.${size}`,
    '- **Plain, warm** is the same again in a new container with an empty install tree. The build cache that the',
    "  first has pushed is its mirror, and Spack's user cache is kept from the first, as it is for a user who comes",
    '  back: `concretize --fresh`, `install` from the build cache, `tar -chzf`.',
    "- **Bare make** is upstream's archive without Spack and without our patches, in the builder image:",
    '  `configure`, `make`, `make install`, with the arguments that our recipe gave in the cold build, less those',
    `  that name Spack's folders. Unpacking is not counted.${bare === undefined ? '' : ' It was'}`,
    ...(bare === undefined ? [] : [`  \`configure ${bare.arguments.join(' ')}\`.`]),
    '- **Push and restore** go through the same code as a build: entries are saved one after the other, restored at',
    '  the same time, and their sums checked. The cache service speaks the v2 protocol on loopback to the',
    "  toolkit's own client; a network takes longer.",
    '- **What a cache is worth**: the packaging case against the case in which nothing changed (result, lock), the',
    '  cold build against one whose lock and result were lost (indexes, packages) and against the next patch release',
    '  (ccache), a fetch against a checkout of bare repositories that are there (clones), a build of the image from',
    '  its base against `docker load` (builder image, packed by `docker save | zstd`). Bytes as they lie in the cache',
    '  folder; with a network, every restore takes the download of its bytes besides.',
    '',
    '## Repeat',
    '',
    'On a machine with Docker, git and Node 20, with nothing else running:',
    '',
    '```sh',
    'npm install && npm run build',
    'npm run bench -- --json figures.json --markdown docs/performance.md',
    'npm run bench -- --cases cold,nothing --repeat 3     # some of it; --help lists cases and options',
    'npm run bench -- --compare figures.json              # what got worse since then: exit code 1',
    '```',
  ];
}
