import { lstat, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, jest, test } from '@jest/globals';
import { exists } from '../../../src/base/files.js';
import { directoryCache, localArtifacts } from '../../../src/local/stores.js';
import { readFiles, temporaryFolder } from '../../support/fakes.js';

const files = { 'bin/tool': 'tool', 'a b': '', ENTRY: 'sums' };

/** A cache in a folder that does not exist yet, and a folder to save. */
async function setUp() {
  const root = await temporaryFolder();
  const source = await temporaryFolder(files);
  return { root, source, cache: directoryCache(join(root, 'entries')), target: join(root, 'target') };
}

describe('directoryCache', () => {
  test('an empty cache has nothing', async () => {
    const { cache, target } = await setUp();
    expect(await cache.restore('key', ['k', ''], target)).toBeUndefined();
  });

  test('what was saved comes back', async () => {
    const { source, cache, target } = await setUp();
    expect(await cache.save('key', source)).toBe('saved');
    expect(await cache.restore('key', [], target)).toBe('key');
    expect(await readFiles(target)).toEqual(files);
  });

  test('a link is not kept, where it may lead', async () => {
    const { source, cache, target } = await setUp();
    await symlink('bin/tool', join(source, 'link'));
    await expect(cache.save('key', source)).rejects.toThrow(/it has a link .*\(link\)/);
    expect(await cache.restore('key', [], target)).toBeUndefined();
  });

  describe('of what was planted', () => {
    /** A cache with one entry, beside a folder of somebody's. */
    async function planted() {
      const made = await setUp();
      const elsewhere = await temporaryFolder({ 'bin/tool': 'theirs', secret: 'theirs' });
      await made.cache.save('key', made.source);
      return { ...made, elsewhere, entry: (name: string) => join(made.root, 'entries', name) };
    }

    test('a link in the place of an entry is none: it is not read, touched, listed or removed through', async () => {
      const { cache, source, target, elsewhere, entry } = await planted();
      const before = await stat(elsewhere);
      await symlink(elsewhere, entry('near-1'));
      expect(await cache.restore('near-1', ['near-'], target)).toBeUndefined();
      expect(await cache.inventory?.list(['near-'])).toEqual([]);
      await cache.inventory?.remove({ id: 'near-1', key: 'near-1', size: 0, lastUse: 0 });
      await symlink(elsewhere, entry('near-2'));
      expect(await cache.save('near-2', source)).toBe('saved');
      await symlink(elsewhere, entry('near-3'));
      await cache.replace?.('near-3', source);
      for (const name of ['near-2', 'near-3']) {
        expect((await lstat(entry(name))).isDirectory()).toBe(true);
      }
      expect(await readFiles(elsewhere)).toEqual({ 'bin/tool': 'theirs', secret: 'theirs' });
      expect((await stat(elsewhere)).mtimeMs).toBe(before.mtimeMs);
    });

    test.each<[string, (entry: string, elsewhere: string) => Promise<unknown>]>([
      ['a link to a file', (entry, elsewhere) => symlink(join(elsewhere, 'secret'), join(entry, 'secret'))],
      ['a link to a folder', (entry, elsewhere) => symlink(elsewhere, join(entry, 'folder'))],
    ])('%s in an entry brings nothing of what it leads to', async (_, plant) => {
      const { cache, target, elsewhere, entry } = await planted();
      await plant(entry('key'), elsewhere);
      expect(await cache.restore('key', [], target)).toBe('key');
      expect(await exists(target)).toBe(false);
    });
  });

  test('a prefix gives the entry that was saved or used last, whatever its name', async () => {
    const { root, source, cache, target } = await setUp();
    const names = ['near-b', 'near-c', 'near-a', 'other'];
    for (const [index, name] of names.entries()) {
      await cache.save(name, source);
      await utimes(join(root, 'entries', name), index + 1, index + 1);
    }
    expect(await cache.restore('near-', ['near-'], target)).toBe('near-a');
    await utimes(join(root, 'entries', 'near-c'), new Date(), new Date(Date.now() + 60_000));
    expect(await cache.restore('near-', ['near-'], target)).toBe('near-c');
    expect(await cache.restore('near-', ['far-', 'oth'], target)).toBe('other');
  });

  test('an entry never changes', async () => {
    const { source, cache, target } = await setUp();
    await cache.save('key', source);
    expect(await cache.save('key', await temporaryFolder({ other: 'x' }))).toBe('exists');
    await cache.restore('key', [], target);
    expect(await readFiles(target)).toEqual(files);
  });

  test('a damaged entry gives way to another one', async () => {
    const { root, source, cache, target } = await setUp();
    await cache.save('key', source);
    await writeFile(join(root, 'entries', 'key', 'bin', 'tool'), 'too1');
    const sound = await temporaryFolder({ other: 'x' });
    await Promise.all([1, 2, 3].map(() => cache.replace?.('key', sound)));
    expect(await cache.restore('key', [], target)).toBe('key');
    expect(await readFiles(target)).toEqual({ other: 'x' });
    expect(await readdir(join(root, 'entries'))).toEqual(['key']);
  });

  test('of many builds at once one saves, and the entry is whole', async () => {
    const { source, cache, target } = await setUp();
    const outcomes = await Promise.all([1, 2, 3, 4].map(() => cache.save('key', source)));
    expect(outcomes.filter((outcome) => outcome === 'saved')).toHaveLength(1);
    await cache.restore('key', [], target);
    expect(await readFiles(target)).toEqual(files);
  });

  test('a save that fails leaves no entry', async () => {
    const { root, source, cache, target } = await setUp();
    await rm(source, { recursive: true });
    await expect(cache.save('key', source)).rejects.toThrow(/ENOENT/);
    expect(await cache.restore('key', [], target)).toBeUndefined();
    expect(await readFiles(root)).toEqual({});
  });

  test.each<[string, string[], string | undefined]>([
    ['lock-2', [], 'lock-2'],
    ['lock-9', [], undefined],
    ['lock-9', ['lock-'], 'lock-2'],
    ['lock-9', ['none-', 'lock-1', 'lock-'], 'lock-1'],
    ['lock', [], undefined],
  ])('%s with the prefixes %j finds %s', async (key, prefixes, found) => {
    const { source, cache, target } = await setUp();
    for (const name of ['lock-1', 'lock-2', 'result-1']) await cache.save(name, source);
    // Looked for, it is found alike, and nothing of it comes.
    expect(await cache.find(key, prefixes, target)).toBe(found);
    await expect(readdir(target)).rejects.toThrow('ENOENT');
    expect(await cache.restore(key, prefixes, target)).toBe(found);
  });
});

