import { describe, expect, test } from '@jest/globals';
import { ConfigurationError } from '../../../src/base/errors.js';
import { builtSpecs, installedPrefixes, parseLock } from '../../../src/spack/results.js';

const hashes = { slurm: 's'.repeat(32), munge: 'm'.repeat(32), glibc: 'g'.repeat(32) };
const lock = {
  _meta: { 'file-type': 'spack-lockfile', 'lockfile-version': 7 },
  roots: [{ hash: hashes.slurm, spec: 'slurm@=24-11-6-1' }],
  concrete_specs: {
    [hashes.munge]: { name: 'munge', version: '0.5.15', external: { path: '/usr', module: null }, hash: 'x' },
    [hashes.glibc]: { name: 'glibc', version: '2.36', external: { path: null, module: ['glibc'] } },
    [hashes.slurm]: { name: 'slurm', version: '24-11-6-1', arch: { platform: 'linux' } },
  },
};

describe('parseLock', () => {
  test('gives the root, and each spec with where it comes from', () => {
    expect(parseLock(JSON.stringify(lock))).toEqual({
      root: { name: 'slurm', version: '24-11-6-1', hash: hashes.slurm, external: undefined },
      specs: [
        { name: 'munge', version: '0.5.15', hash: hashes.munge, external: '/usr' },
        { name: 'glibc', version: '2.36', hash: hashes.glibc, external: '' },
        { name: 'slurm', version: '24-11-6-1', hash: hashes.slurm, external: undefined },
      ],
    });
  });

  test("an external is not Spack's to build, even one without a prefix", () => {
    expect(builtSpecs(parseLock(JSON.stringify(lock))).map((spec) => spec.name)).toEqual(['slurm']);
  });

  test.each<[string, string]>([
    ['nothing', ''],
    ['half a file', JSON.stringify(lock).slice(0, -20)],
    ['no roots', JSON.stringify({ ...lock, roots: [] })],
    ['a root that is not among the specs', JSON.stringify({ ...lock, roots: [{ hash: 'no', spec: 'no' }] })],
    ['a spec without a version', JSON.stringify({ ...lock, concrete_specs: { a: { name: 'a' } } })],
  ])('%s is a ConfigurationError', (_, text) => {
    expect(() => parseLock(text)).toThrow(ConfigurationError);
  });
});

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
