import { describe, expect, test } from '@jest/globals';
import { sha256 } from '../../../src/base/files.js';
import {
  type CcacheMaterial,
  ccacheKey,
  ccachePrefix,
  contentKey,
  type IndexMaterial,
  indexKey,
  indexPrefix,
  type KeyMaterial,
  type LockMaterial,
  lockDigest,
  lockKey,
  packageKey,
  reachOf,
  readKey,
  resultKey,
  resultPrefix,
  transferName,
} from '../../../src/cache/keys.js';
import { defaultChoice } from '../../../src/targets/feature-choice.js';
import { dependencyKinds, formatTarget } from '../../../src/targets/identifier.js';
import { targetOf } from '../../../src/targets/matrix.js';
import { release, toolchain } from '../../support/fakes.js';

const lockMaterial: LockMaterial = {
  builder: 'b'.repeat(64),
  spackCommit: '1'.repeat(40),
  packagesCommit: '2'.repeat(40),
  overlay: 'd'.repeat(64),
  environment: 'spack:\n  specs: [slurm]\n',
};
const platform = { toolchain: 'bookworm', arch: 'amd64' } as const;
const place = { ...platform, builder: '0123456789abcdef0123', padding: 128 };
const machine = { ...place, builder: 'machine' };
const index: IndexMaterial = {
  ...platform,
  spackCommit: `${'1'.repeat(12)}${'9'.repeat(28)}`,
  packagesCommit: `${'2'.repeat(12)}${'9'.repeat(28)}`,
  overlay: `${'d'.repeat(12)}${'9'.repeat(52)}`,
};
const ccache: CcacheMaterial = { ...platform, builder: place.builder, series: '24.11', debug: false };
const material: KeyMaterial = {
  ...lockMaterial,
  environment: sha256(lockMaterial.environment),
  target: 'slurm-24.11.6-bookworm-amd64',
  dependencies: 'system',
  templates: 'e'.repeat(64),
  scripts: '9'.repeat(64),
  libraries: undefined,
  tests: undefined,
};

