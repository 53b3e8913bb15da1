import { lstat, mkdir, readdir, symlink } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { afterBuild } from '../../../src/pipeline/after.js';
import { confine, type RecordPlaces } from '../../../src/pipeline/confine.js';
import { type PostRecord, type StoredRecord, saveOf, storedRecord } from '../../../src/pipeline/record.js';
import { fakePorts, fakeProcess, readFiles, temporaryFolder } from '../../support/fakes.js';
import { buildFolderName, containerIn, keyringIn, placesIn, startedRecord } from '../../support/records.js';

const places: RecordPlaces = {
  workRoot: '/cache',
  transfers: '/cache/transfer',
  keyrings: ['/dev/shm', '/run/user/7'],
};
const lock = 'slurm-factory-v4-lock-bookworm-amd64-abc';
const whole: StoredRecord = {
  ...storedRecord(startedRecord('/cache')),
  cleanups: [
    { what: 'container', kind: 'build', program: 'docker' },
    { what: 'container', kind: 'fetch', program: 'docker' },
    { what: 'container', kind: 'smoke', program: 'podman' },
    { what: 'keyring', folder: '/dev/shm/slurm-factory-gpg-abcDEF' },
  ],
  saves: [
    { what: 'files', key: lock, folder: 'environment', files: ['spack.lock'] },
    {
      what: 'packages',
      place: { toolchain: 'bookworm', arch: 'amd64', builder: 'b'.repeat(64), padding: 128 },
      restored: ['x'.repeat(32)],
      wanted: ['y'.repeat(32)],
    },
    { what: 'ccache', prefix: 'slurm-factory-v4-ccache-bookworm-amd64-bbbb-24.11-' },
  ],
  damaged: ['slurm-factory-v4-open-lock-bookworm-amd64-abc'],
};

/** All paths that a record makes anybody touch. */
function pathsOf(record: PostRecord): { own: string[]; transfer: string; keyring: string | undefined } {
  const files = record.saves.flatMap((save) =>
    save.what === 'files' ? (save.files ?? []).map((name) => join(save.directory, name)) : [],
  );
  return {
    own: [...files, ...record.saves.map(({ directory }) => directory), record.buildStage],
    transfer: record.transfer,
    keyring: keyringIn(record),
  };
}

function expectInside(record: PostRecord): void {
  const below = (path: string, root: string) => {
    expect(resolve(path)).toBe(path);
    expect(path.startsWith(`${root}/`)).toBe(true);
  };
  below(record.buildFolder, '/cache');
  expect(basename(record.buildFolder)).toMatch(/^build-[0-9a-f]{12}-[0-9A-Za-z]+$/);
  expect(record.buildFolder).toBe(join('/cache', basename(record.buildFolder)));
  const { own, transfer, keyring } = pathsOf(record);
  for (const path of own) below(path, record.buildFolder);
  expect(transfer).toBe(join('/cache/transfer', basename(transfer)));
  below(transfer, '/cache/transfer');
  if (keyring !== undefined)
    expect(keyring).toMatch(/^\/(?:dev\/shm|run\/user\/7)\/slurm-factory-gpg-\w{6}$/);
  for (const cleanup of record.cleanups) {
    if (cleanup.what === 'container') expect(cleanup.name).toContain(basename(record.buildFolder));
  }
  for (const save of record.saves) {
    if (save.what === 'files') expect(save.key).toMatch(/^slurm-factory-v4-[^/\n]+$/);
  }
}

test('what a build writes is what is read', () => {
  const record = confine(whole, places);
  if (typeof record === 'string') throw new Error(record);
  expectInside(record);
  expect(storedRecord(record)).toEqual(whole);
  expect(containerIn(record, 'build')).toMatchObject({
    ...{ program: 'docker', name: `slurm-factory-${buildFolderName}` },
  });
  expect(containerIn(record, 'smoke')).toMatchObject({ name: `slurm-factory-${buildFolderName}-smoke` });
  expect(saveOf(record, 'ccache')?.directory).toBe(`/cache/${buildFolderName}/user-cache/ccache`);
});

