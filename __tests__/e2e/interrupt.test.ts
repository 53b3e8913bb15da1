import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { freeBytes } from '../../src/base/files.js';
import { parseSums } from '../../src/bundle/sums.js';
import { runCli, startCli, startInTerminal } from '../support/cli.js';
import {
  compiled,
  compiledObjects,
  expectNothingLeft,
  keptObjects,
  keptPackages,
  ownContainers,
} from '../support/left.js';
import {
  asRoot,
  docker,
  hostTarget,
  mayBeRoot,
  prepareMachine,
  sourceMirror,
  temporaryFolder,
} from '../support/prepare.js';
import { builtResult } from '../support/result.js';
import { runWorkflow } from '../support/runner/act.js';
import { githubCancel } from '../support/runner/signals.js';
import { makeActionWorkspace } from '../support/runner/workspace.js';
import { startResultsService } from '../support/services/results-service.js';

const reference = await builtResult('24.11.6');
const e2e = reference === undefined ? test.skip : test;
/** How often a build is killed; 20 shows more, and takes half an hour. */
const kills = Number(process.env['SLURM_FACTORY_TEST_KILLS'] ?? 1);
const minutes = 60_000;
const target = hostTarget('24.11.6');
const folder = temporaryFolder('interrupt');
const cacheDir = join(folder, 'cache');
const outputs = join(folder, 'out');
let mirror: string;

const words = (cache = cacheDir): string[] => [
  ...['build', '24.11.6', '--toolchain', 'bookworm', '--engine', 'docker', '--source-mirror', mirror],
  ...['--cache-dir', cache, '--output-dir', outputs],
];

/** A cache folder that has the first test's clones and Spack's indexes; an empty one where that was not run. */
function cacheWithClones(cache: string): string {
  if (!existsSync(join(cacheDir, 'entries'))) return cache;
  const indexes = readdirSync(join(cacheDir, 'entries')).filter((name) => name.includes('-index-'));
  for (const part of ['clones', ...indexes.map((name) => join('entries', name))]) {
    cpSync(join(cacheDir, part), join(cache, part), { recursive: true, verbatimSymlinks: true });
  }
  return cache;
}

const softwareSum = (of: string): string | undefined =>
  parseSums(readFileSync(join(of, `${target}-SHA256SUMS`), 'utf8')).find(({ name }) =>
    name.endsWith('-software.tar.gz'),
  )?.sha256;

beforeAll(async () => {
  if (reference === undefined) return;
  mirror = await sourceMirror(['24.11.6']);
});
afterEach(() => rmSync(outputs, { recursive: true, force: true }));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

e2e(
  `killed at ${kills} random moments, then run to the end`,
  async () => {
    mkdirSync(cacheDir, { recursive: true });
    for (let round = 0; round < kills; round++) {
      const before = keptPackages(cacheDir);
      const build = startCli(words());
      const moment = randomInt(500, 75_000);
      await Promise.race([build.ended, new Promise((passed) => setTimeout(passed, moment))]);
      build.kill('SIGKILL');
      const run = await build.ended;
      process.stderr.write(`round ${round + 1}: killed after ${moment} ms, exit code ${run.exitCode}\n`);
      expect(compiled(run).filter((name) => before.includes(name))).toEqual([]);
      // Were it to end by itself, that would have to be a success.
      expect([null, 0]).toContain(run.exitCode);
    }
    const run = runCli(words());
    expect(run.stderr).toContain('An earlier build was killed');
    if (run.exitCode !== 0) throw new Error(run.stderr.slice(-4000));
    execFileSync('sha256sum', ['--check', '--strict', `${target}-SHA256SUMS`], { cwd: outputs });
    // The same bytes as those of a build that nobody disturbed.
    expect(softwareSum(outputs)).toBe(softwareSum(reference ?? ''));
    expectNothingLeft(cacheDir);
    expect(keptPackages(cacheDir).sort()).toEqual(['compiler-wrapper', 'gcc-runtime', 'slurm']);
  },
  (10 + 3 * kills) * minutes,
);

