import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { exists, sha256 } from '../../../src/base/files.js';
import type { CacheStore } from '../../../src/base/ports.js';
import { CacheEntries } from '../../../src/cache/entries.js';
import type { CachePolicy } from '../../../src/cache/policy.js';
import {
  brokenCache,
  memoryCache,
  readFiles,
  recordingLogger,
  temporaryFolder,
  writeFiles,
} from '../../support/fakes.js';

const both: CachePolicy = { restore: true, save: true };
const key = 'slurm-factory-v3-lock-bookworm-amd64-abc';

async function setUp(store: CacheStore = memoryCache(), policy: CachePolicy = both) {
  const root = await temporaryFolder();
  const logger = recordingLogger();
  const transfer = join(root, 'transfer');
  return { root, logger, transfer, entries: new CacheEntries(store, policy, logger, transfer) };
}

/** A cache that holds one good entry, and the entry's content for a test to spoil. */
async function filledCache(files: Record<string, string>) {
  const store = memoryCache();
  const { root, entries } = await setUp(store);
  await writeFiles(join(root, 'source'), files);
  await entries.save(key, join(root, 'source'));
  const content = store.entries.get(key);
  if (content === undefined) throw new Error('the entry was not saved');
  return { store, content };
}

const files = { 'bin/tool': 'tool\n', 'share/a b.txt': 'text', empty: '' };

describe('restore', () => {
  test('a hit brings the saved files, and nothing of the entry around them', async () => {
    const { store } = await filledCache(files);
    const { root, logger, entries } = await setUp(store);
    expect(await entries.restore(key, join(root, 'target'))).toBe(true);
    expect(await readFiles(join(root, 'target'))).toEqual(files);
    expect(logger.of('warning')).toEqual([]);
  });

  test('a hit keeps what is in the folder already', async () => {
    const { store } = await filledCache(files);
    const { root, entries } = await setUp(store);
    await writeFiles(root, { 'target/other': 'here before', 'target/bin/tool': 'older' });
    await entries.restore(key, join(root, 'target'));
    expect(await readFiles(join(root, 'target'))).toEqual({ ...files, other: 'here before' });
  });

  test('a miss is no warning and leaves no folder', async () => {
    const { root, logger, entries } = await setUp();
    expect(await entries.restore(key, join(root, 'target'))).toBe(false);
    expect(await exists(join(root, 'target'))).toBe(false);
    expect(logger.of('warning')).toEqual([]);
  });

  test.each<[string, (content: Map<string, Buffer>) => unknown]>([
    ['one damaged byte', (content) => content.set('bin/tool', Buffer.from('tooL\n'))],
    ['a truncated file', (content) => content.set('bin/tool', Buffer.from('to'))],
    ['a missing file', (content) => content.delete('share/a b.txt')],
    ['missing sums', (content) => content.delete('ENTRY.sha256')],
    ['sums that are cut', (content) => content.set('ENTRY.sha256', Buffer.from(sha256('').slice(0, 30)))],
    ['an empty file that is no longer empty', (content) => content.set('empty', Buffer.from(' '))],
  ])('%s is a warning with the key, and a miss that leaves no file', async (_, damage) => {
    const { store, content } = await filledCache(files);
    damage(content);
    const { root, logger, entries } = await setUp(store);
    expect(await entries.restore(key, join(root, 'target'))).toBe(false);
    expect(await exists(join(root, 'target'))).toBe(false);
    expect(logger.of('warning')).toEqual([expect.stringContaining(key)]);
  });

  test('a service that throws is a warning with its words, and a miss', async () => {
    const { root, logger, entries } = await setUp(brokenCache);
    expect(await entries.restore(key, join(root, 'target'))).toBe(false);
    expect(logger.of('warning')).toEqual([expect.stringMatching(`${key}.*503 Service Unavailable`)]);
  });

  test('without leave nobody is asked', async () => {
    const { store } = await filledCache(files);
    const { root, entries } = await setUp(store, { restore: false, save: true });
    expect(await entries.restore(key, join(root, 'target'))).toBe(false);
    expect(await exists(join(root, 'target'))).toBe(false);
  });
});

