import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { runCli } from '../../../src/cli/main.js';
import { commandLines } from '../../support/fuzz.js';
import { projectRoot, temporaryFolder } from '../../support/prepare.js';

/** Command lines that are tried in this process; a tenth of them, but 60 at least, as processes of their own. */
const count = Number(process.env['SLURM_FACTORY_TEST_FUZZ'] ?? 300);
const seed = Number(process.env['SLURM_FACTORY_TEST_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
const seconds = 1000;
const limit = 30 * seconds;

const folder = temporaryFolder('fuzz');
const work = join(folder, 'work');
const witness = join(folder, 'witness');
const programs = join(folder, 'programs');
const before = process.cwd();
/** There are engines that fail, and no other program: nothing is fetched, installed or built. */
const env = { PATH: programs, HOME: work, LC_ALL: 'C' };

beforeAll(() => {
  for (const path of [work, programs]) mkdirSync(path);
  for (const engine of ['docker', 'podman']) {
    writeFileSync(join(programs, engine), '#!/bin/sh\necho "no engine" >&2\nexit 1\n', { mode: 0o755 });
  }
});
afterEach(() => process.chdir(before));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Outcome {
  readonly exitCode: number | null;
  readonly text: string;
}

/** What is wrong with an outcome; nothing where it is as it must be. */
function faults(argv: readonly string[], { exitCode, text }: Outcome): string[] {
  // 3: the arguments were right, and the engine does not answer. 4: there is no git to ask for a branch.
  // 5: there is nothing to check where it was said.
  const asksGit = argv.some((word) => /^--(spack|packages)-ref/.test(word));
  const checks = ['audit', 'smoke', 'verify'].includes(argv[0] ?? '');
  const codes = [0, 2, 3, 6, ...(asksGit ? [4] : []), ...(checks ? [5] : [])];
  return [
    ...(codes.includes(exitCode ?? -1) ? [] : [`exit code ${exitCode}`]),
    ...(exitCode === 0 && !/Usage: |^\d+\.\d+\.\d+$|\S/m.test(text) ? ['success without a word'] : []),
    ...(exitCode !== 0 && text.trim() === '' ? ['failure without a word'] : []),
    ...(/^ {4}at |^Node\.js v|UnhandledPromise|\[object Object\]/m.test(text) ? ['a stack trace'] : []),
    ...(text.length > 1 << 20 ? [`${text.length} characters of output`] : []),
    ...(existsSync(witness) || existsSync(join(work, 'witness')) ? ['a shell has run'] : []),
  ];
}

/** Leaves the folder as it was; a path may have become a folder of it. */
function tidy(): void {
  for (const name of readdirSync(work)) rmSync(join(work, name), { recursive: true, force: true });
}

async function inThisProcess(argv: string[]): Promise<Outcome> {
  let text = '';
  const sink = {
    write: (part: string) => {
      text += part;
    },
  };
  process.chdir(work);
  const exitCode = await runCli(projectRoot, '0.0.0', { out: sink, err: sink }, { argv, env, cwd: work });
  return { exitCode, text };
}

function asProcess(argv: string[]): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(projectRoot, 'dist', 'cli', 'index.js'), ...argv], {
      cwd: work,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: limit,
      killSignal: 'SIGKILL',
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (part) => (text += part));
    child.once('error', reject);
    child.once('close', (exitCode) => resolve({ exitCode, text }));
  });
}

test(`${count} command lines in this process (seed ${seed})`, async () => {
  const codes = new Map<number | null, number>();
  await fc.assert(
    fc.asyncProperty(commandLines(witness), async (argv) => {
      const done = await inThisProcess(argv);
      codes.set(done.exitCode, (codes.get(done.exitCode) ?? 0) + 1);
      expect({ argv, text: '', faults: faults(argv, done) }).toEqual({ argv, text: '', faults: [] });
      tidy();
    }),
    { numRuns: count, seed, timeout: limit, endOnFailure: count > 1000 },
  );
  console.info(`exit codes: ${JSON.stringify(Object.fromEntries(codes))}`);
  // The property is about more than one way out.
  expect(codes.has(2) && (codes.has(3) || codes.has(6))).toBe(true);
});

test('command lines as processes, two at a time', async () => {
  const cases = fc.sample(commandLines(witness), {
    numRuns: Math.max(60, Math.floor(count / 10)),
    seed: seed + 1,
  });
  const bad: object[] = [];
  const next = async (): Promise<void> => {
    for (let argv = cases.pop(); argv !== undefined; argv = cases.pop()) {
      // An argument of a process ends at 128 KiB, all of them together at more.
      const done = await asProcess(argv);
      const found = faults(argv, done);
      if (found.length > 0) bad.push({ argv, found, text: done.text.slice(-2000) });
    }
  };
  await Promise.all([next(), next()]);
  expect(bad).toEqual([]);
});
