import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { parseSums } from '../../src/bundle/sums.js';
import { CancelledError, type ProgressEvent, SlurmBuilder, validatePackage } from '../../src/index.js';
import { projectWithOwnRecipes } from '../support/cli.js';
import {
  docker,
  hostTarget,
  projectRoot,
  sourceMirror,
  temporaryFolder,
  testCache,
} from '../support/prepare.js';
import { builtResult } from '../support/result.js';

/*
 * The library, on real builds: minutes, so by SLURM_FACTORY_TEST_LIBRARY=1 only. What was seen is in
 * docs/library.md.
 */
const version = '24.11.6';
const wanted = process.env['SLURM_FACTORY_TEST_LIBRARY'] === '1';
const reference = wanted ? await builtResult(version) : undefined;
const e2e = reference === undefined ? test.skip : test;
const minutes = 60_000;
const folder = temporaryFolder('library');
const target = hostTarget(version);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A cache folder with what the tests' own has of these kinds, and its clones: nothing is fetched for nothing. */
function cacheWith(name: string, kinds: readonly string[]): string {
  const [from, to] = [join(testCache, 'build-cache'), join(folder, name)];
  const entries = readdirSync(join(from, 'entries')).filter((entry) =>
    kinds.some((kind) => entry.includes(`-${kind}-`)),
  );
  mkdirSync(join(to, 'entries'), { recursive: true, mode: 0o700 });
  for (const part of ['clones', ...entries.map((entry) => join('entries', entry))]) {
    cpSync(join(from, part), join(to, part), { recursive: true, verbatimSymlinks: true });
  }
  return to;
}

const builds = (cacheDir: string): string[] => readdirSync(cacheDir).filter((name) => /^build-/.test(name));
const containersOf = (names: readonly string[]): string =>
  names
    .map((name) => docker('ps', '--all', '--quiet', '--filter', `name=slurm-factory-${name}`).trim())
    .join('');

const sumsIn = (of: string) => parseSums(readFileSync(join(of, `${target}-SHA256SUMS`), 'utf8'));

e2e(
  'two builds at once in one process: one aborted in mid-compile is gone within 5 s, the other is right',
  async () => {
    const inputs = {
      engine: 'docker',
      toolchain: 'bookworm',
      'source-mirror': await sourceMirror([version]),
    };
    const [slowCache, fastCache] = [
      cacheWith('slow', ['index', 'lock']),
      cacheWith('fast', ['index', 'lock', 'ccache']),
    ];
    const slow = new SlurmBuilder({ cacheDir: slowCache, outputDir: join(folder, 'slow-out') });
    const fast = new SlurmBuilder({ cacheDir: fastCache, outputDir: join(folder, 'fast-out') });
    const controller = new AbortController();
    let aborted = 0;
    let named: string[] = [];
    const onProgress = (event: ProgressEvent) => {
      if (event.what !== 'compiled' || event.files < 20 || aborted > 0) return;
      named = builds(slowCache);
      expect(containersOf(named)).not.toBe('');
      aborted = performance.now();
      controller.abort();
    };
    const other = fast.buildSlurmPackage(version, { inputs });
    const cancelled = slow.buildSlurmPackage(version, { inputs, onProgress, signal: controller.signal });
    await expect(cancelled).rejects.toThrow(CancelledError);
    const seconds = (performance.now() - aborted) / 1000;
    expect(named).toHaveLength(1);
    expect(containersOf(named)).toBe('');
    expect(builds(slowCache)).toEqual([]);
    process.stderr.write(`aborted and gone in ${seconds.toFixed(1)} s\n`);
    expect(seconds).toBeLessThan(5);
    const result = await other;
    expect(result).toMatchObject({ success: true, slurmVersion: version });
    expect(await validatePackage(result.packages[0] ?? '')).toMatchObject({ valid: true });
    const software = (of: string) => sumsIn(of).find(({ name }) => name.endsWith('-software.tar.gz'))?.sha256;
    expect(software(join(folder, 'fast-out'))).toBe(software(reference ?? ''));
    expect(builds(fastCache)).toEqual([]);
  },
  20 * minutes,
);

interface Came {
  readonly memory: number;
  readonly lines?: number;
  readonly success?: boolean;
  readonly errors?: readonly string[];
}

function worker(asked: object): Came {
  const script = join(projectRoot, '__tests__', 'support', 'library-worker.mjs');
  const done = spawnSync(process.execPath, [script, JSON.stringify(asked)], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(done.stderr);
  return JSON.parse(done.stdout);
}

const most = 200e6;

(wanted ? test : test.skip)('a gigabyte of lines goes by, in less than 200 MB', () => {
  const script = 'yes "$(head -c 99 /dev/zero | tr "\\0" x)" | head -c 1000000000';
  const { memory, lines } = worker({ command: ['sh', '-c', script] });
  process.stderr.write(`1 GB of lines: ${Math.round(memory / 1e6)} MB\n`);
  expect(lines).toBe(10_000_000);
  expect(memory).toBeLessThan(most);
});

e2e(
  'a build whose log has a gigabyte, and that fails, takes less than 200 MB',
  async () => {
    const root = projectWithOwnRecipes(join(folder, 'project'));
    const recipe = join(root, 'spack-repo', 'spack_repo', 'slurm_factory', 'packages', 'slurm', 'package.py');
    const start = '    def build(self, spec, prefix):\n';
    const loud = `${start}        line = "x" * 99 + "\\n"\n        for _ in range(10_000):\n            print(line * 1000, end="")\n        raise InstallError("enough")\n`;
    const text = readFileSync(recipe, 'utf8');
    expect(text.split(start)).toHaveLength(2);
    writeFileSync(recipe, text.replace(start, loud));
    const cacheDir = cacheWith('loud', ['index']);
    const inputs = {
      engine: 'docker',
      toolchain: 'bookworm',
      'source-mirror': await sourceMirror([version]),
    };
    const came = worker({ root, version, inputs, cacheDir, outputDir: join(folder, 'loud-out') });
    process.stderr.write(
      `1 GB of build log: ${Math.round(came.memory / 1e6)} MB; ${came.errors?.[0]?.slice(0, 200)}\n`,
    );
    expect(came.success).toBe(false);
    expect(came.errors?.[0]).toMatch(/slurm@24-11-6-1 failed in phase build/);
    expect(came.memory).toBeLessThan(most);
    expect(builds(cacheDir)).toEqual([]);
  },
  20 * minutes,
);
