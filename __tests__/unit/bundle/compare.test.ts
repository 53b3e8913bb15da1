import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { InputError } from '../../../src/base/errors.js';
import { compareSides, isSame } from '../../../src/bundle/compare.js';
import type { Manifest } from '../../../src/bundle/manifest.js';
import { openSide, type Side } from '../../../src/bundle/side.js';
import { tarMember } from '../../support/bundle.js';
import { temporaryFolder } from '../../support/fakes.js';

const target = 'slurm-24.11.6-glibc2.34-amd64';
const hex = (digit: string, length = 64) => digit.repeat(length);

const manifest = (change: Partial<Manifest> = {}): Manifest => ({
  ...{ schema: 1, target, slurmVersion: '24.11.6', toolchain: 'bookworm', arch: 'amd64', gpu: 'none' },
  ...{ dependencies: 'bundled', contentKey: hex('a'), builder: hex('b'), glibc: '2.34' },
  spack: { commit: hex('1', 40), packagesCommit: hex('2', 40) },
  specs: [
    { name: 'slurm', version: '24-11-6-1', hash: hex('s', 32) },
    { name: 'munge', version: '0.5.15', hash: hex('m', 32), external: '/usr' },
  ],
  runtimePackages: ['libc6'],
  libraries: [{ name: 'libssl-1.so.3', soname: 'libssl.so.3', package: 'libssl3', version: '3.0.20' }],
  configure: [
    { name: 'SLEEP_CMD', value: '' },
    { name: 'VERSION', value: '"24.11.6"' },
  ],
  files: [{ name: `${target}-software.tar.gz`, size: 100, sha256: hex('c') }],
  ...change,
});

const side = (tree: Record<string, number>, change: Partial<Manifest> = {}): Side => ({
  ...{ identifier: target, manifest: manifest(change) },
  tree: new Map(Object.entries(tree)),
});

const features = [
  { feature: 'auth/jwt', needs: [], files: ['lib*/slurm/auth_jwt.so'] },
  { feature: 'lua', needs: [], files: ['lib/slurm/job_submit_lua.so', 'lib/slurm/cli_filter_lua.so'] },
  { feature: 'readline', needs: [], files: [] },
];
const tree = { 'lib/slurm/auth_jwt.so': 10, 'bin/srun': 20 };

describe('two results', () => {
  test('that are the same differ in nothing', () => {
    const comparison = compareSides(side(tree), side(tree), features);
    expect(isSame(comparison)).toBe(true);
  });

  test('differ in each part by its name', () => {
    const other = side(
      { 'bin/srun': 25, 'lib/slurm/job_submit_lua.so': 1, 'lib/slurm/cli_filter_lua.so': 1 },
      {
        ...{ slurmVersion: '25.11.7', contentKey: hex('d') },
        specs: [{ name: 'slurm', version: '25-11-7-1', hash: hex('t', 32) }],
        runtimePackages: ['libc6', 'libpmix2'],
        configure: [
          { name: 'HAVE_JWT', value: '1' },
          { name: 'VERSION', value: '"25.11.7"' },
        ],
        libraries: [{ name: 'libssl-2.so.3', soname: 'libssl.so.3', package: 'libssl3', version: '3.0.22' }],
        files: [{ name: `${target}-software.tar.gz`, size: 150, sha256: hex('e') }],
      },
    );
    expect(compareSides(side(tree), other, features)).toEqual({
      facts: [
        { name: 'content key', before: 'aaaaaaaaaaaa', after: 'dddddddddddd' },
        { name: 'release', before: '24.11.6', after: '25.11.7' },
      ],
      packages: [
        { name: 'munge', before: '0.5.15', after: undefined },
        { name: 'slurm', before: '24-11-6-1/sssssss', after: '25-11-7-1/ttttttt' },
      ],
      libraries: [{ name: 'libssl.so.3', before: 'libssl3 3.0.20', after: 'libssl3 3.0.22' }],
      runtimePackages: [{ name: 'libpmix2', before: undefined, after: 'needed' }],
      features: [
        { name: 'auth/jwt', before: 'there', after: undefined },
        { name: 'lua', before: undefined, after: 'there' },
      ],
      configure: [
        { name: 'HAVE_JWT', before: undefined, after: '1' },
        { name: 'SLEEP_CMD', before: 'defined', after: undefined },
        { name: 'VERSION', before: '"24.11.6"', after: '"25.11.7"' },
      ],
      results: [{ name: 'software.tar.gz', before: 100, after: 150 }],
      files: [
        { name: 'bin/srun', before: 20, after: 25 },
        { name: 'lib/slurm/auth_jwt.so', before: 10, after: undefined },
        { name: 'lib/slurm/cli_filter_lua.so', before: undefined, after: 1 },
        { name: 'lib/slurm/job_submit_lua.so', before: undefined, after: 1 },
      ],
    });
  });

  test('of which one is too old to tell of configure differ in nothing there', () => {
    const { configure: _, ...older } = manifest();
    const comparison = compareSides({ ...side(tree), manifest: older }, side(tree), features);
    expect(comparison.configure).toEqual([]);
  });

  test('of which one has no tarball, or no manifest, differ in what both have', () => {
    const comparison = compareSides({ ...side(tree), tree: undefined }, side({}), features);
    expect(isSame(comparison)).toBe(true);
    const other = compareSides({ ...side(tree), manifest: undefined }, side({}), features);
    expect(other.facts).toEqual([]);
    expect(other.files).toHaveLength(2);
  });
});

