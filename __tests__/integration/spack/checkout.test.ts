import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { CacheEntries } from '../../../src/cache/entries.js';
import { nodeProcess } from '../../../src/cli/process.js';
import { directoryCache } from '../../../src/cli/stores.js';
import { bareFolder, checkOut, type Pin, resolveCommit } from '../../../src/spack/checkout.js';
import { recordingLogger } from '../../support/fakes.js';

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

test('real git: a checkout goes through the cache, and the second time needs no repository', async () => {
  const cache = directoryCache(join(root, 'entries'));
  const entries = new CacheEntries(
    cache,
    { restore: true, save: true },
    recordingLogger(),
    join(root, 'transfer'),
  );
  const first = join(root, 'one', 'spack');
  expect(
    await checkOut(pin, first, join(root, 'scratch'), nodeProcess, (bare) => entries.restore('clone', bare)),
  ).toBe('fetched');
  await entries.save('clone', bareFolder(first));
  const gone = { ...pin, url: 'file:///nowhere' };
  const second = join(root, 'two', 'spack');
  expect(
    await checkOut(gone, second, join(root, 'scratch'), nodeProcess, (bare) =>
      entries.restore('clone', bare),
    ),
  ).toBe('cache');
  expect(await readFile(join(second, 'README'), 'utf8')).toBe('text\n');
});
