import { describe, expect, test } from '@jest/globals';
import {
  aboutMachine,
  chooseTarget,
  driversFound,
  type Machine,
  type Wish,
} from '../../../src/publish/choose.js';
import { indexOf } from '../../support/release-index.js';

const machine = (change: Partial<Machine> = {}): Machine => ({
  ...{ arch: 'amd64', glibc: '2.36', os: { id: 'debian', version: '12' }, drivers: [] },
  ...change,
});

const all = [
  'slurm-26.05.3-glibc2.39-amd64',
  'slurm-26.05.3-glibc2.34-amd64',
  'slurm-26.05.3-glibc2.34-amd64-cuda',
  'slurm-26.05.3-glibc2.34-amd64-all',
  'slurm-26.05.3-glibc2.34-amd64-full',
  'slurm-26.05.3-glibc2.28-amd64',
  'slurm-26.05.3-glibc2.34-amd64-self-contained',
  'slurm-26.05.3-bookworm-amd64',
  'slurm-26.05.3.p0123456789ab-glibc2.34-amd64',
  'slurm-25.11.7-glibc2.34-amd64',
  'slurm-25.11.7-glibc2.34-arm64',
];

const choose = (change: Partial<Machine> = {}, wish: Wish = {}, names = all) => {
  const choice = chooseTarget(indexOf(names), machine(change), wish);
  return 'target' in choice ? choice.target.identifier : choice.reasons;
};

describe('of what fits, the best', () => {
  test.each<[string, Partial<Machine>, Wish, string]>([
    ['the newest release, the newest glibc that is here', {}, {}, 'slurm-26.05.3-glibc2.34-amd64'],
    ['a newer glibc', { glibc: '2.41' }, {}, 'slurm-26.05.3-glibc2.39-amd64'],
    ['an older glibc', { glibc: '2.31' }, {}, 'slurm-26.05.3-glibc2.28-amd64'],
    ['the GPU of the machine', { drivers: ['cuda'] }, {}, 'slurm-26.05.3-glibc2.34-amd64-cuda'],
    [
      'all kinds where there is none of its own',
      { drivers: ['rocm'] },
      {},
      'slurm-26.05.3-glibc2.34-amd64-all',
    ],
    ['a GPU that is asked for', {}, { gpu: 'cuda' }, 'slurm-26.05.3-glibc2.34-amd64-cuda'],
    ['a series', {}, { release: '25.11' }, 'slurm-25.11.7-glibc2.34-amd64'],
    ['latest', {}, { release: 'latest' }, 'slurm-26.05.3-glibc2.34-amd64'],
    ['an older release where the newest has none', { arch: 'arm64' }, {}, 'slurm-25.11.7-glibc2.34-arm64'],
    [
      'one that is named, whatever fits',
      {},
      { target: 'slurm-25.11.7-glibc2.34-arm64' },
      'slurm-25.11.7-glibc2.34-arm64',
    ],
    [
      'the distribution’s own, where nothing else fits',
      { glibc: '2.20' },
      {},
      'slurm-26.05.3-bookworm-amd64',
    ],
  ])('%s', (_, change, wish, expected) => {
    expect(choose(change, wish)).toBe(expected);
  });

  test('a tarball for a GPU does where there is no other', () => {
    expect(choose({}, {}, ['slurm-26.05.3-glibc2.34-amd64-cuda'])).toBe('slurm-26.05.3-glibc2.34-amd64-cuda');
  });

  test('2.4 is older than 2.34', () => {
    expect(choose({ glibc: '2.4' }, {}, ['slurm-26.05.3-glibc2.34-amd64'])).toEqual([
      'slurm-26.05.3-glibc2.34-amd64: it needs glibc 2.34, this machine has 2.4.',
    ]);
  });
});

describe('why nothing fits', () => {
  test('a reason for each', () => {
    const names = [
      'slurm-26.05.3-glibc2.34-amd64',
      'slurm-26.05.3-bookworm-amd64',
      'slurm-26.05.3-glibc2.34-arm64',
    ];
    expect(choose({ glibc: '2.31', os: { id: 'ubuntu', version: '20.04' } }, {}, names)).toEqual([
      'slurm-26.05.3-glibc2.34-amd64: it needs glibc 2.34, this machine has 2.31.',
      'slurm-26.05.3-glibc2.34-arm64: it is for arm64, this is amd64.',
      'slurm-26.05.3-bookworm-amd64: it is for debian 12, this is ubuntu 20.04.',
    ]);
    expect(choose({ glibc: undefined }, {}, names.slice(0, 1))).toEqual([
      'slurm-26.05.3-glibc2.34-amd64: it needs glibc 2.34, and this machine has none.',
    ]);
  });

  test('a release or a target that is not there, with the nearest name', () => {
    expect(choose({}, { release: '26.06' })).toEqual([
      expect.stringMatching(/'26\.06' is not a known release here/),
    ]);
    expect(choose({}, { target: 'slurm-25.11.7-glibc2.34-amd46' })).toEqual([
      expect.stringContaining("Did you mean 'slurm-25.11.7-glibc2.34-amd64'?"),
    ]);
    expect(choose({}, {}, [])).toEqual(['v1 has no target.']);
  });
});

test('a distribution whose version has a dot more is the same', () => {
  expect(choose({ os: { id: 'debian', version: '12.5' } }, {}, ['slurm-26.05.3-bookworm-amd64'])).toBe(
    'slurm-26.05.3-bookworm-amd64',
  );
});

test('devices tell of drivers', () => {
  expect(driversFound(['/dev/kfd', '/dev/nvidiactl'])).toEqual(['cuda', 'rocm']);
  expect(driversFound([])).toEqual([]);
});

test('a machine in words', () => {
  expect(aboutMachine(machine({ drivers: ['cuda'] }))).toBe('amd64, glibc 2.36, debian 12, cuda GPU driver');
  expect(aboutMachine(machine({ glibc: undefined, os: { id: '', version: '' } }))).toBe(
    'amd64, no GPU driver',
  );
});