const bad = fc.oneof(
  fc.constantFrom(
    '',
    '.',
    '..',
    '/',
    '/etc',
    '/etc/shadow',
    '../home',
    'a/../../..',
    'environment/../../x',
    './x',
    'x/',
    'x//y',
    '/dev/shm/slurm-factory-gpg-../../etc',
    '/dev/shm/x/slurm-factory-gpg-abcdef',
    '/home/slurm-factory-gpg-abcdef',
    'build-0123456789ab-7/..',
    'build-0123456789ab-../x',
    'environment',
    'x\u0000',
    'x\ny',
    lock,
    `${lock}/../../x`,
    'slurm-24.11.6-bookworm-amd64',
  ),
  fc.string({ maxLength: 20 }),
  fc.array(fc.constantFrom('..', '.', '', 'a', '~', 'etc'), { maxLength: 6 }).map((parts) => parts.join('/')),
);

test("whatever a record says, nothing outside of the build's own folders comes of it", () => {
  // Mostly right: a record is refused for its first fault.
  const mostly = (...right: string[]) =>
    fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...right) }, { weight: 1, arbitrary: bad });
  const save = fc.record(
    {
      what: fc.constant('files' as const),
      key: mostly(lock),
      folder: mostly('environment', 'user-cache/misc', '...', 'a/..b'),
      files: fc.array(mostly('x', 'x/y', '..x'), { maxLength: 3 }),
    },
    { requiredKeys: ['what', 'key', 'folder'] },
  );
  const ccache = fc.record({
    what: fc.constant('ccache' as const),
    prefix: mostly('slurm-factory-v4-ccache-bookworm-amd64-b-24.11-'),
  });
  const change = fc.record(
    {
      identifier: mostly('slurm-24.11.6-bookworm-amd64'),
      build: mostly('build-0123456789ab-7', 'build-0123456789ab-aZ9'),
      transfer: mostly('transfer', 'a host~x~1~2~3~abc'),
      cleanups: fc.array(
        fc.oneof(
          fc.record({
            what: fc.constant('keyring' as const),
            folder: mostly('/dev/shm/slurm-factory-gpg-abcDEF', '/run/user/7/slurm-factory-gpg-123456'),
          }),
          fc.record({
            what: fc.constant('container' as const),
            kind: fc.constantFrom('build' as const, 'smoke' as const),
            program: fc.constantFrom('docker' as const, 'podman' as const),
          }),
        ),
        { maxLength: 2 },
      ),
      saves: fc.array(fc.oneof({ weight: 3, arbitrary: save }, ccache), { maxLength: 2 }),
      damaged: fc.array(mostly(lock), { maxLength: 2 }),
    },
    { requiredKeys: [] },
  );
  let followed = 0;
  fc.assert(
    fc.property(change, (given) => {
      const record = confine({ ...whole, ...given }, places);
      if (typeof record === 'string') return;
      followed += 1;
      expectInside(record);
    }),
    { numRuns: 1000 },
  );
  // Some get through, or nothing was tried.
  expect(followed).toBeGreaterThan(100);
});

test.each<[string, Partial<StoredRecord>]>([
  ['a target that is none', { identifier: 'slurm' }],
  ['a folder above the work root', { build: '..' }],
  ['the folder of somebody', { build: '../../home/me' }],
  ['a folder of ours that no build has', { build: 'clones' }],
  ['a transfer folder above its own', { transfer: '..' }],
  ['a home as its key folder', { cleanups: [{ what: 'keyring', folder: '/home/me' }] }],
  [
    'a file that is not below',
    { saves: [{ what: 'files', key: lock, folder: 'environment', files: ['/etc/shadow'] }] },
  ],
  [
    'a folder that is not below',
    { saves: [{ what: 'files', key: lock, folder: '../../etc', files: ['shadow'] }] },
  ],
  ['the whole of its folder', { saves: [{ what: 'files', key: lock, folder: '' }] }],
  ['an entry of another tool', { saves: [{ what: 'files', key: 'npm-cache', folder: 'environment' }] }],
  [
    'an entry of another target',
    {
      saves: [
        {
          what: 'files',
          key: `slurm-factory-v4-result-slurm-24.05.8-bookworm-amd64-${'a'.repeat(64)}`,
          folder: 'x',
        },
      ],
    },
  ],
  [
    'an entry that has its scope already',
    {
      saves: [{ what: 'files', key: 'slurm-factory-v4-open-lock-bookworm-amd64-abc', folder: 'environment' }],
    },
  ],
  ['a scope that is none', { policy: { restore: true, save: true, scopes: ['open/../..'] } }],
  [
    'packages of another target',
    {
      saves: [
        {
          what: 'packages',
          ...{ place: { toolchain: 'noble', arch: 'amd64', builder: 'b', padding: 1 }, restored: [] },
        },
      ],
    },
  ],
])('a record with %s is not followed', (_, change) => {
  expect(typeof confine({ ...whole, ...change }, places)).toBe('string');
});

