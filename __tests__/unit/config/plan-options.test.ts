import { describe, expect, test } from '@jest/globals';
import type { Problem } from '../../../src/base/errors.js';
import { fileLayer } from '../../../src/config/outside.js';
import { featureList, labelRules, nameList, selectorList } from '../../../src/config/plan-kinds.js';
import { commonInputs, readPlanOptions } from '../../../src/config/plan-options.js';
import { resolveVersion } from '../../../src/targets/source.js';
import { recipe, release } from '../../support/fakes.js';

const catalog = {
  toolchains: ['bookworm'],
  variants: recipe.variants,
  resolveVersion: (request: string) => resolveVersion(['24.11.6'].map(release), request),
};

test.each([
  ['bookworm noble', ['bookworm', 'noble']],
  ['bookworm,noble\n trixie', ['bookworm', 'noble', 'trixie']],
])('names: %j', (text, value) => {
  expect(nameList.read(text, catalog)).toEqual({ value });
});

test.each([
  ['default', 1],
  ['default full', 2],
  ['full -sview', 1],
  ['default; full -sview', 2],
  ['default\nfull -sview\n+ucx +hdf5', 3],
  ['+ucx +hdf5; minimal', 2],
])('features: %j', (text, count) => {
  const reading = featureList.read(text, catalog);
  expect('value' in reading ? reading.value : reading.problem).toHaveLength(count);
});

test('selectors are apart by white space; a comma is a part of one', () => {
  expect(selectorList.read('*-noble-* toolchain=noble,gpu=cuda\n*-arm64', catalog)).toEqual({
    value: ['*-noble-*', 'toolchain=noble,gpu=cuda', '*-arm64'],
  });
});

describe('labels', () => {
  test.each([
    ['self-hosted', [{ selector: '*', labels: ['self-hosted'] }]],
    ['arm64=ubuntu-24.04-arm', [{ selector: 'arm64', labels: ['ubuntu-24.04-arm'] }]],
    [
      'self-hosted+linux gpu=cuda,arch=arm64=big',
      [
        { selector: '*', labels: ['self-hosted', 'linux'] },
        { selector: 'gpu=cuda,arch=arm64', labels: ['big'] },
      ],
    ],
  ])('%j', (text, value) => {
    expect(labelRules.read(text, catalog)).toEqual({ value });
  });

  test.each(['arm64=', 'a b;c', 'x=${{ secrets.A }}', '+'])('%j is none', (text) => {
    expect(labelRules.read(text, catalog)).toEqual({ problem: expect.stringMatching(/is not such as/) });
  });
});

test('lists and mappings of a file are the same texts', () => {
  const layer = fileLayer(
    'slurm-factory.yml',
    `releases: [24.11, supported]
toolchains: bookworm noble
feature-choices:
  - default
  - full -sview
exclude:
  - '*-noble-*-cuda'
  - {toolchain: noble, features: full -sview}
include: {release: 25.10, gpu: cuda}
runs-on:
  arm64: ubuntu-24.04-arm
  cuda: [self-hosted, gpu]
`,
    '/home/me',
  );
  expect(layer.problems).toEqual([]);
  expect(layer.values).toEqual({
    releases: '24.11\nsupported',
    toolchains: 'bookworm noble',
    'feature-choices': 'default\nfull -sview',
    exclude: '*-noble-*-cuda\ntoolchain=noble,features=full-sview',
    include: 'release=25.10,gpu=cuda',
    'runs-on': 'arm64=ubuntu-24.04-arm\ncuda=self-hosted+gpu',
  });
});

test.each([
  ['exclude: [[a]]', 'it must be a text or a list of texts.'],
  ['exclude: [{gpu: {a: b}}]', 'it must be a text or a list of texts.'],
  ['runs-on: {cuda: {a: b}}', 'it must be a single value.'],
  ['toolchains: {a: b}', 'it must be a text or a list of texts.'],
])('%s is none', (text, message) => {
  const [problem] = fileLayer('x.yml', text, '/home/me').problems ?? [];
  expect(problem?.message).toBe(message);
});

test('the labels that are given come behind the default', () => {
  const problems: Problem[] = [];
  const layers = [{ origin: 'input', values: { 'runs-on': 'arm64=big' } }] as const;
  const { runsOn } = readPlanOptions(layers, catalog, problems);
  expect(problems).toEqual([]);
  expect(runsOn.map(({ labels }) => labels)).toEqual([['ubuntu-24.04'], ['ubuntu-24.04-arm'], ['big']]);
});

test('what all legs have in common is what was given, without what each says itself and without secrets', () => {
  const layers = [
    { origin: 'config-file', values: { jobs: '4', gpu: 'cuda', toolchain: 'noble', 'output-dir': 'out' } },
    { origin: 'input', values: { debug: 'true', 'cache-secret': 's'.repeat(40), gpus: 'none' } },
  ] as const;
  expect(commonInputs(layers)).toEqual({ jobs: '4', debug: 'true' });
});
