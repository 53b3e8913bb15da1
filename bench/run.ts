// Measures this project against Spack used plainly and against plain make, in one run, with real Docker
// and real Spack. The figures go to standard output as JSON, tables to standard error. `--help` says more.
import { mkdtempSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { homedir, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { measureBare } from './bare.mjs';
import { measureCaches } from './caches.mjs';
import { afterCold, caseNames, selectCases } from './cases.mjs';
import { measureInstall } from './install.mjs';
import {
  measureCold,
  measureCuda,
  measureNothing,
  measurePackaging,
  measurePatch,
  measureSystem,
} from './ours.mjs';
import { formatPage, formatText } from './page.mjs';
import { measurePlain } from './plain.mjs';
import { describeMachine, prepare } from './prepare.mjs';
import { measureStartup } from './startup.mjs';
import { comparisons, targets } from './table.mjs';
import { measureWorth } from './worth.mjs';

const root = resolve(import.meta.dirname, '..');
const tools =
  process.env.SLURM_FACTORY_TEST_TOOLS ??
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'slurm-factory-tests');
const say = (text) => process.stderr.write(`${text}\n`);

const help = `node bench/run.mjs [options]

  --cases NAMES          some of ${caseNames.join(', ')}
                         (all; cold comes along where another case starts from it)
  --release R            release of the cold build (24.11.6)
  --next-release R       the patch release after it (24.11.7)
  --source-mirror DIR    Spack source mirror; archives that it lacks are made from upstream's tags
                         (the one that the tests keep)
  --json FILE            also write the figures there
  --markdown FILE        write the tables there as a page, docs/performance.md`;

function readArguments() {
  const { values } = parseArgs({
    options: {
      help: { type: 'boolean', default: false },
      cases: { type: 'string' },
      json: { type: 'string' },
      markdown: { type: 'string' },
      release: { type: 'string', default: '24.11.6' },
      'next-release': { type: 'string', default: '24.11.7' },
      'source-mirror': { type: 'string', default: join(tools, 'source-mirror') },
    },
  });
  return {
    help: values.help,
    json: values.json,
    markdown: values.markdown,
    cases: selectCases(values.cases),
    release: values.release,
    nextRelease: values['next-release'],
    mirror: resolve(values['source-mirror']),
    toolchain: 'bookworm',
  };
}

/** How each case is measured, and where its figures stand among the results. */
const measurements = {
  startup: (context) => measureStartup(root, context.work, context.nodes),
  cold: measureCold,
  nothing: measureNothing,
  packaging: measurePackaging,
  system: measureSystem,
  cuda: measureCuda,
  patch: measurePatch,
  caches: (context, results) => measureCaches(context, results.ours.cold.keys),
  install: (context, results) => measureInstall(context, results.ours.cold.output),
  bare: measureBare,
  worth: measureWorth,
  plain: measurePlain,
};
const ownCases = ['cold', 'nothing', 'packaging', 'system', 'cuda', 'patch'];

/** Runs one case; the highest load meanwhile shows whether it was alone. */
async function runCase(name, context, results) {
  say(`== ${name}`);
  let peakLoad = loadavg()[0];
  const timer = setInterval(() => {
    peakLoad = Math.max(peakLoad, loadavg()[0]);
  }, 5000);
  try {
    const figures = await measurements[name](context, results);
    (ownCases.includes(name) ? results.ours : results)[name] = figures;
    results.peakLoads[name] = peakLoad;
  } finally {
    clearInterval(timer);
  }
}

/** Runs the cases in order. One that fails takes only those with it that start from it. */
async function runCases(context, results, stopped) {
  for (const name of results.cases) {
    if (stopped()) return;
    const lost = afterCold.includes(name) && results.ours.cold === undefined;
    const run = lost ? Promise.reject(new Error('there is no cold build')) : runCase(name, context, results);
    await run.catch((error) => {
      say(`FAILED ${name}: ${error.stack}`);
      results.failed.push({ name, message: error.message });
    });
  }
}

async function main() {
  const settings = readArguments();
  if (settings.help) return process.stdout.write(`${help}\n`);
  const { release, nextRelease, toolchain, cases } = settings;
  const work = mkdtempSync(join(tmpdir(), 'slurm-factory-bench-'));
  const results = {
    ...{ release, nextRelease, toolchain, cases, machine: describeMachine() },
    ...{ preparation: undefined, ours: {}, peakLoads: {}, failed: [] },
  };
  // An interrupt ends what runs at the moment; the folder is then removed as after any failure.
  let interrupted = false;
  process.once('SIGINT', () => {
    interrupted = true;
  });
  try {
    const nodes = [process.execPath, join(tools, 'node', 'node_modules', 'node', 'bin', 'node')];
    const given = { root, settings, work, cacheDir: join(work, 'cache'), say, nodes };
    const context = cases.some((name) => name !== 'startup') ? await prepare(given) : given;
    results.preparation = context.preparation;
    results.jobs = context.plan?.jobs;
    await runCases(context, results, () => interrupted);
    if (!interrupted) await tell(results, settings);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  if (interrupted || results.failed.length > 0) process.exitCode = 1;
}

async function tell(results, { json, markdown }) {
  const { ours, ...rest } = results;
  // Where the bench kept its files is nobody's business.
  const shown = Object.entries(ours).map(([name, { output: _, ...figures }]) => [name, figures]);
  const all = {
    ...rest,
    ours: Object.fromEntries(shown),
    comparisons: comparisons(results),
    targets: targets(results),
  };
  const text = `${JSON.stringify(all, undefined, 2)}\n`;
  if (json !== undefined) await writeFile(json, text);
  if (markdown !== undefined) await writeFile(markdown, formatPage(results));
  process.stdout.write(text);
  say(formatText(results));
}

await main();
