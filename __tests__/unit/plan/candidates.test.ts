import { describe, expect, test } from '@jest/globals';
import {
  candidatesOf,
  expandNames,
  featuresWord,
  findLeg,
  type Lookup,
  type Selection,
  spacedFeatures,
} from '../../../src/plan/candidates.js';
import { defaultChoice, type FeatureChoice, parseChoice } from '../../../src/targets/feature-choice.js';
import type { Arch } from '../../../src/targets/identifier.js';
import { recipe, release, toolchain } from '../../support/fakes.js';

const made = (id: string, arch: Arch = 'amd64', lacking: string[] = []) => ({
  ...{ id, arch, lacking },
  compiler: { ...toolchain().compiler, glibc: '2.36', oldestGlibc: id === 'noble' ? '2.39' : '2.34' },
});
const lists = {
  releases: ['25.05.8', '24.11.6'].map(release),
  toolchains: [made('bookworm'), made('noble')],
  dependencies: ['bundled'],
  gpus: ['none', 'cuda'],
  features: [defaultChoice],
} as const;
const lookup: Lookup = {
  release: (text) => (text === '24.05.8' ? release(text) : `'${text}' is not a known release.`),
  toolchain: (id, arch) =>
    ['bookworm', 'noble', 'rockylinux9'].includes(id)
      ? made(id, arch, ['rsmi'])
      : `'${id}' is not a known toolchain.`,
  features: (text) => {
    const choice = parseChoice(text, recipe.variants);
    return Array.isArray(choice) ? choice.join(' ') : choice;
  },
};
const none: Selection = { include: [], exclude: [], only: [] };
const select = (change: Partial<Selection>) => candidatesOf(lists, { ...none, ...change }, lookup);
const names = (found: ReturnType<typeof select>) => found.legs.map(({ name }) => name);

test('all combinations, named with what the identifier leaves out', () => {
  const found = select({});
  expect(found).toMatchObject({ all: 8, notices: [], problems: [] });
  expect(found.legs).toHaveLength(8);
  expect(found.legs[3]).toMatchObject({
    identifier: 'slurm-25.05.8-glibc2.39-amd64-cuda',
    name: 'slurm-25.05.8-noble-amd64-bundled-cuda',
    features: 'default',
    series: '25.05',
  });
});

test('legs are left out by exclude, and by only, and both count', () => {
  const found = select({ exclude: ['*-noble-*-cuda'], only: ['release=24.11', '*-cuda'] });
  expect(names(found)).toEqual([
    'slurm-25.05.8-bookworm-amd64-bundled-cuda',
    'slurm-24.11.6-bookworm-amd64-bundled',
    'slurm-24.11.6-bookworm-amd64-bundled-cuda',
    'slurm-24.11.6-noble-amd64-bundled',
  ]);
  expect(found.all).toBe(8);
});

test('an included leg has what the lists begin with where it says nothing', () => {
  const found = select({ include: ['release=24.05.8,gpu=rocm,toolchain=bookworm'], only: ['gpu=rocm'] });
  // bookworm lacks it here.
  expect(found.problems.map(({ message }) => message)).toEqual([
    "'release=24.05.8,gpu=rocm,toolchain=bookworm': rocm is not to be had for bookworm on amd64.",
    "'gpu=rocm' matches none of the 8 legs.",
  ]);
  const other = select({ include: ['release=24.05.8,dependencies=system,features=full-sview,arch=arm64'] });
  expect(other.legs.at(-1)).toMatchObject({
    identifier: 'slurm-24.05.8-bookworm-arm64-full-without-sview',
    features: 'full-sview',
    gpu: 'none',
  });
});

test('kinds of GPU that a distribution can not have are left out, and told', () => {
  const poor = { ...lists, toolchains: [made('bookworm', 'amd64', ['nvml'])] };
  const found = candidatesOf(poor, none, lookup);
  expect(found.legs).toHaveLength(2);
  expect(found.notices).toEqual(['cuda is not to be had for bookworm on amd64. 2 legs are left out.']);
});