describe('localArtifacts', () => {
  test('files stay where they are: nothing is uploaded', () => {
    expect(localArtifacts('/kept').uploadFile).toBeUndefined();
  });

  test('a folder is kept when its own place goes, in the stead of an older one', async () => {
    const root = await temporaryFolder({ 'kept/logs/old.log': 'old' });
    const logs = await temporaryFolder({ 'new.log': 'new' });
    const uploaded = await localArtifacts(join(root, 'kept')).uploadFolder('logs', logs, undefined);
    await rm(logs, { recursive: true });
    expect(await readFiles(fileURLToPath(uploaded.url))).toEqual({ 'new.log': 'new' });
  });
});

describe('the inventory of a directory', () => {
  const old = new Date('2026-01-01T00:00:00Z');

  async function filled() {
    const made = await setUp();
    for (const key of ['lock-1', 'lock-2', 'result-1']) {
      await made.cache.save(key, made.source);
      await utimes(join(made.root, 'entries', key), old, old);
    }
    const { inventory } = made.cache;
    if (inventory === undefined) throw new Error('there is no inventory');
    return { ...made, inventory };
  }

  test('has the entries below the prefixes, with their bytes and last use', async () => {
    const { inventory } = await filled();
    const entries = await inventory.list(['lock-', 'none-']);
    expect(entries.sort((a, b) => (a.key < b.key ? -1 : 1))).toEqual(
      ['lock-1', 'lock-2'].map((key) => ({ id: key, key, size: 8, lastUse: old.getTime() })),
    );
    expect(await inventory.usage()).toBeUndefined();
  });

  test('an empty cache has none', async () => {
    const { cache } = await setUp();
    expect(await cache.inventory?.list([''])).toEqual([]);
  });

  test('an entry that is restored is used now', async () => {
    const { inventory, cache, target } = await filled();
    const now = new Date('2031-01-01T00:00:00Z');
    const clock = jest.spyOn(globalThis, 'Date').mockImplementation(() => now);
    await cache.restore('lock-1', [], target).finally(() => clock.mockRestore());
    const [entry] = await inventory.list(['lock-1']);
    expect(entry?.lastUse).toBe(now.getTime());
  });

  test('what is removed is gone as a whole, and may be removed again', async () => {
    const { root, inventory, cache, target } = await filled();
    const [entry] = await inventory.list(['lock-1']);
    if (entry === undefined) throw new Error('the entry is not listed');
    await inventory.remove(entry);
    await inventory.remove(entry);
    expect((await readdir(join(root, 'entries'))).sort()).toEqual(['lock-2', 'result-1']);
    expect(await cache.restore('lock-1', [], target)).toBeUndefined();
  });
});
