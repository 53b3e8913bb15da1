import { describe, expect, test } from '@jest/globals';
import {
  archOf,
  archs,
  formatTarget,
  gpus,
  parseTarget,
  spackTarget,
  type Target,
} from '../../../src/targets/identifier.js';

describe('identifiers', () => {
  test.each<[Target, string]>([
    [
      { version: '24.11.6', toolchain: 'bookworm', gpu: 'none', arch: 'amd64' },
      'slurm-24.11.6-bookworm-amd64',
    ],
    [
      { version: '24.11.6', toolchain: 'noble', gpu: 'cuda', arch: 'arm64' },
      'slurm-24.11.6-noble-arm64-cuda',
    ],
    [
      { version: '25.05.0', toolchain: 'rockylinux9', gpu: 'rocm', arch: 'amd64' },
      'slurm-25.05.0-rockylinux9-amd64-rocm',
    ],
  ])('%j is %s', (target, identifier) => {
    expect(formatTarget(target)).toBe(identifier);
    expect(parseTarget(identifier)).toEqual(target);
  });

  test('every target comes back from its identifier, and no two share one', () => {
    // A small generator with a fixed start: the same 2,000 targets each time.
    let state = 20260629;
    const draw = (below: number) => {
      state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
      return (state >> 8) % below;
    };
    const pick = <T>(items: readonly T[]): T => items[draw(items.length)] as T;
    const letters = 'abcdefghijklmnopqrstuvwxyz';
    const seen = new Map<string, string>();
    for (let round = 0; round < 2000; round++) {
      const name = Array.from({ length: draw(11) }, () => pick([...`${letters}0123456789`])).join('');
      const target: Target = {
        version: `${draw(100)}.${String(draw(13)).padStart(2, '0')}.${draw(20)}`,
        toolchain: pick([...letters]) + name,
        gpu: pick(gpus),
        arch: pick(archs),
      };
      const identifier = formatTarget(target);
      expect(parseTarget(identifier)).toEqual(target);
      const text = JSON.stringify(target);
      expect(seen.get(identifier) ?? text).toBe(text);
      seen.set(identifier, text);
    }
  });

  test.each([
    '',
    'slurm',
    'slurm-24.11-bookworm-amd64',
    'slurm-24.11.6-bookworm',
    'slurm-24.11.6-bookworm-x86_64',
    'slurm-24.11.6-bookworm-amd64-none',
    'slurm-24.11.6-bookworm-amd64-cuda-rocm',
    'slurm-24.11.6-Bookworm-amd64',
    'slurm-24.11.6-book-worm-amd64',
    ' slurm-24.11.6-bookworm-amd64',
    'slurm-24.11.6-bookworm-amd64 ',
    'slurm-24.11.6-bookworm-amd64/..',
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
