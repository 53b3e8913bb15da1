import { readdir, rm, symlink, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { exists, sha256 } from '../../../src/base/files.js';
import type { CacheStore } from '../../../src/base/ports.js';
import { CacheEntries } from '../../../src/cache/entries.js';
import { inScope } from '../../../src/cache/keys.js';
import type { CachePolicy } from '../../../src/cache/policy.js';
import { makeSeal, type Seal } from '../../../src/cache/seal.js';
import { directoryCache } from '../../../src/local/stores.js';
import {
  brokenCache,
  memoryCache,
  readFiles,
  recordingLogger,
  temporaryFolder,
  writeFiles,
} from '../../support/fakes.js';

const both: CachePolicy = { restore: true, save: true, scopes: ['open'] };
const plain = 'slurm-factory-v4-lock-bookworm-amd64-abc';
/** What the store knows it by. */
const key = 'slurm-factory-v4-open-lock-bookworm-amd64-abc';

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
  await entries.save(plain, join(root, 'source'));
  const content = store.entries.get(key);
  if (content === undefined) throw new Error('the entry was not saved');
  return { store, content };
}

const files = { 'bin/tool': 'tool\n', 'share/a b.txt': 'text', empty: '' };

describe('restore', () => {
  test('a hit brings the saved files, and nothing of the entry around them', async () => {
    const { store } = await filledCache(files);
    const { root, logger, entries } = await setUp(store);
    expect(await entries.restore(plain, join(root, 'target'))).toBe(true);
    expect(await readFiles(join(root, 'target'))).toEqual(files);
    expect(logger.of('warning')).toEqual([]);
  });

  test('a hit keeps what is in the folder already', async () => {
    const { store } = await filledCache(files);
    const { root, entries } = await setUp(store);
    await writeFiles(root, { 'target/other': 'here before', 'target/bin/tool': 'older' });
    await entries.restore(plain, join(root, 'target'));
    expect(await readFiles(join(root, 'target'))).toEqual({ ...files, other: 'here before' });
  });

  test('a miss is no warning and leaves no folder', async () => {
    const { root, logger, entries } = await setUp();
    expect(await entries.restore(plain, join(root, 'target'))).toBe(false);
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
    expect(await entries.restore(plain, join(root, 'target'))).toBe(false);
    expect(await exists(join(root, 'target'))).toBe(false);
    expect(logger.of('warning')).toEqual([expect.stringContaining(key)]);
  });

  test('a service that throws is a warning with its words, and a miss', async () => {
    const { root, logger, entries } = await setUp(brokenCache);
    expect(await entries.restore(plain, join(root, 'target'))).toBe(false);
    expect(logger.of('warning')).toEqual([expect.stringMatching(`${key}.*503 Service Unavailable`)]);
  });

  test('without leave nobody is asked', async () => {
    const { store } = await filledCache(files);
    const { root, entries } = await setUp(store, { restore: false, save: true, scopes: ['open'] });
    expect(await entries.restore(plain, join(root, 'target'))).toBe(false);
    expect(await exists(join(root, 'target'))).toBe(false);
  });
});

describe('save', () => {
  test('takes the named files only', async () => {
    const store = memoryCache();
    const { root, entries } = await setUp(store);
    await writeFiles(join(root, 'source'), files);
    await entries.save(plain, join(root, 'source'), ['share/a b.txt']);
    expect([...(store.entries.get(key)?.keys() ?? [])].sort()).toEqual(['ENTRY.sha256', 'share/a b.txt']);
  });

  test('an entry that is there already stays as it is', async () => {
    const { store, content } = await filledCache(files);
    const { root, logger, entries } = await setUp(store);
    await writeFiles(join(root, 'source'), { 'bin/tool': 'another' });
    await entries.save(plain, join(root, 'source'));
    expect(content.get('bin/tool')?.toString()).toBe('tool\n');
    expect(logger.of('debug')).toEqual([expect.stringMatching(/^Already in the cache/)]);
  });

  test.each<[string, CacheStore, string[] | undefined]>([
    ['a service that throws', brokenCache, undefined],
    ['a file that is not there', memoryCache(), ['bin/tool', 'no/such/file']],
  ])('%s is a warning and no error', async (_, store, names) => {
    const { root, logger, entries } = await setUp(store);
    await writeFiles(join(root, 'source'), files);
    await entries.save(plain, join(root, 'source'), names);
    expect(logger.of('warning')).toEqual([expect.stringContaining(key)]);
  });

  test('without leave nothing is saved', async () => {
    const store = memoryCache();
    const { root, entries } = await setUp(store, { restore: true, save: false, scopes: ['open'] });
    await writeFiles(join(root, 'source'), files);
    await entries.save(plain, join(root, 'source'));
    expect(store.entries.size).toBe(0);
  });
});

