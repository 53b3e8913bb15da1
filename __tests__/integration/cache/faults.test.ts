import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type CacheStep, compileSources, type FinishedJob } from '../../support/cache/processes.js';
import {
  type CacheRunner,
  describeFolder,
  startCacheRunner,
  startCacheService,
} from '../../support/cache/runner.js';
import { writeFiles } from '../../support/fakes.js';
import type { FaultKind, Operation } from '../../support/services/results-service.js';

/**
 * The action's cache store and entries with the toolkit's client against a v2 service that has a fault at
 * each step. Everything is begun at once and looked at afterwards: the toolkit waits for up to half a
 * minute between its attempts.
 */

/** More often than Azure's client tries, and as often as the toolkit does. */
const always = 5;

/** [operation, fault, how often, whether the entry comes nevertheless; undefined: as the bytes fall] */
const restoreFaults: [Operation, FaultKind, number, boolean | undefined][] = [
  ['GetCacheEntryDownloadURL', '429', 1, false],
  ['GetCacheEntryDownloadURL', '500', 1, true],
  ['GetCacheEntryDownloadURL', '500', always, false],
  ['GetCacheEntryDownloadURL', 'slow', 1, true],
  ['GetCacheEntryDownloadURL', 'cut', 1, false],
  ['GetCacheEntryDownloadURL', 'down', 1, false],
  ['GetCacheEntryDownloadURL', 'wrong-bytes', 1, true],
  ['HeadBlob', '429', 1, false],
  ['HeadBlob', '500', 1, true],
  ['GetBlob', '429', 1, false],
  ['GetBlob', '500', 1, true],
  ['GetBlob', '500', always, false],
  ['GetBlob', 'slow', 1, true],
  ['GetBlob', 'cut', 1, undefined],
  ['GetBlob', 'cut', 100, false],
  ['GetBlob', 'down', 1, true],
  ['GetBlob', 'wrong-bytes', 1, false],
];

/** [operation, fault, how often, whether the entry is saved nevertheless] */
const saveFaults: [Operation, FaultKind, number, boolean][] = [
  ['CreateCacheEntry', '429', 1, false],
  ['CreateCacheEntry', '500', 1, true],
  ['CreateCacheEntry', '500', always, false],
  ['CreateCacheEntry', 'slow', 1, true],
  ['CreateCacheEntry', 'cut', 1, false],
  ['CreateCacheEntry', 'down', 1, false],
  ['CreateCacheEntry', 'wrong-bytes', 1, false],
  ['PutBlob', '429', 1, false],
  ['PutBlob', '500', 1, true],
  ['PutBlob', '500', always, false],
  ['PutBlob', 'slow', 1, true],
  ['PutBlob', 'cut', 1, true],
  ['PutBlob', 'down', 1, true],
  ['PutBlob', 'wrong-bytes', 1, true],
  ['FinalizeCacheEntryUpload', '429', 1, false],
  ['FinalizeCacheEntryUpload', '500', 1, true],
  ['FinalizeCacheEntryUpload', 'slow', 1, true],
  ['FinalizeCacheEntryUpload', 'cut', 1, true],
  ['FinalizeCacheEntryUpload', 'down', 1, false],
];

/** Where a service may stall. */
const stalls: [CacheStep['operation'], Operation][] = [
  ['restore', 'GetCacheEntryDownloadURL'],
  ['restore', 'HeadBlob'],
  ['restore', 'GetBlob'],
  ['save', 'CreateCacheEntry'],
  ['save', 'PutBlob'],
  ['save', 'FinalizeCacheEntryUpload'],
];
const limits = { restore: 4000, save: 4000, patience: 2000 };

let runner: CacheRunner;
let whole: Record<string, string>;
const begun = new Map<string, Promise<unknown>>();

/** Begins something whose outcome a test asks for later. */
function begin(name: string, work: Promise<unknown>): void {
  // Node takes an error that nobody looks at yet for a defect.
  work.catch(() => {});
  begun.set(name, work);
}

const outcome = <T>(name: string): Promise<T> => begun.get(name) as Promise<T>;
const keyOf = (way: string, operation: Operation, kind: FaultKind, times: number): string =>
  `${way}-${operation}-${kind}-${times}-times`;

beforeAll(async () => {
  runner = await startCacheRunner();
  whole = await describeFolder(runner.source);
  for (const [operation, kind, times] of restoreFaults) {
    const key = keyOf('restore', operation, kind, times);
    begin(
      key,
      runner.build(key).then(() => buildTwice(key, operation, kind, times)),
    );
  }
  for (const [operation, kind, times] of saveFaults) {
    const key = keyOf('save', operation, kind, times);
    begin(key, buildTwice(key, operation, kind, times));
  }
  const built = compileSources(join(runner.folder, 'built'));
  begin('stalled', built.then(stall));
  begin('stalled for all', built.then(stallForAll));
  begin('dying', built.then(dieWhileSaving));
});

afterAll(() => runner?.stop());

/** A build with the fault, and one behind it. */
async function buildTwice(key: string, operation: Operation, kind: FaultKind, times: number) {
  runner.service.addFault({ match: { operation, key }, kind, times });
  return { faulty: await runner.build(key), next: await runner.build(key) };
}
type Builds = Awaited<ReturnType<typeof buildTwice>>;

