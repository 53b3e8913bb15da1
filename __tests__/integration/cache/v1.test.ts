import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test as withAct } from '@jest/globals';
import {
  type Forwarder,
  startForwarder,
  type V1Fault,
  type V1Operation,
} from '../../support/cache/forwarder.js';
import {
  type CacheJob,
  type CacheStep,
  cacheProgram,
  compileSources,
  type StepReport,
} from '../../support/cache/processes.js';
import { describeFolder, flipByte } from '../../support/cache/runner.js';
import { writeFiles } from '../../support/fakes.js';
import { isHere, temporaryFolder } from '../../support/prepare.js';
import { runWorkflow } from '../../support/runner/act.js';
import { makeWorkspace } from '../../support/runner/workspace.js';

/**
 * The action's cache store and entries in jobs of act, with its own cache server: the v1 protocol, which
 * GitHub Enterprise Server speaks. act's server differs in one point: it takes a key more than once.
 */

const test = (await isHere('act')) ? withAct : withAct.skip;
const folder = temporaryFolder('cache-v1');
const source = join(folder, 'source');
const cacheServerPath = join(folder, 'cache-server');
const jobs = join(folder, 'jobs');
const workflow = `
on: push
jobs:
  cache:
    runs-on: ubuntu-latest
    strategy:
      matrix:
        name: [left, right]
    steps:
      - run: node "$PROGRAM" "$BUILT" "$JOBS/\${{ matrix.name }}.json" "$JOBS/\${{ matrix.name }}-report.json"
`;
let built: string;
let workspace: string;
let forwarder: Forwarder;

beforeAll(async () => {
  mkdirSync(jobs);
  await writeFiles(source, { 'a/tool': '#!/bin/sh\n', empty: '', data: '' });
  writeFileSync(join(source, 'data'), randomBytes(1_000_000));
  chmodSync(join(source, 'a/tool'), 0o755);
  built = await compileSources(join(folder, 'built'));
  workspace = makeWorkspace({ directory: join(folder, 'workspace'), files: { 'cache.yml': workflow } });
  forwarder = await startForwarder();
}, 60_000);