describe('save', () => {
  test('takes the named files only', async () => {
    const store = memoryCache();
    const { root, entries } = await setUp(store);
    await writeFiles(join(root, 'source'), files);
    await entries.save(key, join(root, 'source'), ['share/a b.txt']);
    expect([...(store.entries.get(key)?.keys() ?? [])].sort()).toEqual(['ENTRY.sha256', 'share/a b.txt']);
  });

  test('an entry that is there already stays as it is', async () => {
    const { store, content } = await filledCache(files);
    const { root, logger, entries } = await setUp(store);
    await writeFiles(join(root, 'source'), { 'bin/tool': 'another' });
    await entries.save(key, join(root, 'source'));
    expect(content.get('bin/tool')?.toString()).toBe('tool\n');
    expect(logger.of('info')).toEqual([expect.stringMatching(/^Already in the cache/)]);
  });

  test.each<[string, CacheStore, string[] | undefined]>([
    ['a service that throws', brokenCache, undefined],
    ['a file that is not there', memoryCache(), ['bin/tool', 'no/such/file']],
  ])('%s is a warning and no error', async (_, store, names) => {
    const { root, logger, entries } = await setUp(store);
    await writeFiles(join(root, 'source'), files);
    await entries.save(key, join(root, 'source'), names);
    expect(logger.of('warning')).toEqual([expect.stringContaining(key)]);
  });

  test('without leave nothing is saved', async () => {
    const store = memoryCache();
    const { root, entries } = await setUp(store, { restore: true, save: false });
    await writeFiles(join(root, 'source'), files);
    await entries.save(key, join(root, 'source'));
    expect(store.entries.size).toBe(0);
  });
});

test('the service sees the same path for restore and save: it is part of an entry there', async () => {
  const paths: string[] = [];
  const store: CacheStore = {
    restore: async (_key, _prefixes, directory) => {
      paths.push(directory);
      return undefined;
    },
    save: async (_key, directory) => {
      paths.push(directory);
      return 'saved';
    },
  };
  const { root, entries } = await setUp(store);
  await writeFiles(join(root, 'source'), files);
  await entries.restore(key, join(root, 'target'));
  await entries.save(key, join(root, 'source'));
  expect(paths).toHaveLength(2);
  expect(paths[1]).toBe(paths[0]);
});

test('whatever happens, nothing is left where entries pass through', async () => {
  for (const store of [brokenCache, memoryCache()]) {
    const { root, transfer, entries } = await setUp(store);
    await writeFiles(join(root, 'source'), files);
    await entries.save(key, join(root, 'source'));
    await entries.restore(key, join(root, 'target'));
    await entries.restore(`${key}-other`, join(root, 'target'));
    expect(await readdir(transfer)).toEqual([]);
  }
});

test('many entries may be restored into one folder at the same time', async () => {
  const store = memoryCache();
  const { root, logger, entries } = await setUp(store);
  const names = Array.from({ length: 8 }, (_, index) => `part-${index}`);
  for (const name of names) {
    await writeFiles(join(root, name), { [`shared/${name}`]: name });
    await entries.save(`${key}-${name}`, join(root, name));
  }
  await Promise.all(names.map((name) => entries.restore(`${key}-${name}`, join(root, 'all'))));
  expect(logger.of('warning')).toEqual([]);
  expect(Object.values(await readFiles(join(root, 'all'))).sort()).toEqual(names);
});

describe('the ledger', () => {
  const bytes = Object.values(files).join('').length;
  const outcomes = (entries: CacheEntries) => entries.ledger.map((use) => [use.outcome, use.bytes]);

  test('has each entry that was saved or restored, with the bytes of its files; a miss is none', async () => {
    const { root, entries } = await setUp();
    await writeFiles(join(root, 'source'), files);
    await entries.restore(key, join(root, 'target'));
    await entries.save(key, join(root, 'source'));
    await entries.save(key, join(root, 'source'));
    await entries.restore(key, join(root, 'target'));
    expect(entries.ledger.map((use) => [use.key, use.kind])).toEqual(Array(3).fill([key, 'lock']));
    expect(outcomes(entries)).toEqual([
      ['saved', bytes],
      ['already there', bytes],
      ['restored', bytes],
    ]);
  });

  test('has what was damaged, with the bytes that are sound before the damage', async () => {
    const { store, content } = await filledCache(files);
    content.set('share/a b.txt', Buffer.from('tex'));
    const { root, entries } = await setUp(store);
    await entries.restore(key, join(root, 'target'));
    expect(outcomes(entries)).toEqual([['damaged', 5]]);
  });

  test('has what failed', async () => {
    const { root, entries } = await setUp(brokenCache);
    await writeFiles(join(root, 'source'), files);
    await entries.restore(key, join(root, 'target'));
    await entries.save(key, join(root, 'source'));
    expect(outcomes(entries)).toEqual([
      ['failed', 0],
      ['failed', 0],
    ]);
  });

  test('is told line by line: the process may be killed', async () => {
    const { store } = await filledCache(files);
    const root = await temporaryFolder();
    const told: unknown[] = [];
    const entries = new CacheEntries(store, both, recordingLogger(), join(root, 'transfer'), (use) =>
      told.push(use),
    );
    await entries.restore(key, join(root, 'target'));
    expect(told).toEqual(entries.ledger);
    expect(told).toHaveLength(1);
  });
});
