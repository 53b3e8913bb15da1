import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { PackagingError } from '../../../src/base/errors.js';
import { sha256 } from '../../../src/base/files.js';
import { describeFile, formatSums, parseSums, verifySums } from '../../../src/bundle/sums.js';
import { temporaryFolder, writeFiles } from '../../support/fakes.js';

const files = { 'b.tar.gz': 'tarball', 'a b.json': '{}', Z: '' };

/** A folder with files and their SHA256SUMS. */
async function bundleFolder(): Promise<string> {
  const folder = await temporaryFolder(files);
  const described = await Promise.all(Object.keys(files).map((name) => describeFile(join(folder, name))));
  await writeFiles(folder, { SHA256SUMS: formatSums(described) });
  return folder;
}

test('describeFile gives name, size and sum', async () => {
  const folder = await temporaryFolder(files);
  expect(await describeFile(join(folder, 'b.tar.gz'))).toEqual({
    name: 'b.tar.gz',
    size: 7,
    sha256: sha256('tarball'),
  });
});

describe('the text of SHA256SUMS', () => {
  const entry = (name: string) => ({ name, size: 1, sha256: sha256(name) });

  test('is what sha256sum writes, sorted by name', () => {
    const text = `${sha256('Z')}  Z\n${sha256('a b')}  a b\n${sha256('b')}  b\n`;
    expect(formatSums(['b', 'a b', 'Z'].map(entry))).toBe(text);
  });

  test('is read back', () => {
    const entries = ['x', 'y z', '*odd'].map(entry);
    const read = parseSums(formatSums(entries));
    expect(read.sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual(
      entries
        .map(({ name, sha256: sum }) => ({ name, sha256: sum }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    );
  });

  test("sha256sum's mark for binary files is understood", () => {
    expect(parseSums(`${sha256('a')} *a\n`)).toEqual([{ name: 'a', sha256: sha256('a') }]);
  });

  test.each([
    ['a short sum', 'abc  a'],
    ['capital digits', `${sha256('a').toUpperCase()}  a`],
    ['no name', `${sha256('a')}  `],
    ['a path', `${sha256('a')}  ../../etc/passwd`],
    ['one space', `${sha256('a')} a`],
    ['words', 'sha256sum: WARNING'],
  ])('%s is refused', (_, line) => {
    expect(() => parseSums(`${line}\n`)).toThrow(PackagingError);
  });
});

describe('verifySums', () => {
  test('names the files of a sound folder', async () => {
    expect(await verifySums(await bundleFolder(), 'SHA256SUMS')).toEqual(['Z', 'a b.json', 'b.tar.gz']);
  });

  test.each<[string, (folder: string) => Promise<void>, RegExp]>([
    [
      'one other byte',
      (folder) => writeFiles(folder, { 'b.tar.gz': 'tarbalL' }),
      /b\.tar\.gz does not match its sum/,
    ],
    [
      'a truncated file',
      (folder) => writeFiles(folder, { 'b.tar.gz': 'tar' }),
      /b\.tar\.gz does not match its sum/,
    ],
    ['a missing file', (folder) => rm(join(folder, 'a b.json')), /a b\.json is missing/],
    ['missing sums', (folder) => rm(join(folder, 'SHA256SUMS')), /has no SHA256SUMS/],
    ['spoilt sums', (folder) => writeFiles(folder, { SHA256SUMS: 'abc' }), /a line that is not a sum: abc/],
  ])('%s is a PackagingError', async (_, damage, message) => {
    const folder = await bundleFolder();
    await damage(folder);
    const attempt = verifySums(folder, 'SHA256SUMS');
    await expect(attempt).rejects.toThrow(PackagingError);
    await expect(attempt).rejects.toThrow(message);
  });
});