e2e.each([
  ['packs, audits, tests and saves', 18_000, true],
  ['takes a result from the cache and hands it out', 1_000, false],
])(
  `killed ${2 * kills} times while it %s, then run to the end`,
  async (_, longest, withoutResult) => {
    const results = () => readdirSync(join(cacheDir, 'entries')).filter((name) => name.includes('-result-'));
    const forget = () => {
      if (!withoutResult) return;
      for (const name of results()) rmSync(join(cacheDir, 'entries', name), { recursive: true });
    };
    for (let round = 0; round < 2 * kills; round++) {
      forget();
      const build = startCli(words());
      const moment = randomInt(0, longest);
      await Promise.race([build.ended, new Promise((passed) => setTimeout(passed, moment))]);
      build.kill('SIGKILL');
      const run = await build.ended;
      process.stderr.write(`round ${round + 1}: killed after ${moment} ms, exit code ${run.exitCode}\n`);
      expect(compiled(run)).toEqual([]);
      expect([null, 0]).toContain(run.exitCode);
    }
    forget();
    const run = runCli(words());
    if (run.exitCode !== 0) throw new Error(run.stderr.slice(-4000));
    const verified = runCli(['verify', outputs]);
    expect({ exitCode: verified.exitCode, stderr: verified.stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(softwareSum(outputs)).toBe(softwareSum(reference ?? ''));
    expect(readdirSync(outputs).filter((name) => !name.startsWith(`${target}-`))).toEqual([]);
    expect(results()).toHaveLength(1);
    expectNothingLeft(cacheDir);
  },
  (5 + kills) * minutes,
);

/** What a build that was ended within its compile has left: what it has built, and nothing else. */
function expectKept(cache: string, objects: readonly string[]): void {
  expect(keptPackages(cache).sort()).toEqual(['compiler-wrapper', 'gcc-runtime']);
  expect(keptObjects(cache)).toEqual(expect.arrayContaining([...objects]));
  expectNothingLeft(cache);
}

e2e(
  'SIGTERM ends a build in an orderly way: what is built is kept, nothing else is left',
  async () => {
    const cache = cacheWithClones(join(folder, 'cache-SIGTERM'));
    const build = startCli(words(cache));
    await build.line(/slurm@24-11-6-1: build/);
    const objects = await compiledObjects(cache, 20);
    build.kill('SIGTERM');
    const run = await build.ended;
    expect(run.exitCode).toBe(143);
    expect(run.stderr).toContain('The build was cancelled');
    expectKept(cache, objects);
  },
  6 * minutes,
);

e2e(
  'so does Ctrl-C in a terminal, which shows how far the compile is until then',
  async () => {
    const cache = cacheWithClones(join(folder, 'cache-SIGINT'));
    const build = startInTerminal(words(cache));
    await build.shows(/slurm 24-11-6-1: build, \d+ of about \d+ files/);
    const objects = await compiledObjects(cache, 20);
    build.type('\x03');
    const { exitCode, text } = await build.ended;
    expect(exitCode).toBe(130);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal is written to
    const lines = text.replace(/\x1b\[[\d;?]*[A-Za-z]/g, '\n').split(/[\r\n]+/);
    expect(lines).toContain(target);
    // A path is as long as it is.
    expect(lines.filter((line) => line.length > 80 && !line.startsWith('Build logs: '))).toEqual([]);
    const bars = lines.flatMap((line) => /^ {2}[━─]+ {2,4}(\d+) % /.exec(line)?.[1] ?? []).map(Number);
    expect(bars).toEqual(bars.toSorted((a, b) => a - b));
    expect(text).toContain('Cancelling');
    expect(text).toMatch(/error:.* The build was cancelled\./);
    // No key of a cache entry.
    expect(text).not.toContain('slurm-factory-v');
    expectKept(cache, objects);
  },
  6 * minutes,
);

e2e(
  'a container that dies is told as such, and a build after that goes on from what is there',
  async () => {
    const cache = join(folder, 'cache-SIGTERM');
    const build = startCli([...words(cache), '--verbose']);
    await build.line(/slurm@24-11-6-1: configure/);
    docker('kill', `slurm-factory-${readdirSync(cache).find((name) => name.startsWith('build-'))}`);
    const run = await build.ended;
    expect(run.exitCode).toBe(3);
    expect(run.stderr).toMatch(/The container slurm-factory-build-\S+ ended while a command ran in it/);
    expect(run.stderr).toContain('2 of 3 packages are in the build cache');
    expect(run.stderr).toContain('The lock came from the cache');
    expect(run.stderr).toMatch(/^ +ccache 24\.11 \w+ .*restored$/m);
    expectNothingLeft(cache);
  },
  6 * minutes,
);

e2e(
  'a second Ctrl-C ends at once, and the next build removes what is left',
  async () => {
    const cache = join(folder, 'cache-SIGTERM');
    const build = startInTerminal(words(cache));
    await build.shows(/slurm 24-11-6-1: configure/);
    build.type('\x03');
    await build.shows(/Cancelling/);
    const since = Date.now();
    build.type('\x03');
    const { exitCode } = await build.ended;
    expect(exitCode).toBe(130);
    expect(Date.now() - since).toBeLessThan(3000);
    const next = startCli(words(cache));
    await next.line(/slurm@24-11-6-1: configure/);
    expect(ownContainers().split('\n')).toHaveLength(1);
    next.kill('SIGTERM');
    expect((await next.ended).exitCode).toBe(143);
    expectNothingLeft(cache);
  },
  6 * minutes,
);

(mayBeRoot() ? e2e : test.skip)(
  'a full disk fails the build, and no half of anything is in the cache',
  async () => {
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    asRoot('mount', '-t', 'tmpfs', '-o', 'size=2600m', 'tmpfs', disk);
    const cache = cacheWithClones(join(disk, 'cache'));
    const build = startCli(words(cache));
    try {
      await build.line(/slurm@24-11-6-1: configure/);
      execFileSync('fallocate', [
        '--length',
        String((await freeBytes(disk)) - 20_000_000),
        join(disk, 'filler'),
      ]);
      const run = await build.ended;
      expect(run.exitCode).toBe(4);
      expect(run.stderr).toMatch(/No space left on device/);
      rmSync(join(disk, 'filler'));
      expectNothingLeft(cache);
      for (const name of readdirSync(join(cache, 'entries'))) {
        const sums = ['--check', '--strict', '--quiet', 'ENTRY.sha256'];
        execFileSync('sha256sum', sums, { cwd: join(cache, 'entries', name) });
      }
    } finally {
      build.kill('SIGTERM');
      await build.ended;
      asRoot('umount', '--lazy', disk);
    }
  },
  6 * minutes,
);

e2e(
  'a cancelled workflow keeps what was built, and the next run goes on from there',
  async () => {
    const service = await startResultsService({ directory: join(folder, 'service') });
    const workspace = makeActionWorkspace(join(folder, 'workspace'));
    const run = async (id: string) =>
      runWorkflow({
        workflow: '__tests__/e2e/workflows/single.yml',
        event: 'workflow_dispatch',
        workspace,
        service: { url: service.url, token: service.tokenFor('job', id) },
        cacheServerPath: join(folder, 'cache-server'),
        nodeDirectory: await prepareMachine(),
        env: { SOURCE_MIRROR: mirror, OUTPUT_DIR: outputs, GITHUB_RUN_ID: id },
        signalAfter: githubCancel(/slurm@24-11-6-1: configure/),
        timeoutMs: 6 * minutes,
      });
    try {
      const first = await run('201');
      expect(first.log).toContain('0 of 3 packages are in the build cache');
      expect(ownContainers()).toBe('');
      const second = await run('202');
      expect(second.log).toContain('2 of 3 packages are in the build cache');
      expect(second.log).toContain('The lock came from the cache');
      expect(ownContainers()).toBe('');
    } finally {
      await service.close();
    }
  },
  12 * minutes,
);
