import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { exists } from '../../../src/base/files.js';
import type { ArtifactStore, CacheInventory } from '../../../src/base/ports.js';
import { inScope, lockKey, packageKey, resultKey } from '../../../src/cache/keys.js';
import { cacheUse } from '../../../src/cache/ledger.js';
import { afterBuild } from '../../../src/pipeline/after.js';
import type { Cleanup, PostRecord } from '../../../src/pipeline/record.js';
import { cachedPackage } from '../../support/buildcache.js';
import { brokenCache, fakePorts, fakeProcess, memoryCache, temporaryFolder } from '../../support/fakes.js';
import { buildFolderName, startedRecord } from '../../support/records.js';

const platform = { toolchain: 'bookworm', arch: 'amd64' } as const;
const place = { ...platform, builder: 'b'.repeat(64), padding: 128 };
const hashes = { slurm: 's'.repeat(32), nvml: 'n'.repeat(32), half: 'h'.repeat(32) };
const log = `${buildFolderName}/stage/builder/spack-stage-slurm-1-aaa/spack-build-out.txt`;

const container: Cleanup = {
  ...{ what: 'container', kind: 'build', program: 'podman' },
  name: 'slurm-factory-abc',
};

/** A build that got as far as compiling, and its record. */
async function finishedBuild(change: Partial<PostRecord> = {}) {
  const half = cachedPackage('half', '1', hashes.half, ['half spec', 'half tarball']);
  const root = await temporaryFolder({
    ...Object.fromEntries(
      Object.entries({
        ...cachedPackage('slurm', '24-11-6-1', hashes.slurm, ['slurm spec', 'slurm tarball']),
        ...cachedPackage('nvml', '12.9', hashes.nvml, ['nvml spec', 'nvml tarball']),
        // Spack was killed while it wrote this one.
        ...Object.fromEntries(Object.entries(half).filter(([, content]) => content !== 'half tarball')),
      }).map(([name, content]) => [`${buildFolderName}/build-cache/${name}`, content]),
    ),
    [`${buildFolderName}/environment/spack.lock`]: 'the lock',
    [`${buildFolderName}/environment/spack.yaml`]: 'the environment',
    'out/result.tar.gz': 'the result',
    'out/unrelated': 'not ours',
    [log]: 'a.c:1: error: no',
  });
  const record = startedRecord(root, {
    cleanups: [container],
    saves: [
      {
        what: 'files',
        key: 'lock-key',
        directory: join(root, buildFolderName, 'environment'),
        files: ['spack.lock'],
      },
      { what: 'files', key: 'result-key', directory: join(root, 'out'), files: ['result.tar.gz'] },
      {
        what: 'packages',
        ...{ place, restored: [hashes.nvml] },
        directory: join(root, buildFolderName, 'build-cache'),
      },
    ],
    succeeded: true,
    retentionDays: 5,
    ...change,
  });
  return { root, record };
}

const slurmKey = inScope(packageKey(place, 'slurm', hashes.slurm), 'open');

