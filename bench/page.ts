// The tables for people to read: on a terminal, and as docs/performance.md.
import { sections, shown } from './table.mjs';

/** Facts of the machine and of the run, a name and a value each. */
function facts({ machine, release, nextRelease, toolchain, jobs, peakLoads = {}, cases }) {
  const loads = Object.entries(peakLoads).map(([name, load]) => `${name} ${load.toFixed(1)}`);
  return [
    ['date', machine.date],
    ['CPU', `${machine.cpu}, ${machine.cores} cores`],
    ['memory', `${(machine.memoryBytes / 2 ** 30).toFixed(1)} GiB`],
    ['system', `${machine.system}, kernel ${machine.kernel}, Node ${machine.node}`],
    ['engine', machine.engine ?? 'none'],
    ['load at start', `${machine.loadAtStart.toFixed(1)}, ${machine.otherContainers} other containers`],
    ...(loads.length > 0 ? [['highest load', loads.join(', ')]] : []),
    ['built', `Slurm ${release}, then ${nextRelease}, on ${toolchain}`],
    ...(jobs === undefined ? [] : [['make jobs', String(jobs)]]),
    ['cases', cases.join(', ')],
  ];
}

const unticked = (text) => text.replaceAll('`', '');

/** The results on a terminal. */
export function formatText(results) {
  const lines = facts(results).map((fact) => fact.join(': '));
  for (const { title, head, rows } of sections(results)) {
    const table = [head, ...rows].map((row) => row.map(unticked));
    const widths = head.map((_, column) => Math.max(...table.map((row) => row[column].length)));
    const cell = (text, column) =>
      column === 0 ? text.padEnd(widths[column]) : text.padStart(widths[column]);
    lines.push('', `-- ${title}`, ...table.map((row) => row.map(cell).join('  ').trimEnd()));
  }
  return [...lines, ...failures(results), ...lacks(results), ''].join('\n');
}

const failures = ({ failed = [] }) =>
  failed.length === 0 ? [] : ['', ...failed.map(({ name, message }) => `FAILED ${name}: ${message}`)];

const lacks = ({ plain }) =>
  (plain?.missingPlugins.length ?? 0) > 0 ? ['', `plain lacks: ${plain.missingPlugins.join(' ')}`] : [];

function markdownTable(head, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)];
}

/** docs/performance.md. */
export function formatPage(results) {
  const tables = sections(results).flatMap(({ title, head, rows }) => [
    '',
    `## ${title}`,
    '',
    ...markdownTable(head, rows),
  ]);
  const failed = (results.failed ?? []).map(({ name }) => name);
  return [
    '# Performance',
    '',
    'Written whole by `npm run bench -- --markdown docs/performance.md`. Every figure is of one run on one',
    'machine, measured once (start-up and install.sh: the median of several); ratios are between figures of that',
    'run. A table or row that is not there was not measured.',
    ...(failed.length === 0 ? [] : ['', `Failed in this run, and so not measured: ${failed.join(', ')}.`]),
    '',
    '## Run',
    '',
    ...markdownTable(['', ''], facts(results)),
    ...tables,
    ...lacks(results),
    ...explanation(results),
    '',
  ].join('\n');
}

function explanation({ plain, bare }) {
  const size = plain === undefined ? '' : ` It installs ${shown(plain.installedBytes, 'bytes')}.`;
  return [
    '',
    '## What is compared with what',
    '',
    '- **Ours** is the command line from `dist/`, from its start to its end, on one cache folder that is empty at',
    '  first: cold, then nothing changed, then one template changed, then the next patch release. Clones, source',
    '  archives and the builder image are there before. It runs the smoke test, which none of the other ways has:',
    '  ratios of builds leave the time of that stage out, limits in seconds of a whole step leave it in. The first',
    '  smoke test makes its image, where the engine does not have it yet.',
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
    'npm run bench -- --cases cold,nothing     # some of it; --help lists the cases and options',
    '```',
  ];
}
