import { mkdir, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { CacheStore } from '../../../src/base/ports.js';
import { CacheEntries } from '../../../src/cache/entries.js';
import { inScope, packageKey } from '../../../src/cache/keys.js';
import { PackageSaver } from '../../../src/pipeline/packages.js';
import { Recorder, saveOf } from '../../../src/pipeline/record.js';
import { cachedPackage } from '../../support/buildcache.js';
import {
  brokenCache,
  memoryCache,
  recordingLogger,
  temporaryFolder,
  writeFiles,
} from '../../support/fakes.js';
import { buildFolderName, startedRecord } from '../../support/records.js';

const place = { toolchain: 'bookworm', arch: 'amd64' as const, builder: 'b'.repeat(64), padding: 128 };
const hashes = { nvml: 'n'.repeat(32), slurm: 's'.repeat(32) };

async function building(store: CacheStore) {
  const root = await temporaryFolder();
  const directory = join(root, buildFolderName, 'build-cache');
  const record = startedRecord(root, {
    saves: [{ what: 'packages', directory, place, restored: [] }],
  });
  const recorder = new Recorder(record, { save: () => {} });
  const logger = recordingLogger();
  const entries = new CacheEntries(store, record.policy, logger, record.transfer);
  const push = (name: keyof typeof hashes) =>
    writeFiles(directory, cachedPackage(name, '1', hashes[name], [`${name} spec`, `${name} tarball`]));
  return { recorder, logger, push, saver: new PackageSaver(recorder, entries, logger) };
}

test('what Spack has pushed is saved while it goes on, and the post step knows', async () => {
  const store = memoryCache();
  const { saver, push, recorder } = await building(store);
  await push('nvml');
  saver.trigger();
  await saver.settled();
  expect([...store.entries.keys()]).toEqual([inScope(packageKey(place, 'nvml', hashes.nvml), 'open')]);
  expect(saveOf(recorder.current, 'packages')?.restored).toEqual([hashes.nvml]);
  await push('slurm');
  saver.trigger();
  saver.trigger();
  await saver.settled();
  expect(store.entries.size).toBe(2);
  expect(saveOf(recorder.current, 'packages')?.restored).toEqual([hashes.nvml, hashes.slurm]);
});

test('what could not be saved is left to the post step', async () => {
  const { saver, push, recorder, logger } = await building(brokenCache);
  await push('nvml');
  saver.trigger();
  await saver.settled();
  expect(saveOf(recorder.current, 'packages')?.restored).toEqual([]);
  expect(logger.of('warning')).toHaveLength(1);
});

test('only packages of the lock are saved', async () => {
  const store = memoryCache();
  const { saver, push, recorder } = await building(store);
  const packages = saveOf(recorder.current, 'packages');
  if (packages === undefined) throw new Error('nothing was recorded');
  recorder.putSave({ ...packages, wanted: [hashes.slurm] });
  await push('nvml');
  await push('slurm');
  saver.trigger();
  await saver.settled();
  expect([...store.entries.keys()]).toEqual([inScope(packageKey(place, 'slurm', hashes.slurm), 'open')]);
});

describe('a package that a build has made of links', () => {
  const content = ['slurm spec', 'slurm tarball'];
  const files = cachedPackage('slurm', '1', hashes.slurm, content);

  test.each(Object.keys(files))('is not saved: %s', async (linked) => {
    const store = memoryCache();
    const { saver, push, recorder } = await building(store);
    await push('slurm');
    const directory = saveOf(recorder.current, 'packages')?.directory ?? '';
    // The very bytes, but of a file of the machine.
    const canaries = await temporaryFolder({ canary: files[linked] ?? '' });
    await rm(join(directory, linked));
    await symlink(join(canaries, 'canary'), join(directory, linked));
    saver.trigger();
    await saver.settled();
    expect(store.entries.size).toBe(0);
  });

  test('is not saved: its folders', async () => {
    const store = memoryCache();
    const { saver, recorder } = await building(store);
    const directory = saveOf(recorder.current, 'packages')?.directory ?? '';
    const canaries = await temporaryFolder(files);
    await mkdir(directory, { recursive: true });
    for (const name of ['v3', 'blobs']) await symlink(join(canaries, name), join(directory, name));
    saver.trigger();
    await saver.settled();
    expect(store.entries.size).toBe(0);
  });
});
