import { readdir, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { directoryCache, localArtifacts } from '../../../src/cli/stores.js';
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

  test('what was saved comes back, links as links', async () => {
    const { source, cache, target } = await setUp();
    await symlink('bin/tool', join(source, 'link'));
    expect(await cache.save('key', source)).toBe('saved');
    expect(await cache.restore('key', [], target)).toBe('key');
    expect(await readFiles(target)).toEqual(files);
    expect(await readlink(join(target, 'link'))).toBe('bin/tool');
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
    expect(await cache.restore(key, prefixes, target)).toBe(found);
  });
});

describe('localArtifacts', () => {
  test('a file stays where it is', async () => {
    const folder = await temporaryFolder({ 'a b.tar.gz': 'bytes' });
    const file = join(folder, 'a b.tar.gz');
    const uploaded = await localArtifacts(join(folder, 'kept')).uploadFile(file, undefined);
    expect(uploaded.name).toBe('a b.tar.gz');
    expect(fileURLToPath(uploaded.url)).toBe(file);
    expect(await readFiles(folder)).toEqual({ 'a b.tar.gz': 'bytes' });
  });

  test('a folder is kept when its own place goes, in the stead of an older one', async () => {
    const root = await temporaryFolder({ 'kept/logs/old.log': 'old' });
    const logs = await temporaryFolder({ 'new.log': 'new' });
    const uploaded = await localArtifacts(join(root, 'kept')).uploadFolder('logs', logs, undefined);
    await rm(logs, { recursive: true });
    expect(await readFiles(fileURLToPath(uploaded.url))).toEqual({ 'new.log': 'new' });
  });
});
