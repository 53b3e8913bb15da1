import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { BenchOfBuilds, Left } from '../../../bench/bench.js';
import { measureAfterCold, measureCold, measurePackaging } from '../../../bench/ours.js';
import { ccacheKey, inScope, lockKey, packageKey, resultKey } from '../../../src/cache/keys.js';
import type { BuildReport } from '../../../src/pipeline/report.js';
import { temporaryFolder } from '../../support/prepare.js';

/**
 * How builds are run and what is read from them, with a program in the command line's place that keeps what it was
 * called with, and one in docker's place that knows of its container.
 */

const work = temporaryFolder('bench-ours');
const root = join(work, 'project');
const calls = join(work, 'calls');
const path = process.env['PATH'];
const platform = { toolchain: 'bookworm', arch: 'amd64' } as const;
const stored = (key: string) => inScope(key, 'open');
const keys = {
  lock: stored(lockKey(platform, 'a'.repeat(64))),
  package: stored(
    packageKey({ ...platform, builder: 'b'.repeat(16), padding: 128 }, 'slurm', 'c'.repeat(32)),
  ),
  ccache: stored(ccacheKey('slurm-factory-v4-ccache-bookworm-amd64-bbb-24.11-', ['one'])),
  result: stored(resultKey('slurm-24.11.6-glibc2.34-amd64', 'd'.repeat(64))),
};

/** A report, as far as the bench reads it. */
const report: Pick<BuildReport, 'timings' | 'cacheHit' | 'packages' | 'described'> = {
  timings: [
    { stage: 'lock', seconds: 20 },
    { stage: 'install', seconds: 100 },
    { stage: 'smoke', seconds: 0.25 },
  ],
  cacheHit: 'none',
  packages: { external: 30, fromCache: 0, compiled: 1 },
  described: [{ name: 'slurm-24.11.6-glibc2.34-amd64-software.tar.gz', size: 14e6, sha256: 'e'.repeat(64) }],
};

const program = `
import { appendFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
const words = process.argv.slice(2);
const value = (name) => words[words.indexOf(name) + 1];
const entries = value('--cache-dir') + '/entries';
const before = existsSync(entries) ? readdirSync(entries).sort() : [];
for (const key of ${JSON.stringify(Object.values(keys))}) {
  mkdirSync(entries + '/' + key, { recursive: true });
  writeFileSync(entries + '/' + key + '/content', 'x'.repeat(100));
}
writeFileSync(value('--report'), JSON.stringify(${JSON.stringify(report)}));
writeFileSync(${JSON.stringify(calls)} + '.pid', String(process.pid));
appendFileSync(${JSON.stringify(calls)}, JSON.stringify({ words, before, self: process.argv[1] }) + '\\n');
`;

const engine = `#!/bin/sh
case $1 in
  info) echo ${work} ;;
  events) printf '{"slurm-factory":"build","slurm-factory.owner":"host~boot~1~%s~9"}\\n' "$(cat ${calls}.pid)" ;;
esac
`;

const bench: BenchOfBuilds = {
  ...{ root, work, buildDir: join(work, 'builds') },
  settings: {
    release: '24.11.6',
    nextRelease: '24.11.7',
    toolchain: 'bookworm',
    mirror: join(work, 'mirror'),
  },
  say: () => {},
  signal: new AbortController().signal,
};

beforeAll(async () => {
  await mkdir(join(root, 'dist', 'cli'), { recursive: true });
  await mkdir(join(root, 'templates'));
  await mkdir(join(root, 'spack-repo'));
  await writeFile(join(root, 'package.json'), '{ "type": "module" }');
  await writeFile(join(root, 'templates', 'slurm.lua'), '-- ours\n');
  await writeFile(join(root, 'dist', 'cli', 'index.js'), program);
  const docker = join(work, 'docker');
  await writeFile(docker, engine);
  await chmod(docker, 0o755);
  process.env['PATH'] = `${work}:${path}`;
});
afterAll(async () => {
  process.env['PATH'] = path;
  await rm(work, { recursive: true, force: true });
});

interface Call {
  readonly words: readonly string[];
  readonly before: readonly string[];
  readonly self: string;
}

async function lastCall(): Promise<Call> {
  const lines = (await readFile(calls, 'utf8')).trim().split('\n');
  return JSON.parse(lines.at(-1) ?? '');
}

let left: Left;

test('a cold build starts with no cache, and is told by its report, its entries and its containers', async () => {
  const cold = await measureCold(bench);
  left = cold.left;
  const { words, before } = await lastCall();
  expect(before).toEqual([]);
  expect(words.slice(0, 6)).toEqual(['build', '24.11.6', '--toolchain', 'bookworm', '--engine', 'docker']);
  expect(cold.figures).toMatchObject({
    ...{ release: '24.11.6', cacheHit: 'none', compiled: 1, compiledNames: ['slurm'], concretized: 1 },
    ...{ concretize: 20, installAndPush: 100, smokeTest: 0.25, tarballBytes: 14e6, audit: undefined },
    containers: { build: 1, fetch: 0, audit: 0, smoke: 0 },
    entryBytes: { lock: 100, package: 100, ccache: 100, result: 100 },
  });
  const { total, withoutSmokeTest, resources } = cold.figures;
  expect(total - withoutSmokeTest).toBeCloseTo(0.25);
  expect(resources.disk).toBeGreaterThanOrEqual(0);
});

test('what starts from it has its entries, each time anew', async () => {
  for (const name of ['nothing', 'again']) {
    const figures = await measureAfterCold(bench, left, name);
    expect(figures).toMatchObject({ concretized: 0, compiledNames: [] });
    expect((await lastCall()).before).toEqual(Object.values(keys).sort());
  }
  const cuda = await measureAfterCold(bench, left, 'cuda', {
    options: ['--gpu', 'cuda'],
    release: '24.11.7',
  });
  expect(cuda.release).toBe('24.11.7');
  expect((await lastCall()).words.join(' ')).toMatch(/^build 24\.11\.7 .* --gpu cuda --output-dir /);
});

test('entries can be lost on the way', async () => {
  const figures = await measureAfterCold(bench, left, 'relocked', {
    lost: (kind) => kind === 'lock' || kind === 'result',
  });
  expect((await lastCall()).before).toEqual([keys.ccache, keys.package].sort());
  expect(figures.concretized).toBe(1);
});

test('packaging changes a copy of the project', async () => {
  await measurePackaging(bench, left);
  const { self } = await lastCall();
  expect(self.startsWith(`${root}/`)).toBe(false);
  const changed = await readFile(join(self, '../../../templates/slurm.lua'), 'utf8');
  expect(changed).toBe('-- ours\n-- Changed by the bench.\n');
  expect(await readFile(join(root, 'templates', 'slurm.lua'), 'utf8')).toBe('-- ours\n');
});