// Entries of older versions are found by these texts: a change here throws all caches away, and wants a new
// schema number.
describe('the whole key', () => {
  test('content key', () => {
    const text = [
      'schema 4',
      'target slurm-24.11.6-bookworm-amd64',
      'dependencies system',
      `builder ${'b'.repeat(64)}`,
      `spack ${'1'.repeat(40)}`,
      `packages ${'2'.repeat(40)}`,
      `overlay ${'d'.repeat(64)}`,
      `environment ${sha256('spack:\n  specs: [slurm]\n')}`,
      `templates ${'e'.repeat(64)}`,
      `scripts ${'9'.repeat(64)}`,
    ].join('\n');
    expect(contentKey(material)).toBe(sha256(text));
    expect(contentKey(material)).toBe('5586be98daa9e5142911dcf4d9404963bdc48a89d74a3c9b828800efeaf93dc5');
  });

  test('lock', () => {
    expect(lockKey(platform, lockDigest(lockMaterial))).toBe(
      'slurm-factory-v4-lock-bookworm-amd64-4bdde7b9d895c216819e380eaba7100957c69dcfac828642dd80c1033133b74b',
    );
  });

  test.each([
    [
      resultKey('slurm-24.11.6-bookworm-amd64', 'abc'),
      'slurm-factory-v4-result-slurm-24.11.6-bookworm-amd64-abc',
    ],
    [
      resultKey('slurm-24.11.6-glibc2.34-amd64', 'abc', [
        { name: 'libb2', version: '2' },
        { name: 'liba1', version: '1:1-1' },
        { name: 'libb2', version: '2' },
      ]),
      `slurm-factory-v4-result-slurm-24.11.6-glibc2.34-amd64-abc-${sha256('liba1 1:1-1\nlibb2 2').slice(0, 16)}`,
    ],
    [lockKey({ ...platform, arch: 'arm64' }, 'abc'), 'slurm-factory-v4-lock-bookworm-arm64-abc'],
    [
      packageKey(place, 'slurm', 'x'.repeat(32)),
      `slurm-factory-v4-package-bookworm-amd64-0123456789abcdef-p128-slurm-${'x'.repeat(32)}`,
    ],
    [
      packageKey(machine, 'nvml', 'y'.repeat(32)),
      `slurm-factory-v4-package-bookworm-amd64-machine-p128-nvml-${'y'.repeat(32)}`,
    ],
    [indexKey(index), 'slurm-factory-v4-index-bookworm-amd64-111111111111-222222222222-dddddddddddd'],
    [
      ccacheKey(ccachePrefix(ccache), ['b/R', 'a/M']),
      `slurm-factory-v4-ccache-bookworm-amd64-0123456789abcdef-24.11-${sha256('a/M\nb/R').slice(0, 16)}`,
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

  test('two kinds of dependencies never share a content key or the key of a result', () => {
    const keys = dependencyKinds.map((dependencies) => contentKey({ ...material, dependencies }));
    expect(new Set(keys).size).toBe(dependencyKinds.length);
    const same = { release: release('24.11.6'), toolchain: toolchain(), gpu: 'none' } as const;
    const full = { ...defaultChoice, base: 'full' } as const;
    const targets = dependencyKinds.flatMap((dependencies) =>
      [defaultChoice, full].map((features) => targetOf({ ...same, dependencies, features })),
    );
    const results = targets.map((target) => resultKey(formatTarget(target), 'f'.repeat(64)));
    expect(new Set(results).size).toBe(dependencyKinds.length * 2);
    for (const target of targets) {
      const { prefixes, includes } = reachOf(formatTarget(target), target);
      const reached = results.filter(
        (key) => prefixes.some((prefix) => key.startsWith(prefix)) && includes(key),
      );
      expect(reached).toEqual([resultKey(formatTarget(target), 'f'.repeat(64))]);
    }
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
    packageKey(machine, 'slurm', 'x'.repeat(32)),
    packageKey(machine, 'slurm-drain', 'x'.repeat(32)),
    lockKey(platform, 'f'.repeat(64)),
    indexKey(index),
    ccacheKey(ccachePrefix(ccache), ['a/R']),
    ccacheKey(ccachePrefix({ ...ccache, debug: true }), ['a/R']),
  ];
  for (const key of keys) {
    for (const other of keys.filter((candidate) => candidate !== key)) {
      expect(other.startsWith(key)).toBe(false);
    }
  }
});

test('an index may come from the same commits, and passes through the same folder then', () => {
  const prefix = indexPrefix(index);
  expect(prefix).toBe('slurm-factory-v4-index-bookworm-amd64-111111111111-222222222222-');
  for (const overlay of [index.overlay, 'e'.repeat(64)]) {
    const key = indexKey({ ...index, overlay });
    expect(key.startsWith(prefix)).toBe(true);
    expect(transferName(key)).toBe(transferName(prefix));
  }
  const lock = lockKey(platform, 'f'.repeat(64));
  expect(transferName(lock)).toBe(lock);
});

test('a result that brings libraries may come with any versions of them, through the same folder', () => {
  const [target, content] = ['slurm-24.11.6-glibc2.34-amd64', 'f'.repeat(64)];
  const prefix = resultPrefix(target, content);
  expect(transferName(prefix)).toBe(prefix);
  const keys = ['1', '2'].map((version) => resultKey(target, content, [{ name: 'liba1', version }]));
  expect(new Set(keys).size).toBe(2);
  for (const key of [...keys, ...keys.map((first) => `${first}-r1`)]) {
    expect(key.startsWith(prefix)).toBe(true);
    expect(transferName(key)).toBe(prefix);
    expect(readKey(key)).toEqual({ kind: 'result', name: target });
  }
  // One that brings none is found by its whole key.
  const whole = resultKey(target, content);
  expect(transferName(whole)).toBe(whole);
});

test('objects may come from any build that is alike, and only from such a one', () => {
  const prefix = ccachePrefix(ccache);
  const key = ccacheKey(prefix, ['a/R']);
  expect(ccacheKey(prefix, ['b/R'])).not.toBe(key);
  expect(transferName(key)).toBe(prefix);
  expect(transferName(prefix)).toBe(prefix);
  const others: Partial<CcacheMaterial>[] = [
    { toolchain: 'noble' },
    { arch: 'arm64' },
    { builder: 'f'.repeat(64) },
    { series: '24.1' },
    { series: '25.05' },
    { debug: true },
  ];
  for (const other of others) {
    const theirs = ccachePrefix({ ...ccache, ...other });
    expect(ccacheKey(theirs, ['a/R']).startsWith(prefix)).toBe(false);
    expect(key.startsWith(theirs)).toBe(false);
  }
});

describe('what a target may use', () => {
  const plain = 'slurm-24.11.6-bookworm-amd64';
  const { prefixes, includes } = reachOf(plain, platform);
  const reached = (key: string) => prefixes.some((prefix) => key.startsWith(prefix)) && includes(key);

  test('is listed by these prefixes', () => {
    expect(prefixes).toEqual([
      'slurm-factory-v4-result-slurm-24.11.6-bookworm-amd64-',
      'slurm-factory-v4-package-bookworm-amd64-',
      'slurm-factory-v4-lock-bookworm-amd64-',
      'slurm-factory-v4-index-bookworm-amd64-',
      'slurm-factory-v4-ccache-bookworm-amd64-',
    ]);
  });

  test.each([
    [resultKey(plain, 'f'.repeat(64)), true],
    [resultKey(plain, 'f'.repeat(64), [{ name: 'liba1', version: '1' }]), true],
    [`${resultKey(plain, 'f'.repeat(64), [])}-r1`, true],
    [`${resultKey(plain, 'f'.repeat(64))}-r2`, true],
    [resultKey(`${plain}-cuda`, 'f'.repeat(64), []), false],
    [`${resultKey(plain, 'f'.repeat(64))}-other`, false],
    [packageKey(place, 'slurm', 'x'.repeat(32)), true],
    [packageKey(machine, 'slurm', 'x'.repeat(32)), true],
    [lockKey(platform, 'f'.repeat(64)), true],
    [indexKey(index), true],
    [ccacheKey(ccachePrefix(ccache), []), true],
    [ccacheKey(ccachePrefix({ ...ccache, arch: 'arm64' }), []), false],
    [resultKey(`${plain}-cuda`, 'f'.repeat(64)), false],
    [resultKey('slurm-24.11.5-bookworm-amd64', 'f'.repeat(64)), false],
    [packageKey({ ...place, arch: 'arm64' }, 'slurm', 'x'.repeat(32)), false],
    [packageKey({ ...place, toolchain: 'noble' }, 'slurm', 'x'.repeat(32)), false],
    [lockKey({ ...platform, toolchain: 'noble' }, 'f'.repeat(64)), false],
    ['slurm-factory-v2-lock-bookworm-amd64-abc', false],
    ['another-action-key', false],
  ])('%s: %s', (key, expected) => {
    expect(reached(key)).toBe(expected);
  });
});

test.each([
  [
    resultKey('slurm-24.11.6-bookworm-amd64-cuda', 'f'.repeat(64)),
    'result',
    'slurm-24.11.6-bookworm-amd64-cuda',
  ],
  [packageKey(place, 'compiler-wrapper', 'x'.repeat(32)), 'package', 'compiler-wrapper'],
  [packageKey(machine, 'p7zip', 'x'.repeat(32)), 'package', 'p7zip'],
  [lockKey(platform, 'f'.repeat(64)), 'lock', undefined],
  [indexKey(index), 'index', undefined],
  [ccacheKey(ccachePrefix(ccache), []), 'ccache', '24.11'],
  [ccacheKey(ccachePrefix({ ...ccache, debug: true }), []), 'ccache', '24.11.debug'],
  ['slurm-factory-v4-other-abc', undefined, undefined],
  ['slurm-factory-v2-lock-abc', undefined, undefined],
])('%s is read as a %s of %s', (key, kind, name) => {
  expect(readKey(key)).toEqual(name === undefined ? { kind } : { kind, name });
});
