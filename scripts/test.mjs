// Runs all tests and closes with their count: `node scripts/test.mjs [unit|e2e] [jest's arguments]`.
// SLURM_FACTORY_TEST_NO_SKIP=1 makes a test that is skipped one that failed.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, relative, resolve } from 'node:path';
import { prepare } from './prepare.mjs';
import { endOf, tally } from './tally.mjs';

const root = resolve(import.meta.dirname, '..');
const jest = join(root, 'node_modules/jest/bin/jest.js');
// The tests make much that is soon forgotten: a larger young generation saves an eighth of their time.
const nodeOptions = ['--experimental-vm-modules', '--no-warnings', '--max-semi-space-size=64'];
/** Minutes: a test that hangs must end as a failure with its name, not as a run that somebody stops. */
const limits = {
  unit: 10,
  // With all of README's commands on a bare machine the tests run once more within one of their files.
  ...(process.env.SLURM_FACTORY_TEST_BARE === '1' ? { e2eFile: 150, e2e: 225 } : { e2eFile: 35, e2e: 80 }),
};

const [wanted, ...more] = process.argv.slice(2);
const options = more.findIndex((argument) => argument.startsWith('-'));
/** Parts of test files' names, then jest's own options. */
const patterns = options === -1 ? more : more.slice(0, options);
const jestOptions = options === -1 ? [] : more.slice(options);
const reports = mkdtempSync(join(tmpdir(), 'slurm-factory-tests-'));
const count = { passed: 0, failed: 0, skipped: [] };
const times = [];
const started = Date.now();

/** Runs jest in a process group of its own, and ends that group when its time is up. */
function run(args, { minutes, output = 'ignore' }) {
  return new Promise((ended) => {
    const child = spawn(process.execPath, [...nodeOptions, jest, ...args], {
      cwd: root,
      stdio: ['ignore', output, 'inherit'],
      detached: true,
    });
    let text = '';
    child.stdout?.on('data', (chunk) => {
      text += chunk;
    });
    let timedOut = false;
    const end = (signal) => {
      timedOut = true;
      try {
        process.kill(-child.pid, signal);
      } catch {
        // already gone
      }
    };
    const timers = [
      setTimeout(end, minutes * 60_000, 'SIGTERM'),
      setTimeout(end, minutes * 60_000 + 10_000, 'SIGKILL'),
    ];
    child.once('exit', (code) => {
      for (const timer of timers) clearTimeout(timer);
      ended({ code, timedOut, text });
    });
  });
}

async function runTests(name, args, minutes) {
  const begun = Date.now();
  const report = join(reports, `${basename(name)}.json`);
  const done = await run([...args, '--json', '--outputFile', report, '--verbose', ...jestOptions], {
    minutes,
  });
  times.push([name, (Date.now() - begun) / 1000]);
  if (done.timedOut) {
    console.error(`FAIL ${name}: not done after ${minutes.toFixed(0)} minutes`);
    count.failed += 1;
    return;
  }
  try {
    const found = tally(JSON.parse(readFileSync(report, 'utf8')), done.code, root);
    count.passed += found.passed;
    count.failed += found.failed;
    count.skipped.push(...found.skipped);
  } catch {
    count.failed += 1;
  }
}

/** The files of the slow tests: those of plain processes first, then the workflow whose result others use. */
async function slowFiles() {
  const { text } = await run(['--config', 'jest.config.e2e.js', '--listTests'], {
    minutes: 2,
    output: 'pipe',
  });
  const files = text.split('\n').filter((line) => line.endsWith('.test.ts'));
  const rank = (file) => ['integration/', 'e2e/build.', ''].findIndex((part) => file.includes(part));
  return files.map((file) => relative(root, file)).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
}

/** Runs the slow tests. Returns the id of the dockerd that was started for them. */
async function runSlow() {
  const files = (await slowFiles()).filter(
    (file) => patterns.length === 0 || patterns.some((part) => file.includes(part)),
  );
  if (files.length === 0) count.failed += 1;
  const begun = Date.now();
  console.log('Preparing what the slow tests need with scripts/prepare-e2e.sh: Docker, act, Node 24');
  const prepared = await prepare();
  times.push(['prepare-e2e.sh', (Date.now() - begun) / 1000]);
  const deadline = Date.now() + limits.e2e * 60_000;
  for (const file of files) {
    const left = (deadline - Date.now()) / 60_000;
    if (left < 0.5) {
      console.error(`FAIL ${file}: not begun, the time of all slow tests (${limits.e2e} minutes) is up`);
      count.failed += 1;
      continue;
    }
    const args = ['--config', 'jest.config.e2e.js', '--runTestsByPath', file];
    await runTests(file, args, Math.min(left, limits.e2eFile));
  }
  return prepared?.dockerd;
}

/** Stops the Docker Engine where this run has started it, and nobody has a container in it. */
function stopEngine(pid) {
  const containers = spawnSync('docker', ['ps', '--quiet'], { encoding: 'utf8' });
  if (containers.status !== 0 || containers.stdout !== '') return;
  const name = `/proc/${pid}/comm`;
  if (existsSync(name) && readFileSync(name, 'utf8').trim() === 'dockerd')
    process.kill(Number(pid), 'SIGTERM');
}

const keepsEngine = process.env.SLURM_FACTORY_TEST_KEEP_ENGINE !== undefined;
if (wanted === undefined || wanted === 'unit')
  await runTests('unit', ['--config', 'jest.config.js', ...patterns], limits.unit);
if (wanted === undefined || wanted === 'e2e') {
  const dockerd = await runSlow();
  if (!keepsEngine && dockerd !== undefined) stopEngine(dockerd);
}
rmSync(reports, { recursive: true });
for (const [name, seconds] of times) console.log(`${seconds.toFixed(0).padStart(6)} s  ${name}`);
console.log(`${((Date.now() - started) / 1000).toFixed(0).padStart(6)} s  in all`);
const end = endOf(count, process.env.SLURM_FACTORY_TEST_NO_SKIP === '1');
for (const line of end.lines) console.log(line);
process.exit(end.exitCode);
