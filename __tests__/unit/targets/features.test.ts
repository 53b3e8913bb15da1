import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ConfigurationError } from '../../../src/base/errors.js';
import { featuresPath, parseFeatures, variantsWithout } from '../../../src/targets/features.js';
import { isGpuVariant } from '../../../src/targets/gpus.js';
import { features } from '../../support/fakes.js';
import { readToolchain } from '../../support/toolchains.js';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

describe("the recipe's features", () => {
  const recipe = read(`${dirname(featuresPath)}/package.py`);

  test('what a variant switches on is built without being asked for, but for GPUs', () => {
    for (const { variant } of features) {
      if (variant === undefined) continue;
      const on = isGpuVariant(variant) ? 'False' : 'True';
      expect(recipe).toContain(`variant("${variant}", default=${on}`);
    }
  });

  test('what a variant brings into the recipe is what its features need', () => {
    for (const [, spec, variant] of recipe.matchAll(/depends_on\("([\w-]+)[^"]*", when="\+(\w+)"/g)) {
      const needs = features.filter((feature) => feature.variant === variant).flatMap(({ needs }) => needs);
      expect(needs).toContain(spec);
    }
  });

  test('bookworm lacks none', () => {
    expect(readToolchain('bookworm').without).toEqual([]);
  });
});

describe('variantsWithout', () => {
  test.each<[readonly string[], string[]]>([
    [[], []],
    [['pmix'], ['pmix']],
    [['libjwt'], ['jwt', 'restd']],
    [
      ['numactl', 'http-parser'],
      ['hwloc', 'restd'],
    ],
    [['cgroup v2'], ['cgroup']],
    [['linux/bpf.h'], ['cgroup']],
    [
      ['rocm-smi-lib', 'nvml'],
      ['nvml', 'rsmi'],
    ],
  ])('%j: %j', (lacks, off) => expect(variantsWithout(features, lacks)).toEqual(off));

  test.each([
    ['libjtw', /no feature.*Did you mean 'libjwt'/],
    ['munge', /no Slurm without 'munge'/],
    ['json-c', /no Slurm without 'json-c'/],
  ])('%s is refused', (word, message) => expect(variantsWithout(features, [word])).toMatch(message));
});

test.each([
  ['no list', '{}'],
  ['an unknown field', '{"features": [{"feature": "a", "needs": [], "files": [], "varient": "a"}]}'],
  [
    'a kind of GPU that there is not',
    '{"features": [{"feature": "a", "needs": [], "files": [], "gpu": "x"}]}',
  ],
])('%s is a ConfigurationError', (_, text) => {
  expect(() => parseFeatures(text)).toThrow(ConfigurationError);
});