describe('what a user names', () => {
  const software = gzipSync(
    Buffer.concat([
      tarMember(`${target}/`, '', '5'),
      tarMember(`${target}/bin/srun`, 'x'.repeat(600)),
      tarMember(`${target}/etc/a`),
      Buffer.alloc(1024),
    ]),
  );

  test('is a folder, a manifest or a tarball', async () => {
    const folder = await temporaryFolder({
      [`${target}-software.tar.gz`]: software,
      [`${target}-manifest.json`]: JSON.stringify(manifest()),
      [`${target}-SHA256SUMS`]: '',
    });
    for (const path of [
      folder,
      join(folder, `${target}-manifest.json`),
      join(folder, `${target}-software.tar.gz`),
    ]) {
      const { identifier, manifest: read, tree: files } = await openSide(path, 'before');
      expect({ identifier, version: read?.slurmVersion }).toEqual({ identifier: target, version: '24.11.6' });
      expect([...(files ?? [])]).toEqual([
        ['bin/srun', 600],
        ['etc/a', 0],
      ]);
    }
  });

  test('a tarball alone is enough', async () => {
    const folder = await temporaryFolder({ [`${target}-software.tar.gz`]: software });
    const found = await openSide(join(folder, `${target}-software.tar.gz`), 'after');
    expect(found.manifest).toBeUndefined();
    expect(found.tree?.size).toBe(2);
  });

  test.each<[string, Record<string, string>, string, RegExp]>([
    ['nothing', {}, 'no', /after: there is no/],
    ['an empty folder', {}, '', /has no <target>-SHA256SUMS/],
    [
      'a folder of two',
      { [`${target}-SHA256SUMS`]: '', [`${target}-cuda-SHA256SUMS`]: '' },
      '',
      /several targets\. Name the manifest of one: slurm/,
    ],
    ['another file', { 'a.txt': '' }, 'a.txt', /is no folder, no <target>-manifest/],
    [
      'no manifest',
      { [`${target}-manifest.json`]: '{}' },
      `${target}-manifest.json`,
      /can be read: .*not a valid manifest/s,
    ],
  ])('%s is refused', async (_, files, name, message) => {
    const folder = await temporaryFolder(files);
    const opened = openSide(join(folder, name), 'after');
    await expect(opened).rejects.toThrow(InputError);
    await expect(opened).rejects.toThrow(message);
  });
});
