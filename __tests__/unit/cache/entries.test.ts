import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { exists, sha256 } from '../../../src/base/files.js';
import type { CacheStore } from '../../../src/base/ports.js';
import { CacheEntries } from '../../../src/cache/entries.js';
import type { CachePolicy } from '../../../src/cache/policy.js';
import { directoryCache } from '../../../src/cli/stores.js';
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
    const entries = new CacheEntries(store, both, recordingLogger(), join(root, 'transfer'), {
      onUse: (use) => told.push(use),
    });
    await entries.restore(key, join(root, 'target'));
    expect(told).toEqual(entries.ledger);
    expect(told).toHaveLength(1);
  });
});

describe('a damaged entry', () => {
  /** The step that restores finds the damage; the one that saves is told of it. */
  async function mend(store: CacheStore) {
    const { root, logger, transfer, entries } = await setUp(store);
    await writeFiles(join(root, 'source'), files);
    await entries.save(key, join(root, 'source'));
    return {
      root,
      logger,
      async build(damage: () => unknown) {
        await damage();
        let damaged: string[] = [];
        const onDamaged = (keys: string[]) => {
          damaged = keys;
        };
        const main = new CacheEntries(store, both, logger, transfer, { onDamaged });
        expect(await main.restore(key, join(root, 'first'))).toBe(false);
        expect(damaged).toEqual([key]);
        const post = new CacheEntries(store, both, logger, transfer, { damaged });
        await post.save(key, join(root, 'source'));
        const next = new CacheEntries(store, both, logger, transfer);
        expect(await next.restore(key, join(root, 'second'))).toBe(true);
        expect(await readFiles(join(root, 'second'))).toEqual(files);
      },
    };
  }

  test('that can be changed is replaced', async () => {
    const folder = await temporaryFolder();
    const { build } = await mend(directoryCache(folder));
    await build(() => writeFiles(join(folder, key), { 'bin/tool': 'tooL' }));
    expect(await readdir(folder)).toEqual([key]);
  });

  test('that can not be changed gets a copy beside it', async () => {
    const store = memoryCache();
    const { build } = await mend(store);
    await build(() => store.entries.get(key)?.set('bin/tool', Buffer.from('tooL')));
    expect([...store.entries.keys()]).toEqual([key, `${key}-r1`]);
  });

  test('is what its user says is one, too: its copies are next', async () => {
    const { store } = await filledCache(files);
    const copy = new Map(store.entries.get(key));
    store.entries.set(`${key}-r1`, copy);
    const { root, entries } = await setUp(store);
    expect(await entries.restore(key, join(root, 'first'))).toBe(true);
    entries.reject(key);
    expect(await entries.restore(key, join(root, 'second'))).toBe(true);
    entries.reject(key);
    expect(await entries.restore(key, join(root, 'third'))).toBe(false);
    await entries.save(key, join(root, 'second'));
    expect([...store.entries.keys()]).toEqual([key, `${key}-r1`, `${key}-r2`]);
  });
});

describe('time', () => {
  const limits = { restore: 200, save: 200, patience: 50 };

  test.each(['restore', 'save'] as const)(
    'a %s that never ends is given up, and the service with it',
    async (way) => {
      let asked = 0;
      const never = (): Promise<never> => {
        asked += 1;
        return new Promise(() => {});
      };
      const { root, logger, transfer } = await setUp();
      await writeFiles(join(root, 'source'), files);
      const entries = new CacheEntries({ restore: never, save: never }, both, logger, transfer, { limits });
      for (const name of ['a', 'b', 'c']) {
        if (way === 'save') await entries.save(name, join(root, 'source'));
        else expect(await entries.restore(name, join(root, 'target'))).toBe(false);
      }
      expect(asked).toBe(1);
      expect(logger.of('warning').join()).toContain(`failed to ${way} a`);
    },
  );

  test('a service that needs long to say that it has nothing is not asked again', async () => {
    let asked = 0;
    const store: CacheStore = {
      ...brokenCache,
      restore: async () => {
        asked += 1;
        await new Promise((resolve) => setTimeout(resolve, 100));
        return undefined;
      },
    };
    const { root, logger, transfer } = await setUp();
    const entries = new CacheEntries(store, both, logger, transfer, { limits });
    await entries.restore('a', join(root, 'target'));
    await entries.restore('b', join(root, 'target'));
    expect(asked).toBe(1);
    expect(logger.of('warning')).toHaveLength(1);
  });
});
