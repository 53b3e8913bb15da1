import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { listPlain } from '../../../src/base/walk.js';
import { temporaryFolder, writeFiles } from '../../support/fakes.js';

test('all regular files, sorted, and no link of any kind is one or is entered', async () => {
  const canaries = await temporaryFolder({ 'folder/secret': 'canary', file: 'canary' });
  const root = await temporaryFolder({ 'b/two': '2', 'a/deep/one': '1', top: '0' });
  await symlink(join(canaries, 'file'), join(root, 'link'));
  await symlink(join(canaries, 'folder'), join(root, 'a', 'folder'));
  await symlink('.', join(root, 'loop'));
  await symlink(root, join(root, 'b', 'up'));
  await symlink('/nowhere', join(root, 'dangling'));
  expect(await listPlain(root)).toEqual(['a/deep/one', 'b/two', 'top']);
});

test('the folder itself may be reached through a link, and one that is not there has no files', async () => {
  const root = await temporaryFolder({ 'real/file': '' });
  await symlink(join(root, 'real'), join(root, 'link'));
  expect(await listPlain(join(root, 'link'))).toEqual(['file']);
  expect(await listPlain(join(root, 'gone'))).toEqual([]);
  expect(await listPlain(join(root, 'real', 'file'))).toEqual([]);
});

test('names are taken as they are', async () => {
  const names = ['a\nb', '--option', ' ', '"', '*', '$(id)', 'ä'];
  const root = await temporaryFolder(Object.fromEntries(names.map((name) => [name, ''])));
  expect(await listPlain(root)).toEqual([...names].sort());
});

test('folders that are not wanted are not entered', async () => {
  const root = await temporaryFolder({ 'a/b/c': '', 'x/y': '', z: '' });
  expect(await listPlain(root, { enter: (folder) => folder.startsWith('a') })).toEqual(['a/b/c', 'z']);
});

test('more files than a build leaves are refused, and depth is bounded', async () => {
  const root = await temporaryFolder(Object.fromEntries([1, 2, 3, 4].map((n) => [`f${n}`, ''])));
  await expect(listPlain(root, { limit: 3 })).rejects.toThrow('more than 3 files');
  const deep = await temporaryFolder();
  await mkdir(join(deep, ...Array.from({ length: 200 }, () => 'd')), { recursive: true });
  await writeFiles(deep, { 'd/file': '' });
  expect(await listPlain(deep)).toEqual(['d/file']);
});
