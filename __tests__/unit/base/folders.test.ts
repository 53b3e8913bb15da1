import { chmod, mkdir, readdir, realpath, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { FolderError, InputError } from '../../../src/base/errors.js';
import {
  checkMirror,
  checkNewFile,
  makeFolder,
  mirrorFolder,
  systemFault,
} from '../../../src/base/folders.js';
import { temporaryFolder } from '../../support/fakes.js';

/** A folder with one of each that is no folder: a file, a loop of links, a link to nothing. */
async function oddFolder(): Promise<string> {
  const root = await temporaryFolder({ file: 'text', 'folder/inner': '' });
  await symlink('loop', join(root, 'loop'));
  await symlink('nowhere', join(root, 'dangling'));
  await symlink('folder', join(root, 'link'));
  return root;
}

const faults: [string, string, RegExp][] = [
  ['a file', 'file', /is a file, not a folder/],
  ['below a file', 'file/x/y', /is a file, not a folder \('.*\/file'\)/],
  ['a loop of links', 'loop', /is a loop of links/],
  ['below a loop of links', 'loop/x', /is a loop of links/],
  ['a link to nothing', 'dangling', /is a link to nothing/],
  ['below a link to nothing', 'dangling/x', /is a link to nothing/],
  ['a name that is too long', 'x'.repeat(300), /is too long/],
  ['a path that is too long', 'x/'.repeat(3000), /is too long/],
  ['a path with a NUL', 'a\0b', /is not a valid path/],
  ['in /proc', '/proc/x', /is in a place where no file or folder can be created \('\/proc'\)/],
  ['deep in /proc', '/proc/x/y/z', /is in a place where no file or folder can be created \('\/proc'\)/],
  ['/proc itself', '/proc', /is in a place where no file or folder can be created/],
  ['below a device', '/dev/null/x', /is a file, not a folder/],
];

describe('makeFolder', () => {
  test('makes what is missing with its rights, and takes what is there as it is', async () => {
    const root = await oddFolder();
    await makeFolder(join(root, 'a', 'b', 'c'), { mode: 0o700 });
    expect((await stat(join(root, 'a'))).mode & 0o777).toBe(0o700);
    expect((await stat(join(root, 'a', 'b', 'c'))).mode & 0o777).toBe(0o700);
    await chmod(join(root, 'folder'), 0o750);
    await makeFolder(join(root, 'folder'), { mode: 0o700 });
    await makeFolder(join(root, 'link', 'deeper'));
    expect((await stat(join(root, 'folder'))).mode & 0o777).toBe(0o750);
    expect((await readdir(join(root, 'folder'))).sort()).toEqual(['deeper', 'inner']);
    expect(await realpath(join(root, 'link', 'deeper'))).toBe(join(root, 'folder', 'deeper'));
  });

  test('many at once make one folder', async () => {
    const path = join(await temporaryFolder(), 'a', 'b', 'c');
    await Promise.all(Array.from({ length: 20 }, () => makeFolder(path)));
    expect(await readdir(path)).toEqual([]);
  });

  test.each(faults)('%s is refused, by the name of the input', async (_, path, message) => {
    const root = await oddFolder();
    const whole = path.startsWith('/') ? path : `${root}/${path}`;
    const named = makeFolder(whole, { input: 'output-dir' });
    await expect(named).rejects.toThrow(InputError);
    await expect(named).rejects.toThrow(message);
    await expect(named).rejects.toMatchObject({ problems: [{ input: 'output-dir' }] });
    await expect(makeFolder(whole)).rejects.toThrow(FolderError);
  });

  test('a long path makes no long message', async () => {
    await expect(makeFolder(`/tmp/${'x'.repeat(100_000)}`)).rejects.toThrow(/^.{1,300}$/s);
  });
});

describe('checkNewFile', () => {
  test('takes a new file, an old one and a device, and makes nothing', async () => {
    const root = await oddFolder();
    for (const path of ['new', 'file', 'link/new']) await checkNewFile(join(root, path), '--report');
    await checkNewFile('/dev/null', '--report');
    expect((await readdir(root)).sort()).toEqual(['dangling', 'file', 'folder', 'link', 'loop']);
  });

  test.each<[string, string, RegExp]>([
    ['into nowhere', 'no/where', /the folder '.*\/no' does not exist/],
    ['a folder', 'folder', /is a folder, not a file/],
    ['a folder by its name', 'new/', /is a folder, not a file/],
    ['a link to nothing', 'dangling', /is a link to nothing/],
    ['a loop of links', 'loop', /is a loop of links/],
    ['below a file', 'file/x', /is a file, not a folder/],
    ['too long', 'x'.repeat(300), /is too long/],
    ['in /proc', '/proc/report', /is in a place where no file or folder can be created/],
    ['nothing', '', /a file name is missing/],
  ])('%s is refused', async (_, path, message) => {
    const root = await oddFolder();
    const whole = path === '' || path.startsWith('/') ? path : `${root}/${path}`;
    const checked = checkNewFile(whole, '--report');
    await expect(checked).rejects.toThrow(InputError);
    await expect(checked).rejects.toThrow(message);
  });
});

describe('checkMirror', () => {
  test.each<[string, string, RegExp | undefined]>([
    ['a folder', 'folder', undefined],
    ['a folder by a link', 'link', undefined],
    ['a mirror elsewhere', 'https://mirror.test/x', undefined],
    ['a bucket', 's3://bucket/x', undefined],
    ['a file', 'file', /is a file, not a folder/],
    ['nothing', 'nowhere', /the directory 'nowhere' does not exist/],
    ['a loop', 'loop', /is a loop of links/],
    ['a file URL of nothing', 'file:///no/where', /the directory 'file:\/\/\/no\/where' does not exist/],
    ['a file URL of another machine', 'file://host/path', /is not a file URL of a folder on this machine/],
    ['a file URL with a slash hidden in it', 'file:///a%2Fb', /is not a file URL of a folder/],
  ])('%s', async (_, mirror, message) => {
    const found = await checkMirror(mirror, await oddFolder());
    expect(found ?? 'nothing is wrong').toMatch(message ?? /^nothing is wrong$/);
  });

  test('a file URL is the folder that it names', async () => {
    const root = await oddFolder();
    await mkdir(join(root, 'a b'));
    expect(await checkMirror(`file://${root}/a%20b`, '/')).toBeUndefined();
    expect(mirrorFolder(`file://${root}/a%20b`, '/')).toBe(join(root, 'a b'));
    expect(mirrorFolder('folder', root)).toBe(join(root, 'folder'));
    expect(mirrorFolder('http://m.test', root)).toBeUndefined();
    expect(await checkMirror(`file://${root}/file`, '/')).toMatch(/is a file/);
  });
});

describe('systemFault', () => {
  test.each<[string, object, boolean]>([
    ['a disk that is full', { code: 'ENOSPC', syscall: 'write' }, true],
    ['a file that may not be opened', { code: 'EACCES', syscall: 'open', path: '/x' }, true],
    ['a program that may not be run', { code: 'EACCES', syscall: 'spawn docker', path: 'docker' }, false],
    ['a connection', { code: 'EACCES', syscall: 'connect' }, false],
    ['a file that is not there', { code: 'ENOENT', syscall: 'open', path: '/x' }, false],
    ['any other error', {}, false],
  ])('%s', (_, facts, fault) => {
    const error = Object.assign(new Error('said so'), facts);
    expect(systemFault(error)).toEqual(fault ? expect.any(FolderError) : error);
  });

  test('a real one', async () => {
    const root = await oddFolder();
    const error = await writeFile(join(root, 'file', 'x'), '').catch((thrown: unknown) => thrown);
    expect(systemFault(error)).toMatchObject({ message: expect.stringMatching(/is a file, not a folder/) });
    expect(systemFault(undefined)).toBeUndefined();
  });
});