test('the service sees the same path for restore and save: it is part of an entry there', async () => {
  const paths: string[] = [];
  const store: CacheStore = {
    find: async () => undefined,
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
  await entries.restore(plain, join(root, 'target'));
  await entries.save(plain, join(root, 'source'));
  expect(paths).toHaveLength(2);
  expect(paths[1]).toBe(paths[0]);
});

test('whatever happens, nothing is left where entries pass through', async () => {
  for (const store of [brokenCache, memoryCache()]) {
    const { root, transfer, entries } = await setUp(store);
    await writeFiles(join(root, 'source'), files);
    await entries.save(plain, join(root, 'source'));
    await entries.restore(plain, join(root, 'target'));
    await entries.restore(`${plain}-other`, join(root, 'target'));
    expect(await readdir(transfer)).toEqual([]);
  }
});

test('many entries may be restored into one folder at the same time', async () => {
  const store = memoryCache();
  const { root, logger, entries } = await setUp(store);
  const names = Array.from({ length: 8 }, (_, index) => `part-${index}`);
  for (const name of names) {
    await writeFiles(join(root, name), { [`shared/${name}`]: name });
    await entries.save(`${plain}-${name}`, join(root, name));
  }
  await Promise.all(names.map((name) => entries.restore(`${plain}-${name}`, join(root, 'all'))));
  expect(logger.of('warning')).toEqual([]);
  expect(Object.values(await readFiles(join(root, 'all'))).sort()).toEqual(names);
});

describe('the ledger', () => {
  const bytes = Object.values(files).join('').length;
  const outcomes = (entries: CacheEntries) => entries.ledger.map((use) => [use.outcome, use.bytes]);

  test('has each entry that was saved or restored, with the bytes of its files; a miss is none', async () => {
    const { root, entries } = await setUp();
    await writeFiles(join(root, 'source'), files);
    await entries.restore(plain, join(root, 'target'));
    await entries.save(plain, join(root, 'source'));
    await entries.save(plain, join(root, 'source'));
    await entries.restore(plain, join(root, 'target'));
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
    await entries.restore(plain, join(root, 'target'));
    expect(outcomes(entries)).toEqual([['damaged', 5]]);
  });

  test('has what failed', async () => {
    const { root, entries } = await setUp(brokenCache);
    await writeFiles(join(root, 'source'), files);
    await entries.restore(plain, join(root, 'target'));
    await entries.save(plain, join(root, 'source'));
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
    await entries.restore(plain, join(root, 'target'));
    expect(told).toEqual(entries.ledger);
    expect(told).toHaveLength(1);
  });
});

describe('a damaged entry', () => {
  /** The step that restores finds the damage; the one that saves is told of it. */
  async function mend(store: CacheStore) {
    const { root, logger, transfer, entries } = await setUp(store);
    await writeFiles(join(root, 'source'), files);
    await entries.save(plain, join(root, 'source'));
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
        expect(await main.restore(plain, join(root, 'first'))).toBe(false);
        expect(damaged).toEqual([key]);
        const post = new CacheEntries(store, both, logger, transfer, { damaged });
        await post.save(plain, join(root, 'source'));
        const next = new CacheEntries(store, both, logger, transfer);
        expect(await next.restore(plain, join(root, 'second'))).toBe(true);
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
    expect(await entries.restore(plain, join(root, 'first'))).toBe(true);
    entries.reject(plain);
    expect(await entries.restore(plain, join(root, 'second'))).toBe(true);
    entries.reject(plain);
    expect(await entries.restore(plain, join(root, 'third'))).toBe(false);
    await entries.save(plain, join(root, 'second'));
    expect([...store.entries.keys()]).toEqual([key, `${key}-r1`, `${key}-r2`]);
  });

  test('that was the newest of its beginning is no more, and gets a copy that is newer', async () => {
    const { store } = await filledCache(files);
    const { root, logger, transfer, entries } = await setUp(store);
    const near = plain.slice(0, -3);
    expect(await entries.restoreNear(near, join(root, 'first'))).toBe(true);
    entries.reject(near);
    expect(await entries.restoreNear(near, join(root, 'second'))).toBe(false);
    await entries.save(plain, join(root, 'first'));
    expect([...store.entries.keys()]).toEqual([key, `${key}-r1`]);
    const next = new CacheEntries(store, both, logger, transfer);
    expect(await next.restoreNear(near, join(root, 'third'))).toBe(true);
    expect(next.ledger.map((use) => use.key)).toEqual([`${key}-r1`]);
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
      const entries = new CacheEntries({ find: never, restore: never, save: never }, both, logger, transfer, {
        limits,
      });
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

describe('of an entry that somebody else wrote', () => {
  /** A store that answers with whatever `plant` puts where the entry is to come. */
  const answering = (plant: (directory: string) => Promise<unknown>): CacheStore => ({
    find: async (name) => name,
    restore: async (name, _, directory) => {
      await plant(directory);
      return name;
    },
    save: async () => 'saved',
  });
  const sums = (names: readonly string[]) => names.map((name) => `${sha256('theirs')}  ${name}\n`).join('');

  test.each<[string, (directory: string, elsewhere: string) => Promise<unknown>]>([
    [
      'a link to a file',
      async (directory, elsewhere) => {
        await symlink(join(elsewhere, 'secret'), join(directory, 'tool'));
        await writeFiles(directory, { 'ENTRY.sha256': sums(['tool']) });
      },
    ],
    [
      'a link to a folder',
      async (directory, elsewhere) => {
        await symlink(elsewhere, join(directory, 'bin'));
        await writeFiles(directory, { 'ENTRY.sha256': sums(['bin/secret']) });
      },
    ],
    [
      'a link in the place of the sums',
      async (directory, elsewhere) => {
        await writeFiles(directory, { tool: 'theirs' });
        await writeFiles(elsewhere, { sums: sums(['tool']) });
        await symlink(join(elsewhere, 'sums'), join(directory, 'ENTRY.sha256'));
      },
    ],
    [
      'a link in the place of the whole entry',
      async (directory, elsewhere) => {
        await rm(directory, { recursive: true });
        await writeFiles(elsewhere, { 'ENTRY.sha256': sums(['secret']) });
        await symlink(elsewhere, directory);
      },
    ],
    [
      'a name that leads out',
      (directory) => writeFiles(directory, { tool: 'theirs', 'ENTRY.sha256': sums(['../elsewhere/secret']) }),
    ],
    [
      'an absolute name',
      (directory) => writeFiles(directory, { tool: 'theirs', 'ENTRY.sha256': sums(['/etc/hostname']) }),
    ],
    [
      'a control character in a name',
      (directory) =>
        writeFiles(directory, { 'a\u001b[2Jb': 'theirs', 'ENTRY.sha256': sums(['a\u001b[2Jb']) }),
    ],
    [
      'more bytes than an entry may have',
      async (directory) => {
        await writeFiles(directory, { tool: '', 'ENTRY.sha256': sums(['tool']) });
        // It has no blocks on the disk.
        await truncate(join(directory, 'tool'), 9e9);
      },
    ],
  ])('%s is damage: nothing of it arrives', async (_, plant) => {
    const elsewhere = await temporaryFolder({ secret: 'theirs' });
    const store = answering((directory) => plant(directory, elsewhere));
    const { root, logger, transfer, entries } = await setUp(store);
    expect(await entries.restore(plain, join(root, 'target'))).toBe(false);
    expect(await exists(join(root, 'target'))).toBe(false);
    expect(logger.of('warning')[0]).toMatch(/^Cache entry \S+ is damaged/);
    // Printed whole, such a name could write over the log.
    expect(logger.of('warning').join('')).not.toContain('\u001b');
    expect(await readdir(transfer)).toEqual([]);
    expect((await readFiles(elsewhere))['secret']).toBe('theirs');
  });

  test('restored through a link that was planted in the target, nothing is overwritten', async () => {
    const { store } = await filledCache(files);
    const { root, entries } = await setUp(store);
    const elsewhere = await temporaryFolder({ tool: 'mine', 'a b.txt': 'mine' });
    await writeFiles(join(root, 'target'), { 'share/x': '' });
    await symlink(elsewhere, join(root, 'target', 'bin'));
    await symlink(join(elsewhere, 'a b.txt'), join(root, 'target', 'share', 'a b.txt'));
    expect(await entries.restore(plain, join(root, 'target'))).toBe(false);
    expect(await readFiles(elsewhere)).toEqual({ tool: 'mine', 'a b.txt': 'mine' });
    await rm(join(root, 'target', 'bin'));
    expect(await entries.restore(plain, join(root, 'target'))).toBe(true);
    expect(await readFiles(join(root, 'target'))).toEqual({ ...files, 'share/x': '' });
    expect(await readFiles(elsewhere)).toEqual({ tool: 'mine', 'a b.txt': 'mine' });
  });

  test('passes through no folder that is a link', async () => {
    const { store } = await filledCache(files);
    const { root, logger, transfer, entries } = await setUp(store);
    const elsewhere = await temporaryFolder({ keep: 'mine' });
    await symlink(elsewhere, transfer);
    expect(await entries.restore(plain, join(root, 'target'))).toBe(false);
    await writeFiles(join(root, 'source'), files);
    expect(await entries.save(plain, join(root, 'source'))).toBe(false);
    expect(await readFiles(elsewhere)).toEqual({ keep: 'mine' });
    expect(logger.of('warning')).toHaveLength(2);
  });
});

describe('a save of what a container wrote', () => {
  test.each<[string, (built: string, elsewhere: string) => Promise<unknown>]>([
    [
      'a link to a file',
      (built, elsewhere) => symlink(join(elsewhere, 'secret'), join(built, 'misc', 'secret')),
    ],
    [
      'a link to a folder',
      async (built, elsewhere) => {
        await rm(join(built, 'misc'), { recursive: true });
        await symlink(elsewhere, join(built, 'misc'));
      },
    ],
  ])('%s keeps nothing of what it leads to', async (_, plant) => {
    const store = memoryCache();
    const { root, logger, transfer } = await setUp(store);
    const elsewhere = await temporaryFolder({ secret: 'of the host' });
    const built = join(root, 'built');
    await writeFiles(built, { 'misc/other': '' });
    await plant(built, elsewhere);
    const entries = new CacheEntries(store, both, logger, transfer, { within: built });
    expect(await entries.save(plain, join(built, 'misc'), ['secret'])).toBe(false);
    expect(store.entries.size).toBe(0);
    expect(logger.of('warning')).toEqual([expect.stringMatching(/failed to save/)]);
  });

  test('a name that leads out is not taken', async () => {
    const { root, entries } = await setUp();
    await writeFiles(root, { 'source/x': '', secret: 'of the host' });
    expect(await entries.save(plain, join(root, 'source'), ['../secret'])).toBe(false);
    expect(await entries.save(plain, join(root, 'source'), ['x\n0'])).toBe(false);
  });
});

describe('scopes', () => {
  const other: CachePolicy = { restore: true, save: true, scopes: ['other', 'open'] };

  test('the less trusted reads both and writes its own: the other never sees it', async () => {
    const store = memoryCache();
    const { root, logger, transfer, entries: open } = await setUp(store);
    const less = new CacheEntries(store, other, logger, transfer);
    await writeFiles(root, { 'theirs/a': 'theirs', 'ours/a': 'ours' });
    await less.save(plain, join(root, 'theirs'));
    expect([...store.entries.keys()]).toEqual([key.replace('-open-', '-other-')]);
    expect(await open.restore(plain, join(root, '1'))).toBe(false);
    expect(await open.restoreNear(plain.slice(0, -3), join(root, '1'))).toBe(false);
    await open.save(plain, join(root, 'ours'));
    expect(await open.restore(plain, join(root, '2'))).toBe(true);
    expect(await readFiles(join(root, '2'))).toEqual({ a: 'ours' });
    expect(await less.restore(plain, join(root, '3'))).toBe(true);
    expect(await readFiles(join(root, '3'))).toEqual({ a: 'theirs' });
    store.entries.delete(key.replace('-open-', '-other-'));
    expect(await less.restore(plain, join(root, '4'))).toBe(true);
    expect(await less.restoreNear(plain.slice(0, -3), join(root, '4'))).toBe(true);
    expect(await readFiles(join(root, '4'))).toEqual({ a: 'ours' });
  });
});

describe('a build with a secret', () => {
  const seal = makeSeal('a secret');
  const sealed: CachePolicy = { restore: true, save: true, scopes: [seal.scope] };
  const sealedKey = inScope(plain, seal.scope);

  async function sealedCache() {
    const store = memoryCache();
    const { root, logger, transfer } = await setUp(store);
    const make = (own: Seal | undefined = seal) =>
      new CacheEntries(store, sealed, logger, transfer, { seal: own });
    await writeFiles(join(root, 'source'), files);
    await make().save(plain, join(root, 'source'));
    const content = store.entries.get(sealedKey);
    if (content === undefined) throw new Error('the entry was not saved');
    return { store, root, logger, make, content };
  }

  test('gets back what it saved, by its key and by the beginning of it', async () => {
    const { root, logger, make, content } = await sealedCache();
    expect([...content.keys()].sort()).toEqual(['ENTRY.hmac', 'ENTRY.sha256', ...Object.keys(files)].sort());
    expect(await make().restore(plain, join(root, '1'))).toBe(true);
    expect(await make().restoreNear(plain.slice(0, -3), join(root, '2'))).toBe(true);
    for (const name of ['1', '2']) expect(await readFiles(join(root, name))).toEqual(files);
    expect(logger.of('warning')).toEqual([]);
  });

  const forged = { 'bin/tool': 'forged' };
  const forgedSums = `${sha256('forged')}  bin/tool\n`;
  test.each<[string, Record<string, string>]>([
    ['without a seal', { ...forged, 'ENTRY.sha256': forgedSums }],
    ['with a seal that is none', { ...forged, 'ENTRY.sha256': forgedSums, 'ENTRY.hmac': 'x' }],
    ['with an empty seal', { ...forged, 'ENTRY.sha256': forgedSums, 'ENTRY.hmac': '' }],
    ['with a seal of zeros', { ...forged, 'ENTRY.sha256': forgedSums, 'ENTRY.hmac': `${'0'.repeat(64)}\n` }],
    [
      'with the seal of another secret',
      {
        ...forged,
        'ENTRY.sha256': forgedSums,
        'ENTRY.hmac': makeSeal('guessed').mark(sealedKey, forgedSums),
      },
    ],
    [
      'with the seal of another key',
      {
        ...forged,
        'ENTRY.sha256': forgedSums,
        'ENTRY.hmac': seal.mark(sealedKey.replace('-lock-', '-index-'), forgedSums),
      },
    ],
  ])('does not believe an entry %s', async (_, content) => {
    const { store, root, logger, make } = await sealedCache();
    store.entries.set(
      sealedKey,
      new Map(Object.entries(content).map(([name, text]) => [name, Buffer.from(text)])),
    );
    expect(await make().restore(plain, join(root, 'target'))).toBe(false);
    expect(await make().restoreNear(plain.slice(0, -3), join(root, 'target'))).toBe(false);
    expect(await exists(join(root, 'target'))).toBe(false);
    expect(logger.of('warning')[0]).toMatch(/is damaged \(.*seal/);
  });

  test('does not believe its own files in another mixture', async () => {
    const { store, root, make, content } = await sealedCache();
    content.delete('bin/tool');
    const sums = String(content.get('ENTRY.sha256')).replace(/^.*bin\/tool\n/m, '');
    content.set('ENTRY.sha256', Buffer.from(sums));
    expect(await make().restore(plain, join(root, 'target'))).toBe(false);
    expect(store.entries.size).toBe(1);
  });

  test('is finished by one with the same secret only', async () => {
    const { store, root, logger, make } = await sealedCache();
    store.entries.clear();
    for (const own of [undefined, makeSeal('another secret')]) {
      const entries = new CacheEntries(store, sealed, logger, join(root, 'transfer'), { seal: own });
      expect(await entries.save(plain, join(root, 'source'))).toBe(false);
      expect(await entries.restore(plain, join(root, 'target'))).toBe(false);
    }
    expect(store.entries.size).toBe(0);
    expect(logger.of('info').at(-1)).toMatch(/does not have the secret of the build/);
    expect(await make().save(plain, join(root, 'source'))).toBe(true);
  });

  test('a key that has no scope is not believed without its seal either', async () => {
    const { store, root, make } = await sealedCache();
    const sums = Buffer.from(forgedSums);
    store.entries.set(
      'x',
      new Map([
        ['bin/tool', Buffer.from('forged')],
        ['ENTRY.sha256', sums],
      ]),
    );
    expect(await make().restore('x', join(root, 'target'))).toBe(false);
  });
});

test('the scope of a secret is the same each time, another for each secret, and no part of the key', () => {
  const seal = makeSeal('a secret');
  expect(seal.scope).toMatch(/^k[0-9a-f]{12}$/);
  expect(makeSeal('a secret').scope).toBe(seal.scope);
  expect(makeSeal('A secret').scope).not.toBe(seal.scope);
  const mark = seal.mark('key', 'sums');
  expect(mark).not.toContain(seal.scope.slice(1));
  expect(makeSeal('a secret').holds('key', 'sums', mark)).toBe(true);
  for (const wrong of [mark.toUpperCase(), mark.trim(), `${mark} `, mark.slice(1), '']) {
    expect(seal.holds('key', 'sums', wrong)).toBe(false);
  }
});
