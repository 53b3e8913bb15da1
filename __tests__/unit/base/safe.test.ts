import { link, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { copyPlain, openPlain, PlainFileError, readPlain, sha256Plain } from '../../../src/base/safe.js';
import { temporaryFolder } from '../../support/fakes.js';

const abcSum = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
const limit = 1000;

/** What an attempt is refused with. */
async function refusal(attempt: Promise<unknown>): Promise<PlainFileError> {
  const error = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(PlainFileError);
  return error as PlainFileError;
}

test('reads plain files, also through a link to the root and by another name of the same file', async () => {
  const root = await temporaryFolder({ abc: 'abc', 'a/b/deep': 'deep', empty: '' });
  await link(join(root, 'abc'), join(root, 'hard'));
  const other = await temporaryFolder({});
  await symlink(root, join(other, 'root'));
  for (const from of [root, `${root}/`, join(other, 'root')]) {
    expect((await readPlain(from, 'abc', limit)).toString()).toBe('abc');
    expect((await readPlain(from, 'a/b/deep', limit)).toString()).toBe('deep');
  }
  expect(await sha256Plain(root, 'hard')).toEqual({ size: 3, sha256: abcSum });
  expect((await readPlain(root, 'empty', 0)).length).toBe(0);
  const file = await openPlain(root, 'abc');
  expect(await file.readFile('utf8')).toBe('abc');
  await file.close();
});

describe('refuses', () => {
  test.each<[string, string, RegExp]>([
    ['a link to a file', 'link', /^link is a symbolic link\.$/],
    ['a dangling link', 'dangling', /is a symbolic link/],
    ['a link in a loop', 'loop', /is a symbolic link/],
    ['a link to a device', 'zero', /is a symbolic link/],
    ['a file behind a linked folder', 'folder-link/abc', /is not a file below plain folders/],
    ['a file below a file', 'abc/abc', /is not a file below plain folders/],
    ['a folder', 'folder', /is a folder/],
    ['what is not there', 'none', /^none is missing\.$/],
    ['a way up', '../abc', /is not a path below its folder/],
    ['a way up in the middle', 'folder/../abc', /is not a path below its folder/],
    ['an absolute path', '/etc/passwd', /is not a path below its folder/],
    ['an empty path', '', /is not a path below its folder/],
    ['the folder itself', '.', /is not a path below its folder/],
    ['a zero byte', 'a\0b', /is not a path below its folder/],
    ['a name that is too long', 'x'.repeat(300), /can't be read \(ENAMETOOLONG\)/],
  ])('%s', async (_, path, message) => {
    const root = await temporaryFolder({ abc: 'abc', 'folder/abc': 'abc' });
    await symlink('abc', join(root, 'link'));
    await symlink('nowhere', join(root, 'dangling'));
    await symlink('loop', join(root, 'loop'));
    await symlink('/dev/zero', join(root, 'zero'));
    await symlink('folder', join(root, 'folder-link'));
    for (const attempt of [
      openPlain(root, path),
      readPlain(root, path, limit),
      sha256Plain(root, path),
      copyPlain(root, path, join(root, 'copy')),
    ]) {
      expect((await refusal(attempt)).message).toMatch(message);
    }
    expect(await readdir(root)).not.toContain('copy');
  });

  test('a device, and tells of a missing file', async () => {
    expect((await refusal(readPlain('/dev', 'zero', limit))).message).toMatch(/is a device/);
    expect((await refusal(readPlain('/dev', 'none', limit))).missing).toBe(true);
    expect((await refusal(readPlain('/nowhere', 'none', limit))).message).toMatch(/^\/nowhere is missing/);
  });

  test('a file that is larger than it may be', async () => {
    const root = await temporaryFolder({ abc: 'abc' });
    expect((await readPlain(root, 'abc', 3)).length).toBe(3);
    expect((await refusal(readPlain(root, 'abc', 2))).message).toMatch(/has 3 bytes, more than the 2/);
    expect((await refusal(sha256Plain(root, 'abc', 2))).message).toMatch(/more than the 2/);
    expect((await refusal(copyPlain(root, 'abc', join(root, 'copy'), { limit: 2 }))).message).toMatch(
      /more than the 2/,
    );
    expect(await readdir(root)).toEqual(['abc']);
  });

  test('a file that says another size than it has', async () => {
    // Its size is given as 0.
    expect((await refusal(readPlain('/proc/self', 'status', limit))).message).toMatch(
      /changed while it was read/,
    );
  });
});

describe('copyPlain', () => {
  test('copies with the mode that is asked for, whatever the size', async () => {
    const root = await temporaryFolder({ abc: 'abc' });
    const large = Buffer.alloc((1 << 20) * 2 + 17, 'x');
    await writeFile(join(root, 'large'), large);
    expect(await copyPlain(root, 'abc', join(root, 'copy'))).toEqual({ size: 3, sha256: abcSum });
    expect((await stat(join(root, 'copy'))).mode & 0o777).toBe(0o600);
    const sum = await copyPlain(root, 'large', join(root, 'other'), { mode: 0o755 });
    expect(sum).toEqual(await sha256Plain(root, 'large'));
    expect((await readFile(join(root, 'other'))).equals(large)).toBe(true);
    expect((await stat(join(root, 'other'))).mode & 0o777).toBe(0o755);
  });

  test('writes over nothing and through no link', async () => {
    const root = await temporaryFolder({ abc: 'abc', precious: 'precious' });
    await symlink('precious', join(root, 'link'));
    await symlink('made', join(root, 'dangling'));
    await mkdir(join(root, 'folder'));
    for (const name of ['precious', 'link', 'dangling', 'folder']) {
      await expect(copyPlain(root, 'abc', join(root, name))).rejects.toMatchObject({ code: 'EEXIST' });
    }
    expect(await readFile(join(root, 'precious'), 'utf8')).toBe('precious');
    expect((await readdir(root)).sort()).toEqual(['abc', 'dangling', 'folder', 'link', 'precious']);
  });
});