describe('afterBuild', () => {
  test('removes the container, and does so before it reads what the container wrote', async () => {
    const { record } = await finishedBuild();
    const saved: number[] = [];
    const ports = fakePorts({});
    const process = fakeProcess(() => {
      saved.push(ports.cache.entries.size);
      return undefined;
    });
    await afterBuild(record, { ...ports, process });
    expect(process.lines).toEqual(['podman rm --force --volumes slurm-factory-abc']);
    expect(saved).toEqual([0]);
  });

  test('leaves what is kept for a look into it: the container and the folder, and nothing else', async () => {
    const { record } = await finishedBuild({
      kept: true,
      succeeded: false,
      cleanups: [container, { ...container, kind: 'fetch', name: 'slurm-factory-abc-fetch' }],
    });
    const ports = fakePorts({});
    await afterBuild(record, ports);
    expect(ports.process.lines).toEqual(['podman rm --force --volumes slurm-factory-abc-fetch']);
    expect(await exists(record.buildFolder)).toBe(true);
    expect(await exists(record.transfer)).toBe(false);
    expect(ports.cache.entries.size).toBeGreaterThan(0);
  });

  test('removes the container of the smoke test too, whatever becomes of the first', async () => {
    const { record } = await finishedBuild({
      cleanups: [container, { ...container, kind: 'smoke', name: 'slurm-factory-abc-smoke' }],
    });
    const process = fakeProcess(() => ({ exitCode: 1, stderr: 'no such container' }));
    await afterBuild(record, fakePorts({ process }));
    expect(process.lines).toEqual([
      'podman rm --force --volumes slurm-factory-abc',
      'podman rm --force --volumes slurm-factory-abc-smoke',
    ]);
  });

  test('ends the agent of a signing key that was left, and removes its folder, without any variable', async () => {
    const keyring = await temporaryFolder({ 'private-keys-v1.d/key': 'secret' });
    const { record } = await finishedBuild({ cleanups: [{ what: 'keyring', folder: keyring }] });
    const ports = fakePorts({ env: { PATH: '/bin', SLURM_FACTORY_GPG_PASSPHRASE: 'hunter2' } });
    await afterBuild(record, ports);
    expect(await exists(keyring)).toBe(false);
    expect(ports.process.lines).toEqual([
      `gpgconf --homedir ${keyring} --kill all`,
      `gpgconf --homedir ${keyring} --remove-socketdir`,
    ]);
    for (const { options } of ports.process.calls) expect(options.env).toEqual({ PATH: '/bin', LC_ALL: 'C' });
  });

  test('a key folder that is gone, and a machine that can not start gpgconf, are no faults', async () => {
    const keyring = join(await temporaryFolder(), 'gone');
    const { record } = await finishedBuild({ cleanups: [{ what: 'keyring', folder: keyring }] });
    const process = fakeProcess(() => Promise.reject(new Error('EAGAIN')));
    const ports = fakePorts({ process });
    await afterBuild(record, ports);
    expect(ports.logger.of('warning')).toEqual([]);
    expect(await exists(record.buildFolder)).toBe(false);
  });

  test('an engine that can not be started keeps neither the key nor the folder', async () => {
    const keyring = await temporaryFolder({ key: 'secret' });
    const { record } = await finishedBuild({ cleanups: [container, { what: 'keyring', folder: keyring }] });
    const process = fakeProcess((command) =>
      command[0] === 'podman' ? Promise.reject(new Error('EACCES')) : undefined,
    );
    const ports = fakePorts({ process });
    await afterBuild(record, ports);
    expect(ports.logger.of('warning')).toEqual([expect.stringContaining('EACCES')]);
    expect(await exists(keyring)).toBe(false);
    expect(await exists(record.buildFolder)).toBe(false);
  });

  test('without a container no engine is asked', async () => {
    const { record } = await finishedBuild({ cleanups: [] });
    const ports = fakePorts({});
    await afterBuild(record, ports);
    expect(ports.process.calls).toEqual([]);
  });

  test('saves what is complete: the entries of the record and the packages that were compiled', async () => {
    const { record } = await finishedBuild();
    const ports = fakePorts({});
    await afterBuild(record, ports);
    const namesIn = (key: string) => [...(ports.cache.entries.get(key)?.keys() ?? [])];
    expect([...ports.cache.entries.keys()].sort()).toEqual(['lock-key', 'result-key', slurmKey].sort());
    expect(namesIn('lock-key')).toEqual(['ENTRY.sha256', 'spack.lock']);
    expect(namesIn('result-key')).toEqual(['ENTRY.sha256', 'result.tar.gz']);
    const files = cachedPackage('slurm', '24-11-6-1', hashes.slurm, ['slurm spec', 'slurm tarball']);
    expect(namesIn(slurmKey).sort()).toEqual(['ENTRY.sha256', ...Object.keys(files)].sort());
  });

  test('saves the same after a failure, so that the next build goes on from there', async () => {
    const { record } = await finishedBuild({ succeeded: false });
    const ports = fakePorts({});
    const saves = record.saves.filter(({ what }) => what === 'packages');
    await afterBuild({ ...record, saves }, ports);
    expect([...ports.cache.entries.keys()]).toEqual([slurmKey]);
  });

  test('saves nothing without leave', async () => {
    const { record } = await finishedBuild({ policy: { restore: true, save: false, scopes: ['open'] } });
    const ports = fakePorts({});
    await afterBuild(record, ports);
    expect(ports.cache.entries.size).toBe(0);
  });

  test('uploads the build logs after a failure', async () => {
    const { record } = await finishedBuild({ succeeded: false });
    const ports = fakePorts({});
    await afterBuild(record, ports);
    expect(ports.artifacts.uploads).toEqual([
      {
        name: 'slurm-24.11.6-bookworm-amd64-logs',
        files: expect.any(Object),
        retentionDays: 5,
      },
    ]);
    expect(Object.values(ports.artifacts.uploads[0]?.files ?? {})).toEqual(['a.c:1: error: no']);
  });

  test.each<[string, Partial<PostRecord>]>([
    ['after a success', { succeeded: true }],
    ['when the user wants no artifacts', { succeeded: false, upload: false }],
    ['when there are none', { succeeded: false, buildStage: '/nowhere' }],
  ])('uploads no logs %s', async (_, change) => {
    const { record } = await finishedBuild(change);
    const ports = fakePorts({});
    await afterBuild(record, ports);
    expect(ports.artifacts.uploads).toEqual([]);
  });

  test('removes the folder of the build, and nothing else', async () => {
    const { root, record } = await finishedBuild();
    await afterBuild(record, fakePorts({}));
    expect(await exists(record.buildFolder)).toBe(false);
    expect(await exists(join(root, 'out', 'result.tar.gz'))).toBe(true);
    expect(await exists(join(root, 'out', 'unrelated'))).toBe(true);
  });

  test('services that are down cost warnings: the folder goes all the same', async () => {
    const down = async () => {
      throw new Error('502 Bad Gateway');
    };
    const artifacts: ArtifactStore = { uploadFile: down, uploadFolder: down };
    const { record } = await finishedBuild({ succeeded: false });
    const ports = { ...fakePorts({}), cache: brokenCache, artifacts };
    await afterBuild(record, ports);
    expect(ports.logger.of('warning').join('\n')).toMatch(/503 Service Unavailable[\s\S]*502 Bad Gateway/);
    expect(await exists(record.buildFolder)).toBe(false);
  });

  test('may be called for a build that never made its folder', async () => {
    const root = await temporaryFolder();
    const { record } = await finishedBuild({ succeeded: false, saves: [] });
    const gone = { ...record, buildFolder: join(root, 'never'), buildStage: join(root, 'never', 'stage') };
    await afterBuild(gone, fakePorts({}));
    expect(await exists(gone.buildFolder)).toBe(false);
  });
});

