import { describe, expect, test } from '@jest/globals';
import {
  driverLibraries,
  driversOf,
  gpuDevices,
  gpuDrivers,
  gpuKinds,
  gpuOptions,
  gpuSynonyms,
  gpus,
  gpusMeant,
  hasGpu,
} from '../../../src/targets/gpus.js';
import { features } from '../../support/fakes.js';

test('each value of the input means one kind, and no alias is such a value', () => {
  const values = [...gpus, ...Object.values(gpuKinds).flatMap(({ words }) => words)];
  expect(new Set(values).size).toBe(values.length);
  const aliases = Object.values(gpuKinds).flatMap((kind) => kind.aliases);
  expect(new Set(aliases).size).toBe(aliases.length);
  expect(aliases.filter((word) => values.includes(word))).toEqual([]);
});

test('synonyms and aliases lead to their kinds', () => {
  expect(gpuSynonyms).toEqual({ true: 'cuda', false: 'none' });
  expect(gpusMeant).toMatchObject({
    nvidia: 'cuda',
    nvml: 'cuda',
    amd: 'rocm',
    hip: 'rocm',
    intel: 'oneapi',
  });
});

test('all has every driver that the toolchain can have', () => {
  const variants = (without: string[]) => driversOf('all', without).map(({ variant }) => variant);
  expect(variants([])).toEqual(['nvml', 'oneapi', 'rsmi']);
  expect(variants(['rsmi', 'mysql'])).toEqual(['nvml', 'oneapi']);
  expect(hasGpu('all', ['rsmi', 'oneapi'])).toBe(true);
  expect(hasGpu('all', ['rsmi', 'oneapi', 'nvml'])).toBe(false);
  expect(hasGpu('rocm', ['rsmi'])).toBe(false);
  expect(hasGpu('none', ['rsmi', 'oneapi', 'nvml'])).toBe(true);
});

describe('what a kind of GPU brings', () => {
  test('no two drivers share a variant, a plugin, a check or a device', () => {
    for (const part of ['variant', 'plugin', 'smokeCheck', 'device'] as const) {
      expect(new Set(gpuDrivers.map((driver) => driver[part])).size).toBe(gpuDrivers.length);
    }
  });

  test.each(gpus)(
    '%s has the drivers that its name says, and features.json promises their plugins',
    (gpu) => {
      for (const { variant, plugin } of driversOf(gpu)) {
        const promised = features.filter((feature) => feature.variant === variant);
        expect(promised.flatMap(({ files }) => files)).toEqual([`lib/slurm/${plugin}.so`]);
      }
    },
  );

  test("a container gets the machine's GPUs for a target of their kind only", () => {
    expect(gpuOptions('cuda', ['/dev/null', '/dev/nvidiactl'])).toEqual(['--gpus', 'all']);
    expect(gpuOptions('cuda', ['/dev/null', '/dev/kfd'])).toEqual([]);
    expect(gpuOptions('none', gpuDevices)).toEqual([]);
    expect(gpuOptions('rocm', gpuDevices)).toEqual(['--device', '/dev/kfd', '--device', '/dev/dri']);
    // Each option once.
    expect(gpuOptions('all', gpuDevices)).toEqual([
      ...['--gpus', 'all', '--device', '/dev/dri', '--device', '/dev/kfd'],
    ]);
  });

  test('the libraries of drivers', () => {
    expect(driverLibraries.names).toContain('libnvidia-');
    expect(driverLibraries.exports).toContain('nvmlInit_v2');
  });
});
