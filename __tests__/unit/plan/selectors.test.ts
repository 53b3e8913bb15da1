import { describe, expect, test } from '@jest/globals';
import {
  isLabelWord,
  matchesNothing,
  parseConditions,
  parseLabelSelector,
  parseSelector,
  type Selector,
} from '../../../src/plan/selectors.js';
import { selectable } from '../../support/plan.js';

const legs = [
  selectable(),
  selectable({ gpu: 'cuda' }),
  selectable({ toolchain: 'noble', dependencies: 'system' }),
  selectable({ toolchain: 'noble', dependencies: 'bundled', gpu: 'cuda', arch: 'arm64' }),
  selectable({ version: '25.05.8', features: 'full-sview' }),
];
const indices = (selector: Selector | string) =>
  typeof selector === 'string' ? selector : legs.flatMap((leg, index) => (selector(leg) ? [index] : []));

test.each<[string, number[]]>([
  ['slurm-24.11.6-glibc2.34-amd64', [0]],
  ['slurm-24.11.6-bookworm-amd64-bundled', [0]],
  ['*-cuda', [1, 3]],
  // The identifier of a leg that brings its libraries does not name the toolchain; its name does.
  ['*-noble-*', [2, 3]],
  ['slurm-24.11.*', [0, 1, 2, 3]],
  ['*', [0, 1, 2, 3, 4]],
  ['noble', []],
  ['toolchain=noble', [2, 3]],
  ['toolchain=noble,gpu=cuda', [3]],
  ['arch=arm64', [3]],
  ['dependencies=system', [2]],
  ['release=24.11', [0, 1, 2, 3]],
  ['release=25.05.8', [4]],
  ['release=25.*', [4]],
  ['features=full*', [4]],
  ['gpu=rocm', []],
])('%s', (text, found) => {
  expect(indices(parseSelector(text))).toEqual(found);
});

test.each<[string, RegExp]>([
  ['toolchian=noble', /there is no 'toolchian' in a leg. Did you mean 'toolchain'\?/],
  ['colour=red', /The words are release, toolchain, dependencies, gpu, arch, features\./],
  ['gpu=', /gpu has no value\./],
  ['gpu=cuda,gpu=none', /gpu is there twice\./],
  ['gpu=cuda,noble', /there is no 'noble' in a leg\./],
])('%s is none', (text, message) => {
  expect(parseSelector(text)).toMatch(message);
});

test('the conditions of an included leg', () => {
  expect(parseConditions('release=24.11.6,gpu=cuda')).toEqual(
    new Map([
      ['release', '24.11.6'],
      ['gpu', 'cuda'],
    ]),
  );
});

describe('selectors of labels', () => {
  test.each<[string, number[]]>([
    ['arm64', [3]],
    ['cuda', [1, 3]],
    ['*', [0, 1, 2, 3, 4]],
    ['*-noble-*', [2, 3]],
  ])('%s', (text, found) => {
    expect(indices(parseLabelSelector(text))).toEqual(found);
  });

  test('an architecture and a kind of GPU may fit no leg, a pattern may not', () => {
    expect(['arm64', 'rocm', '*'].map(isLabelWord)).toEqual([true, true, true]);
    expect(['arm65', '*-noble-*'].map(isLabelWord)).toEqual([false, false]);
  });
});

test.each<[string, string]>([
  ['noble', "'noble' matches none of the 5 legs. Did you mean '*-noble*'?"],
  ['*-nobel-*', "'*-nobel-*' matches none of the 5 legs. Did you mean '*-noble*'?"],
  [
    'slurm-24.11.6-glibc2.34-amd46',
    "'slurm-24.11.6-glibc2.34-amd46' matches none of the 5 legs. Did you mean 'slurm-24.11.6-glibc2.34-amd64'?",
  ],
  ['gpu=rocm', "'gpu=rocm' matches none of the 5 legs."],
  ['*-quartz-*', "'*-quartz-*' matches none of the 5 legs."],
])('what is said of %s, which matches nothing', (text, sentence) => {
  expect(matchesNothing(text, legs)).toBe(sentence);
});
