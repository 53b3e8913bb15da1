import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { freeBytes } from '../../src/base/files.js';
import { parseSums } from '../../src/bundle/sums.js';
import { type CliRun, runCli, startCli } from '../support/cli.js';
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

/** A cache folder that has the first test's clones and Spack's indexes. */
function cacheWithClones(cache: string): string {
  const indexes = readdirSync(join(cacheDir, 'entries')).filter((name) => name.includes('-index-'));
  for (const part of ['clones', ...indexes.map((name) => join('entries', name))]) {
    cpSync(join(cacheDir, part), join(cache, part), { recursive: true, verbatimSymlinks: true });
  }
  return cache;
}

/** Containers of ours, running or not. */
const ownContainers = (): string =>
  docker('ps', '--all', '--quiet', '--filter', 'label=slurm-factory.owner').trim();

/** What a build must not leave behind: containers, mounts, build folders, halves of anything. */
function expectNothingLeft(cache = cacheDir): void {
  expect(ownContainers()).toBe('');
  expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(`${cache}/`);
  const left = readdirSync(cache).filter((name) => !['clones', 'entries', 'logs'].includes(name));
  expect(left.flatMap((name) => readdirSync(join(cache, name)).map((child) => `${name}/${child}`))).toEqual(
    [],
  );
  const entries = existsSync(join(cache, 'entries')) ? readdirSync(join(cache, 'entries')) : [];
  expect(entries.filter((name) => name.startsWith('.'))).toEqual([]);
  expect(readdirSync(join(cache, 'clones')).filter((name) => name.includes('partial'))).toEqual([]);
}

/** Names of the packages that are in a cache folder's entries. */
const keptPackages = (cache = cacheDir): string[] =>
  !existsSync(join(cache, 'entries'))
    ? []
    : readdirSync(join(cache, 'entries')).flatMap((name) => /-p128-(.+)-[a-z0-9]{32}$/.exec(name)?.[1] ?? []);

/** Names of the packages that a run compiled, or began to. */
const compiled = (run: CliRun): string[] => [
  ...new Set(
    [...run.stderr.matchAll(/^\[\d+\/\d+\] (\S+)@\S+: no binary available$/gm)].map((m) => m[1] ?? ''),
  ),
];

/** Names of the objects that a running build's compilers have made so far, once there are so many. */
async function compiledObjects(cache: string, wanted: number): Promise<string[]> {
  const build = readdirSync(cache).find((name) => name.startsWith('build-')) ?? '';
  const folder = join(cache, build, 'user-cache', 'ccache');
  const made = () =>
    existsSync(folder)
      ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('R'))
      : [];
  while (made().length < wanted) await new Promise((passed) => setTimeout(passed, 200));
  return made();
}

/** Names of the objects in the one entry of ccache's. */
function keptObjects(cache: string): string[] {
  const keys = readdirSync(join(cache, 'entries')).filter((name) => name.includes('-ccache-'));
  expect(keys).toHaveLength(1);
  const archive = join(cache, 'entries', keys[0] ?? '', 'ccache.tar');
  return execFileSync('tar', ['--list', '--file', archive], { encoding: 'utf8' }).split('\n');
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
      const before = keptPackages();
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
    expectNothingLeft();
    expect(keptPackages().sort()).toEqual(['compiler-wrapper', 'gcc-runtime', 'slurm']);
  },
  (10 + 3 * kills) * minutes,
);

e2e.each<NodeJS.Signals>(['SIGINT', 'SIGTERM'])(
  '%s ends a build in an orderly way: what is built is kept, nothing else is left',
  async (signal) => {
    const cache = cacheWithClones(join(folder, `cache-${signal}`));
    const build = startCli(words(cache));
    await build.line(/slurm@24-11-6-1: build/);
    const objects = await compiledObjects(cache, 20);
    build.kill(signal);
    const run = await build.ended;
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain('The build was cancelled');
    expect(keptPackages(cache).sort()).toEqual(['compiler-wrapper', 'gcc-runtime']);
    expect(keptObjects(cache)).toEqual(expect.arrayContaining(objects));
    expectNothingLeft(cache);
  },
  6 * minutes,
);

e2e(
  'a container that dies is told as such, and a build after that goes on from what is there',
  async () => {
    const cache = join(folder, 'cache-SIGTERM');
    const build = startCli(words(cache));
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
