import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { sha256 } from '../../../src/base/files.js';
import { completePackages } from '../../../src/cache/buildcache.js';
import { cachedPackage, manifestOf } from '../../support/buildcache.js';
import { temporaryFolder, writeFiles } from '../../support/fakes.js';

const slurm = cachedPackage('slurm', '24-11-6-1', 's'.repeat(32), ['spec of slurm', 'tarball of slurm']);
const nvml = cachedPackage('nvml', '12.9', 'n'.repeat(32), ['spec of nvml', 'tarball of nvml']);
const blobOf = (content: string) => `blobs/sha256/${sha256(content).slice(0, 2)}/${sha256(content)}`;

test('a build cache that is not there is empty', async () => {
  expect(await completePackages(join(await temporaryFolder(), 'nothing'))).toEqual([]);
});

test('complete packages come with name, hash, files and size', async () => {
  const folder = await temporaryFolder({
    ...slurm,
    ...nvml,
    'v3/layout.json': '{"signing": "gpg"}',
    'v3/manifests/index/index.manifest.json': '{}',
    'blobs/sha256/aa/stray': 'belongs to nobody',
  });
  const found = await completePackages(folder);
  const sizeOf = (files: Record<string, string>) => Object.values(files).join('').length;
  expect(found.map(({ files, ...facts }) => ({ ...facts, files: [...files].sort() }))).toEqual([
    { name: 'nvml', hash: 'n'.repeat(32), size: sizeOf(nvml), files: Object.keys(nvml).sort() },
    { name: 'slurm', hash: 's'.repeat(32), size: sizeOf(slurm), files: Object.keys(slurm).sort() },
  ]);
});

describe('a package that is not whole is left out, its neighbour stays', () => {
  const manifest = Object.keys(slurm).find((name) => name.endsWith('.manifest.json')) ?? '';

  test.each<[string, Record<string, string>]>([
    ['a blob of the wrong size', { [blobOf('tarball of slurm')]: 'tarball' }],
    ['a blob of the wrong bytes', { [blobOf('tarball of slurm')]: 'tarball of slurM' }],
    ['half a manifest', { [manifest]: (slurm[manifest] ?? '').slice(0, 40) }],
    ['an empty manifest', { [manifest]: '' }],
    ['another kind of sum', { [manifest]: (slurm[manifest] ?? '').replaceAll('"sha256"', '"md5"') }],
    ['a manifest that is no object', { [manifest]: '[]' }],
  ])('%s', async (_, damage) => {
    const folder = await temporaryFolder({ ...slurm, ...nvml, ...damage });
    expect((await completePackages(folder)).map((cached) => cached.name)).toEqual(['nvml']);
  });

  test('a missing blob', async () => {
    const folder = await temporaryFolder({ ...slurm, ...nvml });
    await rm(join(folder, blobOf('spec of slurm')));
    expect((await completePackages(folder)).map((cached) => cached.name)).toEqual(['nvml']);
  });

  test('a blob that waits for its manifest', async () => {
    const folder = await temporaryFolder(nvml);
    await writeFiles(folder, { [blobOf('tarball of slurm')]: 'tarball of slurm' });
    expect((await completePackages(folder)).map((cached) => cached.name)).toEqual(['nvml']);
  });
});

test('a file that only looks like a manifest is none', async () => {
  const text = manifestOf(['spec of slurm']);
  const folder = await temporaryFolder({
    ...slurm,
    [`v2/manifests/spec/slurm/slurm-1-${'s'.repeat(32)}.spec.manifest.json`]: text,
    [`v3/manifests/spec/slurm/slurm-1-${'s'.repeat(31)}.spec.manifest.json`]: text,
    [`v3/manifests/spec/slurm/slurm-1-${'s'.repeat(32)}.spec.manifest.json.partial`]: text,
  });
  expect(await completePackages(folder)).toHaveLength(1);
});
