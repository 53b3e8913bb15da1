import { describe, expect, test } from '@jest/globals';
import { installedPrefixes } from '../../../src/spack/results.js';

const hashes = { slurm: 's'.repeat(32), munge: 'm'.repeat(32) };

describe('installedPrefixes', () => {
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
    expect(installedPrefixes(text).get(hashes.slurm)).toBe(prefix);
  });

  test('another hash is another package', () => {
    expect(installedPrefixes(database({ path: '/a', installed: true })).get(hashes.munge)).toBeUndefined();
  });
});
