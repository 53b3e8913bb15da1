import { chmod, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { freshFolder, isPlainName, listContent, placeFile } from '../../../src/cache/content.js';
import { readFiles, temporaryFolder } from '../../support/fakes.js';

test('an entry is listed by its files, whatever the folders around them', async () => {
  const root = await temporaryFolder({ 'b/c/d': '1234', a: '', 'b/a': '1' });
  expect(await listContent(root)).toEqual({ names: ['a', 'b/a', 'b/c/d'], bytes: 5 });
  expect(await listContent(join(root, 'none'))).toEqual({ names: [], bytes: 0 });
});

test('folders count too, and what is too much ends the listing', async () => {
  const root = await temporaryFolder({ 'a/b/c/d': '12345' });
  expect((await listContent(root, { files: 4, bytes: 5 })).names).toEqual(['a/b/c/d']);
  await expect(listContent(root, { files: 3, bytes: 5 })).rejects.toThrow('more than 3 files');
  await expect(listContent(root, { files: 4, bytes: 4 })).rejects.toThrow('more than 4 bytes');
});

test('a plain name never leads out of its folder', () => {
  const part = fc.oneof(fc.constantFrom('', '.', '..', 'a', '...', '\n', '\u0000'), fc.string());
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (words) => {
      const name = words.join('/');
      if (!isPlainName(name)) return;
      expect(join('/root', name)).toBe(`/root/${name}`);
      for (const odd of ['\n', '\u0000']) expect(name).not.toContain(odd);
    }),
  );
  for (const name of ['a', 'a b', '..a', 'a/..b/c', '-x', '.hidden']) expect(isPlainName(name)).toBe(true);
});

test('a file keeps its bytes and its mode, but no right to become another user', async () => {
  const from = await temporaryFolder({ 'bin/tool': 'tool' });
  await chmod(join(from, 'bin/tool'), 0o4755);
  const to = await temporaryFolder();
  expect(await placeFile({ root: from }, { root: to, folder: 'x' }, 'bin/tool')).toMatchObject({ size: 4 });
  expect(await readFiles(to)).toEqual({ 'x/bin/tool': 'tool' });
  expect((await stat(join(to, 'x/bin/tool'))).mode & 0o7777).toBe(0o755);
});

test('a fresh folder is empty and of this user alone, and never lies behind a link', async () => {
  const root = await temporaryFolder({ 'elsewhere/keep': '', 'parent/name/old': '' });
  expect(await freshFolder(join(root, 'parent'), 'name')).toBe(join(root, 'parent', 'name'));
  expect(await listContent(join(root, 'parent', 'name'))).toEqual({ names: [], bytes: 0 });
  expect((await stat(join(root, 'parent', 'name'))).mode & 0o777).toBe(0o700);
  await symlink(join(root, 'elsewhere'), join(root, 'parent', 'link'));
  await freshFolder(join(root, 'parent'), 'link');
  expect(await readFiles(join(root, 'elsewhere'))).toEqual({ keep: '' });
  await symlink(join(root, 'elsewhere'), join(root, 'planted'));
  await expect(freshFolder(join(root, 'planted'), 'x')).rejects.toThrow('is not a folder');
  await expect(freshFolder(join(root, 'planted', 'deep'), 'x')).rejects.toThrow('is not a folder');
  expect(await readFiles(join(root, 'elsewhere'))).toEqual({ keep: '' });
});
