import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { CancelledError, PackageBuildError } from '../../../src/base/errors.js';
import { exists } from '../../../src/base/files.js';
import { buildLocally } from '../../../src/local/build.js';
import { localMachine, type Machine } from '../../../src/local/machine.js';
import type { CacheReport } from '../../../src/pipeline/summary.js';
import { fakeProject, recordingLogger, temporaryFolder } from '../../support/fakes.js';
import { fakeMachine, type MachineScript } from '../../support/machine.js';

/** One cache folder, in which builds of the fake project are made with a fake machine each. */
async function machine(folders: { readonly buildDir?: string; readonly spackCache?: string } = {}) {
  const root = await temporaryFolder();
  const cacheDir = join(root, 'cache');
  const named = Object.fromEntries(Object.entries(folders).map(([name, at]) => [name, join(root, at)]));
  const build = (name: string, script: MachineScript = {}, signal = new AbortController().signal) => {
    const process = fakeMachine(script);
    const logger = recordingLogger();
    const told: CacheReport[] = [];
    const request = {
      layers: [{ origin: 'input', values: { 'output-dir': name, engine: 'docker' } } as const],
      project: fakeProject({ overlay: join(root, 'project', 'spack-repo') }),
      cwd: root,
    };
    const place = { cacheDir, ...named, env: { PATH: '/usr/bin:/bin' }, logger, signal };
    const machine: Machine = {
      ...localMachine,
      process: () => process,
      ports: (given) => ({ ...localMachine.ports(given), process }),
    };
    const made = buildLocally(request, place, (caches) => told.push(caches), machine);
    return { process, logger, told, made };
  };
  const left = async () => {
    const names = (await readdir(cacheDir)).filter((name) => /^build-/.test(name));
    const records = await readdir(join(cacheDir, 'records'));
    return [...names, ...records, ...(await readdir(join(cacheDir, 'transfer')))];
  };
  return { root, cacheDir, build, left };
}

const removed = (lines: readonly string[]) => lines.filter((line) => /^docker rm /.test(line)).length;

test('one call is a whole build: its caches are saved, and nothing of it is left', async () => {
  const { root, build, left } = await machine();
  const first = build('one');
  const { report, caches } = await first.made;
  expect(report.cacheHit).toBe('none');
  expect(await exists(join(root, 'one', `${report.identifier}-software.tar.gz`))).toBe(true);
  expect(caches.uses.filter(({ outcome }) => outcome === 'saved').map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['result', 'lock', 'package']),
  );
  expect(first.told).toEqual([caches]);
  expect(await left()).toEqual([]);
  expect((await build('two').made).report.cacheHit).toBe('result');
});

test('a failed build saves what it built and leaves nothing, too', async () => {
  const { build, left } = await machine();
  const failing: MachineScript = {
    answer: (words) => (words.includes('install') ? { exitCode: 1, stdout: 'error: no' } : undefined),
  };
  const failed = build('one', failing);
  await expect(failed.made).rejects.toThrow(PackageBuildError);
  expect(failed.told[0]?.uses.some(({ kind, outcome }) => kind === 'lock' && outcome === 'saved')).toBe(true);
  expect(removed(failed.process.lines)).toBeGreaterThan(0);
  expect(await left()).toEqual([]);
});

test('several builds of one process at once do not touch each other', async () => {
  const { root, build, left } = await machine();
  const names = ['one', 'two', 'three', 'four'];
  const made = await Promise.all(names.map((name) => build(name).made));
  for (const name of names) {
    const files = await readdir(join(root, name));
    expect(files.filter((file) => file.endsWith('-SHA256SUMS'))).toHaveLength(1);
  }
  expect(new Set(made.map(({ report }) => report.contentKey)).size).toBe(1);
  expect(await left()).toEqual([]);
});

test('a cancelled build ends with what says so, and leaves nothing', async () => {
  const { build, left } = await machine();
  const controller = new AbortController();
  const script: MachineScript = {
    answer: (words) => {
      if (words.includes('concretize')) controller.abort(new Error('stop'));
      return undefined;
    },
  };
  await expect(build('one', script, controller.signal).made).rejects.toThrow(CancelledError);
  expect(await left()).toEqual([]);
});

test('builds, entries and logs lie in the folders that are named for them', async () => {
  const { root, cacheDir, build } = await machine({ buildDir: 'builds', spackCache: 'spack' });
  const seen: string[] = [];
  const made = build('one', {
    answer: (words) => {
      seen.push(...words.filter((word) => word.includes('/build-')));
      return undefined;
    },
  });
  await made.made;
  expect(seen.some((word) => word.includes(join(root, 'builds', 'build-')))).toBe(true);
  expect(seen.some((word) => word.includes(cacheDir))).toBe(false);
  expect(await readdir(cacheDir)).toEqual([]);
  expect(await readdir(join(root, 'spack'))).toContainEqual(expect.stringMatching(/-result-/));
  expect(await readdir(join(root, 'spack', 'transfer'))).toEqual([]);
  const names = await readdir(join(root, 'builds'));
  expect(names.filter((name) => name.startsWith('build-'))).toEqual([]);
  expect(await readdir(join(root, 'builds', 'records'))).toEqual([]);
  expect((await build('two').made).report.cacheHit).toBe('result');
});