describe('a fault never fails a build, and what was restored is right', () => {
  test.each(restoreFaults)('restore: %s, %s (%d times)', async (operation, kind, times, comes) => {
    const { faulty, next } = await outcome<Builds>(keyOf('restore', operation, kind, times));
    if (comes !== undefined) expect(faulty.restored).toBe(comes);
    expect(faulty.files).toEqual(faulty.restored ? whole : {});
    if (faulty.restored) expect(faulty.warnings).toEqual([]);
    // Whether the build had to save it anew or not, the next one has it.
    expect(next).toMatchObject({ restored: true, files: whole });
  });

  test.each(saveFaults)('save: %s, %s (%d times)', async (operation, kind, times, saved) => {
    const key = keyOf('save', operation, kind, times);
    const { faulty, next } = await outcome<Builds>(key);
    if (saved)
      expect(faulty.infos).toEqual([expect.stringMatching(`^(Saved to|Already in) the cache: ${key}$`)]);
    if (saved) expect(faulty.warnings).toEqual([]);
    else expect(faulty.warnings.join('\n')).toContain(`failed to save ${key}`);
    // Bytes that were stored wrong are not used, but saved again.
    const stored = saved && kind !== 'wrong-bytes';
    expect(next).toMatchObject({ restored: stored, files: stored ? whole : {} });
    if (saved && !stored) expect(await runner.build(key)).toMatchObject({ restored: true, files: whole });
  });
});

/** Stalls of all kinds at once, in a process of its own: what stalls would keep this one. */
async function stall(built: string): Promise<FinishedJob> {
  const steps = stalls.map(([operation, at]): CacheStep => {
    const key = `stalled-${at}`;
    return { operation, key, folder: operation === 'save' ? runner.source : join(runner.folder, key) };
  });
  for (const { operation, key } of steps) if (operation === 'restore') await runner.build(key);
  for (const [, operation] of stalls) {
    runner.service.addFault({ match: { operation, key: `stalled-${operation}` }, kind: 'stalled' });
  }
  return runner.run(built, { steps, limits, atOnce: true });
}

function stallForAll(built: string): Promise<FinishedJob> {
  const keys = Array.from({ length: 30 }, (_, index) => `many-${index}`);
  runner.service.addFault({
    match: ({ key }) => key?.startsWith('many-') ?? false,
    kind: 'stalled',
    times: Number.POSITIVE_INFINITY,
  });
  const steps = keys.map((key): CacheStep => ({ operation: 'save', key, folder: runner.source }));
  return runner.run(built, { steps, limits });
}

describe('a service that stalls', () => {
  test.each(stalls.map(([operation, at], index) => [operation, at, index] as const))(
    'is left alone when its time is up: %s, %s',
    async (operation, at, index) => {
      const { reports } = await outcome<FinishedJob>('stalled');
      expect(reports[index]?.restored).toBe(operation === 'save' ? undefined : false);
      const said = reports[index]?.log.map(({ message }) => message);
      expect(said).toEqual([
        expect.stringMatching(
          /^The cache service took \d s without a result; this step continues without it\.$/,
        ),
        `The cache service failed to ${operation} stalled-${at}: not done within 4 s; continuing without it.`,
      ]);
    },
  );

  test('does not keep the process, though requests of the client are still open', async () => {
    const { milliseconds, exitCode } = await outcome<FinishedJob>('stalled');
    expect(exitCode).toBe(0);
    expect(milliseconds).toBeLessThan(20_000);
  });

  test('costs one limit in all, not one for each entry', async () => {
    const { reports, milliseconds } = await outcome<FinishedJob>('stalled for all');
    expect(reports.at(-1)?.log).toEqual([
      { level: 'info', message: 'Not saved, since the cache service took too long: many-29' },
    ]);
    expect(milliseconds).toBeLessThan(20_000);
  });
});

/** A service goes while an entry of 20 MB is on its way, and comes back with what it had stored. */
async function dieWhileSaving(built: string) {
  const from = join(runner.folder, 'dying');
  await writeFiles(from, { data: '' });
  writeFileSync(join(from, 'data'), randomBytes(20_000_000));
  const directory = join(runner.folder, 'dying-service');
  const save: CacheStep = { operation: 'save', key: 'dying', folder: from };
  const restore = (to: string): CacheStep => ({ operation: 'restore', key: 'dying', folder: to });

  const service = await startCacheService(directory);
  const uploading = new Promise<void>((resolve) => {
    const isUpload = ({ operation }: { operation: Operation }): boolean => {
      if (operation === 'PutBlob') resolve();
      return operation === 'PutBlob';
    };
    service.addFault({ match: isUpload, kind: 'stalled' });
  });
  const first = runner.run(built, { steps: [save] }, service);
  await uploading;
  await service.close();
  const { reports } = await first;

  const again = await startCacheService(directory);
  const target = join(runner.folder, 'dying-restored');
  try {
    const steps = [restore(join(runner.folder, 'dying-missed')), save, restore(target)];
    const second = await runner.run(built, { steps }, again);
    return {
      first: reports,
      second: second.reports,
      was: await describeFolder(from),
      is: await describeFolder(target),
    };
  } finally {
    await again.close();
  }
}

test('a service that dies in the middle of an upload has no half entry when it is back, and takes a new one', async () => {
  const { first, second, was, is } = await outcome<Awaited<ReturnType<typeof dieWhileSaving>>>('dying');
  expect(first.flatMap(({ log }) => log.map(({ message }) => message)).join('\n')).toContain(
    'failed to save dying',
  );
  expect(second.map(({ restored }) => restored)).toEqual([false, undefined, true]);
  expect(second.flatMap(({ log }) => log)).toEqual([{ level: 'info', message: 'Saved to the cache: dying' }]);
  expect(is).toEqual(was);
});
