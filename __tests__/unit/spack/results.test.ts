import { describe, expect, test } from '@jest/globals';
import { installedPrefix, parsePackageVersions, upstreamVersion } from '../../../src/spack/results.js';

const hashes = { slurm: 's'.repeat(32), munge: 'm'.repeat(32) };

test.each([
  ['1:2.36-9+deb12u14', '2.36'],
  ['2.36', '2.36'],
  ['7.88.1-10+deb12u12', '7.88.1'],
  ['1.14.10-1~deb12u1', '1.14.10'],
  ['0.8.1-1.1', '0.8.1'],
  ['8.2-1.3', '8.2'],
  ['5.4.4+dfsg-3', '5.4.4'],
  ['2.9.4-4.1', '2.9.4'],
  ['1.0~rc1-2', '1.0'],
  ['20220412.0-1', '20220412.0'],
  ['4.2.2-1', '4.2.2'],
  ['1:10.11.11-0+deb12u1', '10.11.11'],
  ['2.0-1-3', '2.0-1'],
])('upstreamVersion of %s is %s', (version, upstream) => {
  expect(upstreamVersion(version)).toBe(upstream);
});

test('parsePackageVersions: a line each, the architecture taken off', () => {
  const text = 'libc6-dev:amd64 2.36-9+deb12u14\nmake 4.3-4.1\nlibmunge-dev 0.5.15-2\n';
  expect(Object.fromEntries(parsePackageVersions(text))).toEqual({
    'libc6-dev': '2.36',
    make: '4.3',
    'libmunge-dev': '0.5.15',
  });
});

describe('installedPrefix', () => {
  const database = (record: object) =>
    JSON.stringify({ database: { version: '8', installs: { [hashes.slurm]: record } } });

  test.each<[string, string, string | undefined]>([
    ['installed', database({ spec: {}, path: '/store/slurm', installed: true }), '/store/slurm'],
    ['not installed any more', database({ path: '/store/slurm', installed: false }), undefined],
    ['installed without a path', database({ path: null, installed: true }), undefined],
    ['an empty database', '{"database":{"installs":{}}}', undefined],
    ['half a file', database({ path: '/store', installed: true }).slice(0, -5), undefined],
    ['nothing', '', undefined],
  ])('%s', (_, text, prefix) => {
    expect(installedPrefix(text, hashes.slurm)).toBe(prefix);
  });

  test('another hash is another package', () => {
    expect(installedPrefix(database({ path: '/a', installed: true }), hashes.munge)).toBeUndefined();
  });
});
