import { mkdir, readdir, readlink, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { putIn, takeOut } from '../../../src/pipeline/takeout.js';
import { readFiles, temporaryFolder } from '../../support/fakes.js';

test('files come out with their folders', async () => {
  const from = await temporaryFolder({ 'a/one': '1', two: '2', three: '3' });
  const to = join(await temporaryFolder(), 'new');
  await takeOut(from, ['a/one', 'two'], to);
  expect(await readFiles(to)).toEqual({ 'a/one': '1', two: '2' });
});

test.each(['link', 'folder/secret', '../beside'])('%s does not come out', async (file) => {
  const canaries = await temporaryFolder({ secret: 'canary' });
  const root = await temporaryFolder({ beside: 'canary' });
  const from = join(root, 'from');
  await mkdir(from);
  await symlink(join(canaries, 'secret'), join(from, 'link'));
  await symlink(canaries, join(from, 'folder'));
  const to = join(await temporaryFolder(), 'new');
  await expect(takeOut(from, [file], to)).rejects.toThrow();
  expect(JSON.stringify(await readFiles(to))).not.toContain('canary');
});

test('a file that is too large does not come out', async () => {
  const from = await temporaryFolder({ large: '12345' });
  await expect(takeOut(from, ['large'], await temporaryFolder(), 4)).rejects.toThrow();
});

test('a file is put over a link, not through it', async () => {
  const root = await temporaryFolder({ 'elsewhere/canary': 'whole' });
  const folder = join(root, 'environment');
  await mkdir(folder);
  await symlink(join(root, 'elsewhere', 'canary'), join(folder, 'spack.lock'));
  await putIn(folder, 'spack.lock', 'the lock');
  await putIn(folder, 'spack.yaml', 'new');
  expect(await readFiles(root)).toEqual({
    'elsewhere/canary': 'whole',
    'environment/spack.lock': 'the lock',
    'environment/spack.yaml': 'new',
  });
  await expect(readlink(join(folder, 'spack.lock'))).rejects.toThrow();
  expect((await readdir(root)).sort()).toEqual(['elsewhere', 'environment']);
});

test('a folder in its place is an error, and nothing is left aside', async () => {
  const root = await temporaryFolder({ 'environment/spack.lock/x': '' });
  await expect(putIn(join(root, 'environment'), 'spack.lock', 'the lock')).rejects.toThrow();
  expect(await readdir(root)).toEqual(['environment']);
});