describe('after a build whose folders are not what they were', () => {
  async function planted() {
    const theirs = await temporaryFolder({ 'environment/spack.lock': 'theirs', 'home/photo': 'theirs' });
    const root = await temporaryFolder();
    return { theirs, root };
  }
  const untouched = { 'environment/spack.lock': 'theirs', 'home/photo': 'theirs' };

  test('a link in the place of the build folder is left alone, and so is what it leads to', async () => {
    const { theirs, root } = await planted();
    await symlink(theirs, join(root, buildFolderName));
    const stored = { ...whole, cleanups: [] };
    const record = confine(JSON.parse(JSON.stringify(stored)), placesIn(root));
    if (typeof record === 'string') throw new Error(record);
    const ports = fakePorts({});
    await afterBuild(record, ports);
    expect(await readFiles(theirs)).toEqual(untouched);
    expect(ports.cache.entries.size).toBe(0);
    expect((await lstat(join(root, buildFolderName))).isSymbolicLink()).toBe(true);
    expect(ports.logger.of('warning').join('\n')).toMatch(/is not a folder/);
  });

  test('a link in the place of the transfer folder, or above it, is not followed', async () => {
    const { theirs, root } = await planted();
    await symlink(theirs, join(root, 'transfers'));
    const record = startedRecord(root, { transfer: join(root, 'transfers', 'home') });
    await afterBuild(record, fakePorts({}));
    await symlink(join(theirs, 'home'), join(root, 'transfer'));
    await afterBuild(startedRecord(root), fakePorts({}));
    expect(await readFiles(theirs)).toEqual(untouched);
  });

  test('a link in the place of the key folder is not followed, and gpg is not told of it', async () => {
    const { theirs, root } = await planted();
    const keyring = join(root, 'slurm-factory-gpg-abcdef');
    await symlink(join(theirs, 'home'), keyring);
    const process = fakeProcess();
    const ports = fakePorts({ process });
    await afterBuild(startedRecord(root, { cleanups: [{ what: 'keyring', folder: keyring }] }), ports);
    expect(process.lines).toEqual([]);
    expect(await readFiles(theirs)).toEqual(untouched);
    expect(ports.logger.of('warning')).toEqual([
      expect.stringMatching(/remove the signing key.*not a folder/),
    ]);
  });

  test('links within the build folder are not saved, and go without what they lead to', async () => {
    const { theirs, root } = await planted();
    const record = startedRecord(root, {
      succeeded: true,
      saves: [
        {
          what: 'files',
          ...{ key: lock, directory: join(root, buildFolderName, 'environment'), files: ['spack.lock'] },
        },
        {
          what: 'packages',
          place: { toolchain: 'bookworm', arch: 'amd64', builder: 'b', padding: 1 },
          restored: [],
          directory: join(root, buildFolderName, 'build-cache'),
        },
      ],
    });
    await mkdir(join(root, buildFolderName));
    await symlink(join(theirs, 'environment'), join(root, buildFolderName, 'environment'));
    const ports = fakePorts({});
    await afterBuild(record, ports);
    expect(ports.cache.entries.size).toBe(0);
    expect(await readFiles(theirs)).toEqual(untouched);
    expect(await readdir(root)).toEqual([]);
  });
});