afterAll(async () => {
  await forwarder?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A workflow run with one or two jobs at the same time. Returns the reports of their steps. */
async function run(left: CacheJob, right?: CacheJob): Promise<StepReport[][]> {
  for (const [name, job] of Object.entries({ left, right: right ?? left })) {
    writeFileSync(join(jobs, `${name}.json`), JSON.stringify(job));
  }
  const done = await runWorkflow({
    workflow: 'cache.yml',
    workspace,
    service: { url: 'http://127.0.0.1:9/', token: 'none' },
    cacheServerPath,
    env: { PROGRAM: cacheProgram, BUILT: built, JOBS: jobs },
    ...(right === undefined ? { matrix: { name: 'left' } } : {}),
    timeoutMs: 120_000,
  });
  if (done.exitCode !== 0) throw new Error(done.log.slice(-5000));
  const names = right === undefined ? ['left'] : ['left', 'right'];
  return names.map((name) => JSON.parse(readFileSync(join(jobs, `${name}-report.json`), 'utf8')));
}

const save = (key: string): CacheStep => ({ operation: 'save', key, folder: source });
const restore = (key: string, to = `${key}-restored`): CacheStep => ({
  operation: 'restore',
  key,
  folder: join(folder, to),
});
const restoredOf = (reports: StepReport[] | undefined) => reports?.map(({ restored }) => restored);
const messagesOf = (reports: StepReport[] | undefined) =>
  reports?.flatMap(({ log }) => log.map(({ message }) => message));

test('jobs at the same time: what was saved comes back, and a key that only begins like another is a miss', async () => {
  const [left, right] = await run(
    { steps: [restore('own-left'), save('own-left'), save('both'), restore('own-left'), restore('own')] },
    { steps: [save('both'), save('own-right'), restore('both')] },
  );
  expect(restoredOf(left)).toEqual([false, undefined, undefined, true, false]);
  expect(restoredOf(right)).toEqual([undefined, undefined, true]);
  for (const message of [...(messagesOf(left) ?? []), ...(messagesOf(right) ?? [])]) {
    expect(message).toMatch(/^(Saved to|Already in) the cache: /);
  }
  const files = await describeFolder(source);
  for (const key of ['own-left', 'both']) {
    expect(await describeFolder(join(folder, `${key}-restored`))).toEqual(files);
  }
  const [later] = await run({ steps: [restore('own-right')] });
  expect(restoredOf(later)).toEqual([true]);
});

test('an archive that the server has damaged is told, not used, and saved again', async () => {
  const before = storedFiles();
  await run({ steps: [save('damaged')] });
  const stored = storedFiles().filter((file) => !before.includes(file));
  expect(stored).toHaveLength(1);
  for (const file of stored) flipByte(file);
  const [reports] = await run({ steps: [restore('damaged'), save('damaged'), restore('damaged')] });
  expect(restoredOf(reports)).toEqual([false, undefined, true]);
  expect(messagesOf(reports)).toEqual([
    expect.stringContaining('damaged is damaged'),
    'Saved to the cache: damaged-r1',
  ]);
  expect(await describeFolder(join(folder, 'damaged-restored'))).toEqual(await describeFolder(source));
});

const storedFiles = (): string[] =>
  readdirSync(join(cacheServerPath, 'cache'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

const damaged = /is damaged/;
const slow = /took \d+ s without a result/;
const refused = /did not take the entry/;

/** [what is done, where the fault is, the fault, what the build says of it, whether the entry is there later] */
const faults: [CacheStep['operation'], V1Operation, V1Fault, RegExp | undefined, boolean][] = [
  ['restore', 'lookup', '429', undefined, true],
  ['restore', 'lookup', '500', undefined, true],
  // The client waits for the other half for ever.
  ['restore', 'lookup', 'cut', slow, true],
  ['restore', 'lookup', 'stalled', slow, true],
  ['restore', 'download', '429', damaged, true],
  ['restore', 'download', '500', damaged, true],
  ['restore', 'download', 'cut', damaged, true],
  ['restore', 'download', 'stalled', slow, true],
  ['restore', 'download', 'wrong-bytes', damaged, true],
  ['save', 'reserve', '429', refused, false],
  ['save', 'reserve', '500', refused, false],
  ['save', 'reserve', 'cut', slow, false],
  ['save', 'reserve', 'stalled', slow, false],
  ['save', 'upload', '429', refused, false],
  ['save', 'upload', '500', refused, false],
  ['save', 'upload', 'cut', /^Saved/, true],
  ['save', 'upload', 'stalled', slow, false],
  ['save', 'commit', '429', refused, false],
  ['save', 'commit', '500', refused, false],
  ['save', 'commit', 'cut', slow, true],
  ['save', 'commit', 'stalled', slow, false],
];

test('with faults at each step nothing fails, and nothing wrong is restored or said to be saved', async () => {
  const named = faults.map(([way, at, fault, says, later]) => ({
    way,
    at,
    fault,
    says,
    later,
    key: `${way}-${at}-${fault}-end`,
  }));
  const restores = named.filter(({ way }) => way === 'restore');
  await run({ atOnce: true, steps: restores.map(({ key }) => save(key)) });

  for (const { at, key, fault } of named) forwarder.addFault(at, key, fault);
  const steps = named.map(({ way, key }) => (way === 'save' ? save(key) : restore(key)));
  // A machine that is busy with something else answers late, too.
  const limits = { restore: 12_000, save: 12_000, patience: 8000 };
  const [faulty] = await run({ limits, through: forwarder.through, atOnce: true, steps });
  for (const [index, { way, key, says }] of named.entries()) {
    const report = faulty?.[index];
    const said = { key, said: report?.log[0]?.message, restored: report?.restored };
    expect(said).toEqual({
      key,
      said: says === undefined ? undefined : expect.stringMatching(says),
      restored: way === 'save' ? undefined : false,
    });
  }

  const [later] = await run({ atOnce: true, steps: named.map(({ key }) => restore(key, `${key}-later`)) });
  expect(restoredOf(later)).toEqual(named.map((row) => row.later));
  const files = await describeFolder(source);
  for (const { key } of named.filter((row) => row.later)) {
    expect(await describeFolder(join(folder, `${key}-later`))).toEqual(files);
  }
  const again = named.filter((row) => !row.later).flatMap(({ key }) => [save(key), restore(key)]);
  const [mended] = await run({ steps: again });
  expect(restoredOf(mended)).toEqual(again.map(({ operation }) => (operation === 'save' ? undefined : true)));
});
