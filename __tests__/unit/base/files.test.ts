import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { digestFolder, exists, listFiles, sha256 } from '../../../src/base/files.js';
import { temporaryFolder, writeFiles } from '../../support/fakes.js';

const emptySum = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const abcSum = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

test('sha256 of texts and bytes', () => {
  expect(sha256('abc')).toBe(abcSum);
  expect(sha256(Buffer.from('abc'))).toBe(abcSum);
  expect(sha256('')).toBe(emptySum);
});

test('listFiles gives files only, relative and sorted by code unit', async () => {
  const folder = await temporaryFolder({ 'b/c': '', 'b.txt': '', Z: '', 'a/deep/er/file': '' });
  await symlink('b.txt', join(folder, 'link'));
  expect(await listFiles(folder)).toEqual(['Z', 'a/deep/er/file', 'b.txt', 'b/c']);
});

test('exists', async () => {
  const folder = await temporaryFolder({ file: '' });
  expect(await exists(join(folder, 'file'))).toBe(true);
  expect(await exists(folder)).toBe(true);
  expect(await exists(join(folder, 'other'))).toBe(false);
});

describe('digestFolder', () => {
  const files = { 'a/package.py': 'one', 'b/package.py': 'two' };

  test('is the same wherever the folder lies, and counts no compiled Python', async () => {
    const here = await temporaryFolder(files);
    const there = await temporaryFolder(files);
    await writeFiles(there, { 'a/__pycache__/package.cpython-311.pyc': 'bytes' });
    expect(await digestFolder(here)).toBe(await digestFolder(there));
  });

  test.each<[string, Record<string, string>]>([
    ['another byte', { ...files, 'a/package.py': 'onE' }],
    ['another name', { 'a/package.py': 'one', 'c/package.py': 'two' }],
    ['one file more', { ...files, 'c/package.py': '' }],
    ['one file less', { 'a/package.py': 'one' }],
    ['contents exchanged', { 'a/package.py': 'two', 'b/package.py': 'one' }],
  ])('changes with %s', async (_, other) => {
    const before = await digestFolder(await temporaryFolder(files));
    expect(await digestFolder(await temporaryFolder(other))).not.toBe(before);
  });
});