describe('all that is wrong is told at once', () => {
  test('selectors and included legs', () => {
    const { problems } = select({
      include: [
        'release=23.02',
        'toolchain=nobel',
        'gpu=cudaa',
        'colour=red',
        'features=fulll',
        'arch=arm65',
      ],
      exclude: ['*-jammy-*', 'toolchian=noble'],
      only: ['nobel'],
    });
    expect(problems.map(({ input, message }) => `${input}: ${message}`)).toEqual([
      "include: 'release=23.02': '23.02' is not a known release.",
      "include: 'toolchain=nobel': 'nobel' is not a known toolchain.",
      expect.stringMatching(/^include: 'gpu=cudaa': .*Did you mean 'cuda'\?/),
      expect.stringMatching(/^include: 'colour=red': there is no 'colour' in a leg\./),
      expect.stringMatching(/^include: 'features=fulll': .*Did you mean 'full'\?/),
      expect.stringMatching(/^include: 'arch=arm65': .*Did you mean 'arm64'\?/),
      "exclude: '*-jammy-*' matches none of the 8 legs.",
      expect.stringMatching(/^exclude: 'toolchian=noble': .*Did you mean 'toolchain'\?/),
      "only: 'nobel' matches none of the 8 legs. Did you mean '*-noble*'?",
    ]);
  });

  test('two toolchains of one glibc make the same targets: a sentence for each pair, with the way out', () => {
    const twins = { ...lists, toolchains: [made('bookworm'), made('rockylinux9')] };
    const { problems } = candidatesOf(twins, none, lookup);
    expect(problems).toEqual([
      {
        input: 'toolchains',
        message:
          'slurm-25.05.8-glibc2.34-amd64 and 3 more would be built twice, by bookworm and rockylinux9. Leave one of them out, as with exclude: toolchain=rockylinux9,dependencies=bundled,arch=amd64.',
      },
    ]);
    const way = ['toolchain=rockylinux9,dependencies=bundled,arch=amd64'];
    expect(candidatesOf(twins, { ...none, exclude: way }, lookup).problems).toEqual([]);
  });

  test('a leg that is among the others already', () => {
    const { problems } = select({
      include: ['toolchain=noble,release=24.05.8', 'release=24.05.8,toolchain=noble'],
    });
    expect(problems).toEqual([
      {
        input: 'include',
        message: 'slurm-24.05.8-noble-amd64-bundled is among the legs already. Leave it out here.',
      },
    ]);
  });
});

test('names and patterns of a list, each once and in its order', () => {
  const known = ['bookworm', 'noble', 'rockylinux8', 'rockylinux9'];
  expect(expandNames(['rocky*', 'noble', 'rockylinux9'], known, 'toolchain')).toEqual({
    names: ['noble', 'rockylinux8', 'rockylinux9'],
    problems: [],
  });
  expect(expandNames(['suse*', 'nobel'], known, 'toolchain').problems).toEqual([
    expect.stringMatching(/^'suse\*' is not a known toolchain\./),
    expect.stringMatching(/^'nobel' is not a known toolchain\. Did you mean 'noble'\?/),
  ]);
});

test('features in one word', () => {
  const choice = parseChoice('full -sview +ucx', recipe.variants) as FeatureChoice;
  expect(parseChoice(spacedFeatures(featuresWord(choice)), recipe.variants)).toEqual(choice);
});

test('a leg by its identifier or its name', () => {
  const { legs } = select({});
  expect(findLeg(legs, 'slurm-24.11.6-glibc2.34-amd64')).toBe(legs[4]);
  expect(findLeg(legs, 'slurm-24.11.6-noble-amd64-bundled-cuda')).toBe(legs[7]);
  expect(findLeg(legs, 'slurm-24.11.6-glibc2.43-amd64')).toMatch(
    /Did you mean 'slurm-24.11.6-glibc2.3[49]-amd64'\?/,
  );
});
