import { describe, expect, test } from '@jest/globals';
import {
  driverLibraries,
  gpuDevices,
  gpuKinds,
  gpuMeantBy,
  gpuOf,
  gpuOptions,
  gpus,
  gpuWords,
} from '../../../src/targets/gpus.js';

test('each value of the input means one kind, and no alias is such a value', () => {
  const kinds = Object.values(gpuKinds);
  expect(new Set(gpuWords).size).toBe(gpuWords.length);
  expect(gpuWords.filter((word) => gpuOf(word) === undefined)).toEqual([]);
  const aliases = kinds.flatMap(({ aliases }) => aliases);
  expect(new Set(aliases).size).toBe(aliases.length);
  expect(aliases.filter((word) => gpuOf(word) !== undefined)).toEqual([]);
});

test.each([
  ['true', 'cuda'],
  ['false', 'none'],
  ['rocm', 'rocm'],
  ['nvidia', undefined],
  ['toString', undefined],
])('%s is %s', (word, kind) => expect(gpuOf(word)).toBe(kind));

test.each([
  ['nvidia', 'cuda'],
  ['NVML', 'cuda'],
  ['amd', 'rocm'],
  ['hip', 'rocm'],
  ['intel', undefined],
])('%s is meant for %s', (word, kind) => expect(gpuMeantBy(word)).toBe(kind));

describe('what a kind of GPU brings', () => {
  test('every kind but none has a variant, a plugin and a device', () => {
    for (const gpu of gpus.filter((kind) => kind !== 'none')) {
      const { spec, variant, plugin, device, driverFunctions } = gpuKinds[gpu];
      expect(spec.split(' ')).toContain(`+${variant}`);
      expect([plugin, device, driverFunctions]).not.toContain(undefined);
    }
  });

  test("a container gets the machine's GPUs for a target of their kind only", () => {
    expect(gpuOptions('cuda', ['/dev/null', '/dev/nvidiactl'])).toEqual(['--gpus', 'all']);
    expect(gpuOptions('cuda', ['/dev/null', '/dev/kfd'])).toEqual([]);
    expect(gpuOptions('none', gpuDevices)).toEqual([]);
  });

  test('the libraries of drivers', () => {
    expect(driverLibraries.names).toContain('libnvidia-');
    expect(driverLibraries.exports).toContain('nvmlInit_v2');
  });
});
