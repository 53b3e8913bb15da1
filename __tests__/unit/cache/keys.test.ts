import { describe, expect, test } from '@jest/globals';
import { sha256 } from '../../../src/base/files.js';
import {
  cloneKey,
  contentKey,
  type KeyMaterial,
  type LockMaterial,
  lockDigest,
  lockKey,
  packageKey,
  resultKey,
} from '../../../src/cache/keys.js';

const lockMaterial: LockMaterial = {
  builder: 'b'.repeat(64),
  spackCommit: '1'.repeat(40),
  packagesCommit: '2'.repeat(40),
  overlay: 'd'.repeat(64),
  environment: 'spack:\n  specs: [slurm]\n',
};
const material: KeyMaterial = {
  ...lockMaterial,
  target: 'slurm-24.11.6-bookworm-amd64',
  templates: 'e'.repeat(64),
  scripts: '9'.repeat(64),
};

// Entries of older versions are found by these texts: a change here throws all caches away, and wants a new
// schema number.
describe('the whole key', () => {
  test('content key', () => {
    const text = [
      'schema 2',
      'target slurm-24.11.6-bookworm-amd64',
      `builder ${'b'.repeat(64)}`,
      `spack ${'1'.repeat(40)}`,
      `packages ${'2'.repeat(40)}`,
      `overlay ${'d'.repeat(64)}`,
      `environment ${sha256('spack:\n  specs: [slurm]\n')}`,
      `templates ${'e'.repeat(64)}`,
      `scripts ${'9'.repeat(64)}`,
    ].join('\n');
    expect(contentKey(material)).toBe(sha256(text));
    expect(contentKey(material)).toBe('b40a3bf65ca5b72e3e5ef26464877946bcb7d1652ecaa8aa4442a0cc86507edf');
  });

  test('lock', () => {
    expect(lockKey(lockDigest(lockMaterial))).toBe(
      'slurm-factory-v2-lock-4fdd45910be3c9a5055589bd98984d4653741338f3cf8d17847ef44b1a9796d8',
    );
  });

  test.each([
    [
      resultKey('slurm-24.11.6-bookworm-amd64', 'abc'),
      'slurm-factory-v2-result-slurm-24.11.6-bookworm-amd64-abc',
    ],
    [lockKey('abc'), 'slurm-factory-v2-lock-abc'],
    [cloneKey('spack', 'abc'), 'slurm-factory-v2-clone-spack-abc'],
    [cloneKey('packages', 'abc'), 'slurm-factory-v2-clone-packages-abc'],
    [
      packageKey({ builder: '0123456789abcdef0123', padding: 128 }, 'slurm', 'x'.repeat(32)),
      `slurm-factory-v2-package-0123456789abcdef-p128-slurm-${'x'.repeat(32)}`,
    ],
    [
      packageKey({ builder: 'machine', padding: 128 }, 'nvml', 'y'.repeat(32)),
      `slurm-factory-v2-package-machine-p128-nvml-${'y'.repeat(32)}`,
    ],
  ])('%s', (key, expected) => {
    expect(key).toBe(expected);
  });
});

describe('each part of the material changes the key, and only that', () => {
  test.each(Object.keys(material) as (keyof KeyMaterial)[])('content key and %s', (field) => {
    expect(contentKey({ ...material, [field]: `${material[field]}0` })).not.toBe(contentKey(material));
  });

  test.each(Object.keys(lockMaterial) as (keyof LockMaterial)[])('lock and %s', (field) => {
    expect(lockDigest({ ...lockMaterial, [field]: `${lockMaterial[field]}0` })).not.toBe(
      lockDigest(lockMaterial),
    );
  });

  test('no two parts can stand for each other', () => {
    const names = Object.keys(material) as (keyof KeyMaterial)[];
    const keys = names.map((field) => contentKey({ ...material, [field]: 'same' }));
    expect(new Set(keys).size).toBe(names.length);
  });

  test('anything else does not count', () => {
    const more = { ...material, cwd: '/home/me', cpus: 64, time: 1 };
    expect(contentKey(more)).toBe(contentKey(material));
    expect(lockDigest({ ...lockMaterial, ...{ target: 'x', templates: 'y' } })).toBe(
      lockDigest(lockMaterial),
    );
  });
});

test('keys stay below the 512 characters of the service, and have no comma, which it refuses', () => {
  const long = resultKey(`slurm-24.11.6-${'x'.repeat(60)}-amd64-cuda`, contentKey(material));
  expect(long.length).toBeLessThan(512);
  expect(long).not.toContain(',');
});

test('no key is the beginning of another: the service would take it for a match', () => {
  const keys = [
    resultKey('slurm-24.11.6-bookworm-amd64', 'f'.repeat(64)),
    resultKey('slurm-24.11.6-bookworm-amd64-cuda', 'f'.repeat(64)),
    packageKey({ builder: 'machine', padding: 128 }, 'slurm', 'x'.repeat(32)),
    packageKey({ builder: 'machine', padding: 128 }, 'slurm-drain', 'x'.repeat(32)),
    lockKey('f'.repeat(64)),
    cloneKey('spack', 'f'.repeat(40)),
  ];
  for (const key of keys) {
    for (const other of keys.filter((candidate) => candidate !== key)) {
      expect(other.startsWith(key)).toBe(false);
    }
  }
});
