import { chown, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { nodeProcess } from '../../../src/local/process.js';
import {
  checkOut,
  fetchWords,
  git as gitProgram,
  type Pin,
  resolveCommit,
} from '../../../src/spack/checkout.js';

let root: string;
let pin: Pin;
const git = async (...words: string[]): Promise<string> => {
  const identity = ['-c', 'user.name=tester', '-c', 'user.email=tester@localhost'];
  const result = await nodeProcess.run(['git', ...identity, ...words]);
  if (result.exitCode !== 0) throw new Error(result.stderr);
  return result.stdout.trim();
};

beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'slurm-factory-git-')));
  const origin = join(root, 'origin');
  const at = ['-C', origin];
  await git('init', '--quiet', '--initial-branch', 'develop', origin);
  await git(...at, 'config', 'uploadpack.allowAnySHA1InWant', 'true');
  await git(...at, 'commit', '--quiet', '--allow-empty', '-m', 'first');
  await nodeProcess.run(['sh', '-c', 'echo text > README'], { cwd: origin });
  await git(...at, 'add', 'README');
  await git(...at, 'commit', '--quiet', '-m', 'second');
  await git(...at, 'tag', '-a', 'v1', '-m', 'v1');
  pin = { name: 'spack', url: `file://${origin}`, commit: await git(...at, 'rev-parse', 'HEAD') };
});
afterAll(() => rm(root, { recursive: true, force: true }));

test.each(['develop', 'v1'])('real git: %s is resolved to its commit', async (ref) => {
  expect(await resolveCommit(pin.url, ref, nodeProcess)).toBe(pin.commit);
});

test('real git: a checkout is the files of the commit, and nothing else', async () => {
  const folder = join(root, 'checkouts', 'spack');
  const scratch = join(root, 'scratch');
  expect(await checkOut(pin, folder, scratch, nodeProcess)).toBe('fetched');
  expect(await readFile(join(folder, 'README'), 'utf8')).toBe('text\n');
  expect(await readdir(join(root, 'checkouts'))).toEqual(['spack']);
  expect(await readdir(folder)).toEqual(['README']);
  expect(await readdir(scratch)).toEqual([]);
  const gone = { ...pin, url: 'file:///nowhere' };
  expect(await checkOut(gone, folder, scratch, nodeProcess)).toBe('here already');
});

test("real git: a mirror gives the commit without the address, another user's mirror too", async () => {
  const mirror = join(root, 'a mirror%.git');
  await git('init', '--quiet', '--bare', mirror);
  const words = fetchWords(pin, `${pin.commit}:refs/pins/${pin.commit}`);
  const mirrored = await nodeProcess.run([...gitProgram, '--git-dir', mirror, ...words]);
  expect(mirrored).toMatchObject({ exitCode: 0 });
  // Git minds whose a repository is that it is to read.
  if (process.getuid?.() === 0) await chown(mirror, 12345, 12345);
  const folder = join(root, 'mirrored', 'spack');
  const away = { ...pin, url: 'file:///nowhere', mirror };
  expect(await checkOut(away, folder, join(root, 'scratch'), nodeProcess)).toBe('fetched');
  expect(await readdir(folder)).toEqual(['README']);
});
