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

  test('the recipe has by itself what the default set has', () => {
    const { variants } = parseFeatures(read(featuresPath));
    const rows = new Map(variants.map((row) => [row.variant, row]));
    for (const { variant } of features) {
      if (variant === undefined) continue;
      const row = rows.get(variant);
      expect(row === undefined).toBe(isGpuVariant(variant));
      const on = row?.set === 'minimal' || row?.set === 'default' ? 'True' : 'False';
      expect(recipe).toContain(`variant("${variant}", default=${on}`);
    }
    for (const name of rows.keys()) expect(features.map(({ variant }) => variant)).toContain(name);
  });

  test('the recipe has a variant for the same releases', () => {
    const { variants } = parseFeatures(read(featuresPath));
    for (const { variant, since, until } of variants) {
      const range = [since?.replace('.', '-'), until?.replace('.', '-')];
      const when = (since ?? until) ? `, when="@${range.map((end) => end ?? '').join(':')}"` : '';
      expect(recipe).toMatch(new RegExp(`variant\\("${variant}", default=(True|False)${when}, description`));
    }
  });

  test('what a variant brings into the recipe is what its features need', () => {
    for (const [, spec, variant] of recipe.matchAll(/depends_on\("([\w-]+)[^"]*", when="\+(\w+)"/g)) {
      const needs = features.filter((feature) => feature.variant === variant).flatMap(({ needs }) => needs);
      // What an archive of a recipe of ours links is the distribution's.
      expect(needs).toContain(spec === 's2n' ? 'openssl' : spec);
    }
  });

  test('trixie lacks none', () => {
    expect(readToolchain('trixie').lacking).toEqual([]);
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
