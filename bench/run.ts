// Measures this project against Spack used plainly and against plain make, in one run, with real Docker
// and real Spack. The figures go to standard output as JSON, tables to standard error. `--help` says more.
import { mkdtempSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { measureBare } from './bare.js';
import type { Bench, Left, Prepared } from './bench.js';
import { measureCaches } from './caches.js';
import { type Measurements, needsTools, runCases } from './cases.js';
import { type Compared, compare, type Earlier, readEarlier } from './compare.js';
import { measureFirst } from './first.js';
import { measureInstall } from './install.js';
import { describeMachine } from './machine.js';
import { help, type Options, readOptions } from './options.js';
import { measureAfterCold, measureCold, measurePackaging } from './ours.js';
import { formatPage, formatText } from './page.js';
import { measurePlain } from './plain.js';
import { prepare } from './prepare.js';
import { type Results, resultsNumber } from './results.js';
import { measureStartup } from './startup.js';
import { comparisons, targets } from './targets.js';
import { measureWorth } from './worth.js';

// This file is build/bench/run.js by the time it runs.
const root = resolve(import.meta.dirname, '..', '..');
const tools =
  process.env['SLURM_FACTORY_TEST_TOOLS'] ??
  join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'slurm-factory-tests');
const say = (text: string) => void process.stderr.write(`${text}\n`);

/** How each case is measured; what the last cold build left is there for those that start from it. */
function measurementsOf(bench: Bench, prepared: Prepared | undefined, results: Results): Measurements {
  const nodes = [process.execPath, join(tools, 'node', 'node_modules', 'node', 'bin', 'node')];
  let kept: Left | undefined;
  const ready = (): Prepared => {
    if (prepared === undefined) throw new Error('nothing was prepared');
    return prepared;
  };
  const left = (): Left => {
    if (kept === undefined) throw new Error('there is no cold build');
    return kept;
  };
  const { nextRelease } = bench.settings;
  return {
    startup: () => measureStartup(bench, nodes),
    first: () => measureFirst(ready()),
    cold: async () => {
      const cold = await measureCold(ready());
      kept = cold.left;
      return cold.figures;
    },
    nothing: () => measureAfterCold(ready(), left(), 'nothing'),
    packaging: () => measurePackaging(ready(), left()),
    // The distribution's own libraries: the same packages.
    system: () => measureAfterCold(ready(), left(), 'system', { options: ['--dependencies', 'system'] }),
    // Compiled again, with ccache's files of the first one.
    cuda: () => measureAfterCold(ready(), left(), 'cuda', { options: ['--gpu', 'cuda'] }),
    patch: () => measureAfterCold(ready(), left(), 'patch', { release: nextRelease }),
    caches: () => measureCaches(ready(), left()),
    install: () => measureInstall(ready(), left()),
    bare: () => measureBare(ready(), left()),
    worth: () => measureWorth(ready(), left(), results.figures),
    plain: () => measurePlain(ready()),
  };
}

async function readEarlierFile(options: Options): Promise<Earlier | undefined> {
  if (options.compare === undefined) return undefined;
  try {
    return readEarlier(await readFile(options.compare, 'utf8'), options);
  } catch (error) {
    throw new Error(`--compare ${options.compare}: ${error instanceof Error ? error.message : error}`);
  }
}

/** @returns the exit code */
async function measure(options: Options, earlier: Earlier | undefined): Promise<number> {
  const { release, nextRelease, toolchain, cases, repeat } = options;
  const work = mkdtempSync(join(tmpdir(), 'slurm-factory-bench-'));
  const results: Results = {
    layout: resultsNumber,
    ...{ release, nextRelease, toolchain, cases },
    machine: describeMachine(),
    ...{ figures: {}, rounds: {}, peakLoads: {}, failed: [] },
  };
  // An interrupt ends what runs at the moment; the folder is then removed as after any failure.
  const interrupt = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(name, () => interrupt.abort(new Error('interrupted')));
  const { signal } = interrupt;
  try {
    const bench: Bench = { root, settings: options, work, say, signal };
    const prepared = cases.some(needsTools) ? await prepare(bench) : undefined;
    if (prepared !== undefined) {
      results.preparation = prepared.preparation;
      results.jobs = prepared.plan.jobs;
    }
    await runCases(measurementsOf(bench, prepared, results), results, { repeat, say, signal });
    if (signal.aborted) return 130;
    const compared = earlier === undefined ? undefined : compare(earlier, results);
    await tell(results, compared, options);
    const worse = compared?.changes.some(({ verdict }) => verdict === 'worse') === true;
    return worse || results.failed.length > 0 ? 1 : 0;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function tell(
  results: Results,
  compared: Compared | undefined,
  { json, markdown, keepGoing }: Options,
): Promise<void> {
  const { figures } = results;
  const all = { ...results, comparisons: comparisons(figures), targets: targets(figures), compared };
  const text = `${JSON.stringify(all, undefined, 2)}\n`;
  if (json !== undefined) await writeFile(json, text);
  process.stdout.write(text);
  say(formatText(results, compared));
  if (markdown === undefined) return;
  // A page that lacks a case looks as if it were never measured.
  if (results.failed.length > 0 && !keepGoing)
    say(`${markdown} is not written: a case failed (--keep-going).`);
  else await writeFile(markdown, formatPage(results, compared));
}

/** What the user wants, and the run to compare with; undefined after a word on what is wrong with it. */
async function asked(): Promise<{ options: Options; earlier: Earlier | undefined } | undefined> {
  try {
    const options = readOptions(process.argv.slice(2), tools, process.cwd());
    return { options, earlier: await readEarlierFile(options) };
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

const request = await asked();
if (request === undefined) process.exitCode = 2;
else if (request.options.help) process.stdout.write(`${help}\n`);
else process.exitCode = await measure(request.options, request.earlier);
