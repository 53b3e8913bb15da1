import { describe, expect, test } from '@jest/globals';
import { gpus } from '../../../src/targets/gpus.js';
import {
  archOf,
  archs,
  dependencyKinds,
  formatTarget,
  parseTarget,
  spackTarget,
  type TargetName,
  withToolchain,
} from '../../../src/targets/identifier.js';

const system = { dependencies: 'system', gpu: 'none', arch: 'amd64' } as const;
const bundled = { ...system, dependencies: 'bundled', platform: 'glibc2.34' } as const;
const own = { ...bundled, dependencies: 'self-contained' } as const;

describe('identifiers', () => {
  test.each<[string, TargetName]>([
    ['slurm-24.11.6-bookworm-amd64', { ...system, version: '24.11.6', platform: 'bookworm' }],
    [
      'slurm-24.11.6-noble-arm64-cuda',
      { ...system, version: '24.11.6', platform: 'noble', gpu: 'cuda', arch: 'arm64' },
    ],
    [
      'slurm-25.05.0-rockylinux9-amd64-rocm',
      { ...system, version: '25.05.0', platform: 'rockylinux9', gpu: 'rocm' },
    ],
    ['slurm-24.11.6-glibc2-amd64', { ...system, version: '24.11.6', platform: 'glibc2' }],
    [
      'slurm-24.11.6.p3f2a91c04b17-bookworm-amd64-cuda',
      { ...system, version: '24.11.6', source: 'p3f2a91c04b17', platform: 'bookworm', gpu: 'cuda' },
    ],
    [
      'slurm-24.11.6.p3f2a91c04b17-glibc2.34-arm64',
      { ...bundled, version: '24.11.6', source: 'p3f2a91c04b17', arch: 'arm64' },
    ],
    [
      'slurm-24.11.6.e3f2a91c04b17-glibc2.34-amd64-cuda',
      { ...bundled, version: '24.11.6', environment: 'e3f2a91c04b17', gpu: 'cuda' },
    ],
    [
      'slurm-24.11.6.p3f2a91c04b17.e0f2a91c04b17-bookworm-amd64',
      {
        ...system,
        ...{ version: '24.11.6', source: 'p3f2a91c04b17', environment: 'e0f2a91c04b17' },
        platform: 'bookworm',
      },
    ],
    ['slurm-24.11.6-glibc2.34-amd64', { ...bundled, version: '24.11.6' }],
    ['slurm-24.11.6-glibc2.34-amd64-cuda', { ...bundled, version: '24.11.6', gpu: 'cuda' }],
    ['slurm-24.11.6-glibc2.34-amd64-self-contained', { ...own, version: '24.11.6' }],
    [
      'slurm-24.11.6-glibc2.34-amd64-self-contained.x3f2a91c04b17-cuda',
      { ...own, version: '24.11.6', externals: 'x3f2a91c04b17', gpu: 'cuda' },
    ],
    [
      'slurm-24.11.6-glibc2.34-arm64-self-contained-rocm',
      { ...own, version: '24.11.6', gpu: 'rocm', arch: 'arm64' },
    ],
  ])('%s', (identifier, name) => {
    expect(formatTarget(name)).toBe(identifier);
    expect(parseTarget(identifier)).toEqual(name);
  });

  test('every target comes back from its identifier, and no two share one', () => {
    // A small generator with a fixed start: the same 3,000 targets each time.
    let state = 20260629;
    const draw = (below: number) => {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      return (state >> 8) % below;
    };
    const pick = <T>(items: readonly T[]): T => items[draw(items.length)] as T;
    const letters = 'abcdefghijklmnopqrstuvwxyz';
    const id = () => {
      const rest = Array.from({ length: draw(11) }, () => pick([...`${letters}0123456789`])).join('');
      return draw(20) === 0 ? `glibc${draw(100)}` : pick([...letters]) + rest;
    };
    const seen = new Map<string, string>();
    for (let round = 0; round < 3000; round++) {
      const dependencies = pick(dependencyKinds);
      const name: TargetName = {
        version: `${draw(100)}.${String(draw(13)).padStart(2, '0')}.${draw(20)}`,
        ...(draw(4) === 0
          ? {
              source: `p${draw(2 ** 20)
                .toString(16)
                .padStart(12, '0')}`,
            }
          : {}),
        dependencies,
        ...(dependencies === 'self-contained' && draw(2) === 0
          ? {
              externals: `x${draw(2 ** 20)
                .toString(16)
                .padStart(12, '0')}`,
            }
          : {}),
        platform: dependencies === 'system' ? id() : `glibc2.${draw(60)}`,
        gpu: pick(gpus),
        arch: pick(archs),
      };
      const identifier = formatTarget(name);
      expect(parseTarget(identifier)).toEqual(name);
      const text = JSON.stringify(name);
      expect(seen.get(identifier) ?? text).toBe(text);
      seen.set(identifier, text);
    }
  });

  test.each([
    '',
    'slurm',
    'slurm-24.11-bookworm-amd64',
    'slurm-24.11.6-bookworm',
    'slurm-24.11.6.p3f2a91c04b1-bookworm-amd64',
    'slurm-24.11.6.p3F2A91C04B17-bookworm-amd64',
    'slurm-24.11.6.3f2a91c04b17-bookworm-amd64',
    'slurm-24.11.6-p3f2a91c04b17-bookworm-amd64',
    'slurm-24.11.6-bookworm-x86_64',
    'slurm-24.11.6-bookworm-amd64-none',
    'slurm-24.11.6-bookworm-amd64-cuda-rocm',
    'slurm-24.11.6-Bookworm-amd64',
    'slurm-24.11.6-book-worm-amd64',
    ' slurm-24.11.6-bookworm-amd64',
    'slurm-24.11.6-bookworm-amd64 ',
    'slurm-24.11.6-bookworm-amd64/..',
    'slurm-24.11.6-bookworm-amd64-self-contained',
    'slurm-24.11.6-glibc2.34-amd64-cuda-self-contained',
    'slurm-24.11.6-glibc2.34-amd64-self-contained.3f2a91c04b17',
    'slurm-24.11.6-glibc2.34-amd64.x3f2a91c04b17',
    'slurm-24.11.6-glibc2.34.1-amd64',
    'slurm-24.11.6-glibc.34-amd64',
    'slurm-24.11.6-book.worm-amd64',
  ])('%j is no identifier', (text) => {
    expect(parseTarget(text)).toBeUndefined();
  });
});

