// How long `slurm-factory plan --json` takes for 10, 100, 1,000 and 10,000 legs, and how much memory:
// `npm run bench:plan -- [--markdown docs/scale.md]`, from dist/. Exit code 1 where 10,000 legs take a second or 200 MB.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Plan } from '../src/plan/plan.js';
import { parseReleases } from '../src/targets/release-data.js';

const root = resolve(import.meta.dirname, '..', '..');
const { values } = parseArgs({ options: { markdown: { type: 'string' } } });

const newest = parseReleases(readFileSync(join(root, 'data', 'slurm-releases.json'), 'utf8'))
  .map(({ version }) => version)
  .reverse();
const distributions = ['bookworm', 'bullseye', 'jammy', 'noble', 'resolute'];
const features = ['default', 'minimal', 'full', 'default -lua', 'full -sview'];
interface Size {
  readonly releases: number;
  readonly toolchains: number;
  readonly gpus: readonly string[];
  readonly archs: readonly string[];
  readonly features: number;
  readonly kinds?: string;
}
/** The factors of each number of legs. */
const sizes: readonly Size[] = [
  { releases: 10, toolchains: 1, gpus: ['none'], archs: ['amd64'], features: 1 },
  { releases: 10, toolchains: 5, gpus: ['none', 'cuda'], archs: ['amd64'], features: 1 },
  { releases: 50, toolchains: 5, gpus: ['none', 'cuda'], archs: ['amd64', 'arm64'], features: 1 },
  {
    releases: 50,
    toolchains: 5,
    gpus: ['none', 'cuda'],
    archs: ['amd64', 'arm64'],
    features: 5,
    kinds: 'system bundled',
  },
];
const times = 5;

const measureMemory =
  'process.on("exit",()=>process.stderr.write(`rss ${process.resourceUsage().maxRSS}\\n`))';

interface Run {
  readonly legs: number;
  readonly milliseconds: number;
  /** MB */
  readonly rss: number;
}

function once(size: Size): Run {
  const lists = {
    releases: newest.slice(0, size.releases).join(' '),
    toolchains: distributions.slice(0, size.toolchains).join(' '),
    gpus: size.gpus.join(' '),
    archs: size.archs.join(' '),
    'feature-choices': features.slice(0, size.features).join('; '),
    // The distributions are of five different glibcs, so that their bundled targets are, too.
    'dependency-kinds': size.kinds ?? 'system',
  };
  const options = Object.entries(lists).flatMap(([name, value]) => [`--${name}`, value]);
  const words = [
    `--import=data:text/javascript,${measureMemory}`,
    join(root, 'dist', 'cli', 'index.js'),
    'plan',
    '--json',
  ];
  const started = performance.now();
  const done = spawnSync(process.execPath, [...words, ...options], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    cwd: '/',
  });
  const milliseconds = performance.now() - started;
  if (done.status !== 0) throw new Error(done.stderr);
  const rss = Number(/^rss (\d+)$/m.exec(done.stderr)?.[1]) / 1024;
  const { count } = JSON.parse(done.stdout) as Plan;
  return { milliseconds, rss, legs: count };
}

const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;

const load = (loadavg()[0] ?? 0).toFixed(1);
const rows = sizes.map((size) => {
  const runs = Array.from({ length: times }, () => once(size));
  const row = {
    legs: runs[0]?.legs ?? 0,
    seconds: median(runs.map((run) => run.milliseconds)) / 1000,
    memory: Math.max(...runs.map((run) => run.rss)),
  };
  console.log(`${row.legs} legs: ${row.seconds.toFixed(2)} s, ${row.memory.toFixed(0)} MB`);
  return row;
});

if (values.markdown !== undefined) {
  const table = [
    '| legs | time | memory |',
    '|---|---|---|',
    ...rows.map(
      ({ legs, seconds, memory }) => `| ${legs} | ${seconds.toFixed(2)} s | ${memory.toFixed(0)} MB |`,
    ),
  ].join('\n');
  const day = new Date().toISOString().slice(0, 10);
  const how = `Measured by \`npm run bench:plan\` on ${day}, ${cpus()[0]?.model.trim()}, ${cpus().length} cores, load ${load} at the start, Node ${process.version}: the whole command from its start to its end, the median of ${times} calls, and the most memory of any.`;
  const file = resolve(root, values.markdown);
  const pattern = /(<!-- planning: [^\n]*-->\n)[\s\S]*?(<!-- end of planning -->)/;
  const text = readFileSync(file, 'utf8').replace(
    pattern,
    (_, start: string, end: string) => `${start}\n${how}\n\n${table}\n\n${end}`,
  );
  writeFileSync(file, text);
}

const last = rows.at(-1);
if (last === undefined || last.seconds >= 1 || last.memory >= 200) {
  console.error('10,000 legs take more than a second or 200 MB.');
  process.exitCode = 1;
}
