import { describe, expect, test } from '@jest/globals';
import {
  driverLibraries,
  gpuDevices,
  gpuKinds,
  gpuOptions,
  gpuSynonyms,
  gpus,
  gpusMeant,
} from '../../../src/targets/gpus.js';

test('each value of the input means one kind, and no alias is such a value', () => {
  const values = [...gpus, ...Object.values(gpuKinds).flatMap(({ words }) => words)];
  expect(new Set(values).size).toBe(values.length);
  const aliases = Object.values(gpuKinds).flatMap((kind) => kind.aliases);
  expect(new Set(aliases).size).toBe(aliases.length);
  expect(aliases.filter((word) => values.includes(word))).toEqual([]);
});

test('synonyms and aliases lead to their kinds', () => {
  expect(gpuSynonyms).toEqual({ true: 'cuda', false: 'none' });
  expect(gpusMeant).toMatchObject({ nvidia: 'cuda', nvml: 'cuda', amd: 'rocm', hip: 'rocm' });
});

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
