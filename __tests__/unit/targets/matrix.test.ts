import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { InputError } from '../../../src/base/errors.js';
import { defaultChoice, type FeatureChoice, parseChoice } from '../../../src/targets/feature-choice.js';
import { gpus } from '../../../src/targets/gpus.js';
import {
  type Arch,
  archs,
  dependencyKinds,
  formatTarget,
  parseTarget,
} from '../../../src/targets/identifier.js';
import { combinationsOf, type TargetChoices, targetOf } from '../../../src/targets/matrix.js';
import { parseReleases } from '../../../src/targets/release-data.js';
import { recipe, toolchain } from '../../support/fakes.js';

const releases = parseReleases(
  readFileSync(new URL('../../../data/slurm-releases.json', import.meta.url), 'utf8'),
);
const { oldestGlibc: _, ...compiler } = toolchain().compiler;
const made = (id: string, glibc: string, oldestGlibc?: string) => ({
  id,
  arch: 'amd64' as Arch,
  lacking: [] as string[],
  compiler: { ...compiler, glibc, ...(oldestGlibc === undefined ? {} : { oldestGlibc }) },
});
const toolchains = [
  made('bookworm', '2.36', '2.33'),
  made('noble', '2.39'),
  made('jammy', '2.35'),
  made('rockylinux8', '2.28'),
  made('rockylinux9', '2.34'),
];
const choices = ['default', 'full'].map((text) => parseChoice(text, recipe.variants) as FeatureChoice);
const onEach = <T>(given: readonly T[]) => given.flatMap((item) => archs.map((arch) => ({ ...item, arch })));
const targetsOf = (choices: TargetChoices) => combinationsOf(choices).map(targetOf);
const all: TargetChoices = {
  ...{ releases, gpus, dependencies: dependencyKinds },
  toolchains: onEach(toolchains),
  features: [defaultChoice],
};

test('all targets that there could be have names of their own, which parse back', () => {
  const targets = targetsOf({ ...all, features: choices });
  const names = targets.map(formatTarget);
  expect(targets).toHaveLength(releases.length * 5 * gpus.length * 2 * 3 * 2);
  expect(new Set(names).size).toBe(names.length);
  const parsed = names.map((name) => parseTarget(name));
  expect(parsed).toEqual(targets.map(({ toolchain: _, ...name }) => name));
  expect(new Set(targets.map(({ toolchain }) => toolchain)).size).toBe(5);
});

describe('targetOf', () => {
  const options = {
    release: { version: '24.11.6' },
    gpu: 'none',
    features: defaultChoice,
    toolchain: made('bookworm', '2.36', '2.34'),
  } as const;

  test.each([
    ['system', 'amd64', 'slurm-24.11.6-bookworm-amd64'],
    ['system', 'arm64', 'slurm-24.11.6-bookworm-arm64'],
    ['bundled', 'amd64', 'slurm-24.11.6-glibc2.34-amd64'],
    ['self-contained', 'amd64', 'slurm-24.11.6-glibc2.34-amd64-self-contained'],
  ] as const)('%s on %s is %s', (dependencies, arch, name) => {
    const target = targetOf({ ...options, dependencies, toolchain: { ...options.toolchain, arch } });
    expect(formatTarget(target)).toBe(name);
    expect(target.toolchain).toBe('bookworm');
  });

  test("without an older glibc in its data, a toolchain's own is the oldest", () => {
    const given = { ...options, toolchain: made('noble', '2.39'), dependencies: 'bundled' } as const;
    expect(targetOf(given).platform).toBe('glibc2.39');
  });
});

test('a kind of GPU that a toolchain lacks is no target of it', () => {
  const poor = { ...made('bookworm', '2.36'), lacking: ['rsmi'] };
  const choices = {
    ...all,
    releases: releases.slice(-1),
    toolchains: [poor, { ...poor, arch: 'arm64' as const, lacking: ['oneapi', 'rsmi'] }],
    dependencies: ['system'] as const,
  };
  expect(targetsOf(choices).map(formatTarget)).toEqual([
    'slurm-26.05.3-bookworm-amd64',
    'slurm-26.05.3-bookworm-amd64-cuda',
    'slurm-26.05.3-bookworm-amd64-oneapi',
    'slurm-26.05.3-bookworm-amd64-all',
    'slurm-26.05.3-bookworm-arm64',
    'slurm-26.05.3-bookworm-arm64-cuda',
    'slurm-26.05.3-bookworm-arm64-all',
  ]);
  const refused: string[] = [];
  combinationsOf(choices, ({ gpu, toolchain: { arch } }) => refused.push(`${gpu} ${arch}`));
  expect(refused).toEqual(['rocm amd64', 'rocm arm64', 'oneapi arm64']);
  const rocm = {
    release: { version: '26.05.3' },
    toolchain: poor,
    gpu: 'rocm',
    features: defaultChoice,
    dependencies: 'system',
  } as const;
  expect(() => targetOf(rocm)).toThrow(InputError);
  expect(() => targetOf(rocm)).toThrow('rocm is not to be had for bookworm on amd64.');
});