describe('the budget of the caches', () => {
  const target = 'slurm-24.11.6-bookworm-amd64';
  const old = {
    result: inScope(resultKey(target, 'a'.repeat(64)), 'open'),
    lock: inScope(lockKey(platform, 'b'.repeat(64)), 'open'),
    cuda: inScope(resultKey(`${target}-cuda`, 'c'.repeat(64)), 'open'),
    noble: inScope(lockKey({ ...platform, toolchain: 'noble' }, 'd'.repeat(64)), 'open'),
    other: inScope(lockKey(platform, 'b'.repeat(64)), 'other'),
    foreign: 'another-action',
  };

  /** A cache with old entries of 1000 bytes each, the result's the oldest. */
  function usedCache() {
    const cache = memoryCache();
    for (const [index, key] of Object.values(old).entries()) {
      cache.entries.set(key, new Map([['file', Buffer.alloc(1000)]]));
      cache.lastUse.set(key, Date.UTC(2026, 0, 1 + index));
    }
    return cache;
  }
  const keptIn = (cache: ReturnType<typeof memoryCache>) =>
    Object.entries(old).flatMap(([name, key]) => (cache.entries.has(key) ? [name] : []));

  test('is kept by removing what was not used for longest, after the saving, and tells so', async () => {
    const { record } = await finishedBuild({ cacheBudget: 2000 });
    const ports = fakePorts({ cache: usedCache() });
    const { uses, stored, budget } = await afterBuild(record, ports);
    expect(keptIn(ports.cache)).toEqual(['lock', 'cuda', 'noble', 'other', 'foreign']);
    expect(ports.cache.entries.has(slurmKey)).toBe(true);
    expect(uses.map(({ key, outcome }) => [key, outcome])).toEqual([
      ['lock-key', 'saved'],
      ['result-key', 'saved'],
      [slurmKey, 'saved'],
      [old.result, 'pruned'],
    ]);
    expect(stored).toBeLessThanOrEqual(2000);
    expect(budget).toBe(2000);
    expect(ports.logger.of('info')).toContainEqual(
      expect.stringMatching(`Removed from the cache: ${old.result}, .*last used 2026-01-01`),
    );
  });

  test('never touches entries that the target can not use, nor those that the run used', async () => {
    const { record } = await finishedBuild({
      cacheBudget: 0,
      cacheUses: [cacheUse(old.lock, 1000, 'restored')],
    });
    const ports = fakePorts({ cache: usedCache() });
    const { uses } = await afterBuild(record, ports);
    expect(keptIn(ports.cache)).toEqual(['lock', 'cuda', 'noble', 'other', 'foreign']);
    expect(ports.cache.entries.has(slurmKey)).toBe(true);
    expect(uses[0]).toMatchObject({ key: old.lock, outcome: 'restored' });
    expect(ports.logger.of('notice')).toEqual([expect.stringMatching(/This run alone uses .*cache-budget/)]);
  });

  test.each<[string, Partial<PostRecord>, string[]]>([
    ['within it', { cacheBudget: 1e6 }, Object.keys(old)],
    [
      'without leave to save',
      { cacheBudget: 0, policy: { restore: true, save: false, scopes: ['open'] } },
      Object.keys(old),
    ],
  ])('%s nothing is removed', async (_, change, kept) => {
    const { record } = await finishedBuild(change);
    const ports = fakePorts({ cache: usedCache() });
    await afterBuild(record, ports);
    expect(keptIn(ports.cache)).toEqual(kept);
    expect(ports.logger.of('notice')).toEqual([]);
  });

  test.each<[string, keyof CacheInventory]>([
    ['tell its entries', 'list'],
    ['remove them', 'remove'],
  ])('a store that does not %s costs one notice', async (_, verb) => {
    const cache = usedCache();
    const refuse = async () => Promise.reject(new Error('grant the job actions: write.'));
    const ports = fakePorts({ cache: { ...cache, inventory: { ...cache.inventory, [verb]: refuse } } });
    const { record } = await finishedBuild({ cacheBudget: 0 });
    const { uses } = await afterBuild(record, ports);
    expect(uses.map(({ outcome }) => outcome)).toEqual(['saved', 'saved', 'saved']);
    expect(ports.logger.of('notice').filter((line) => line.includes('actions: write'))).toHaveLength(1);
    expect(ports.logger.of('warning')).toEqual([]);
    expect(await exists(record.buildFolder)).toBe(false);
  });

  test.each([
    [9e9, false],
    [9.4e9, true],
    [11e9, true],
  ])('a repository with %i bytes of 10 GB is warned: %s', async (bytes, warned) => {
    const cache = memoryCache();
    const usage = async () => ({ bytes, limit: 10e9 });
    const ports = fakePorts({ cache: { ...cache, inventory: { ...cache.inventory, usage } } });
    const { record } = await finishedBuild();
    await afterBuild(record, ports);
    const text = `hold ${(bytes / 1e9).toFixed(1)} GB of the 10.0 GB`;
    expect(ports.logger.of('warning')).toEqual(warned ? [expect.stringContaining(text)] : []);
  });
});