test.each([
  ['x64', 'amd64', 'x86_64'],
  ['arm64', 'arm64', 'aarch64'],
] as const)("Node's %s is %s, Spack's %s", (node, arch, spack) => {
  expect(archOf(node)).toBe(arch);
  expect(spackTarget(arch)).toBe(spack);
});

test.each(['ia32', 'arm', 'ppc64', 'riscv64', ''])("Node's %j is not built for", (node) => {
  expect(archOf(node)).toBeUndefined();
});

describe('withToolchain', () => {
  const named = (identifier: string) => parseTarget(identifier) as TargetName;
  const plain = named('slurm-24.11.6-bookworm-amd64');
  const copied = named('slurm-24.11.6-glibc2.34-amd64');

  test.each<[string, TargetName, string | undefined, string | undefined]>([
    ["a system target's is in its name", plain, undefined, 'bookworm'],
    ['and may be said again', plain, 'bookworm', 'bookworm'],
    ['but not otherwise', plain, 'noble', undefined],
    ["a bundled target's is not", copied, undefined, undefined],
    ['and has to be said', copied, 'bookworm', 'bookworm'],
    ['as an id', copied, '../etc', undefined],
  ])('%s', (_, name, toolchain, expected) => {
    expect(withToolchain(name, toolchain)?.toolchain).toBe(expected);
  });
});
