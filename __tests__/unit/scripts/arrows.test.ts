import { expect, test } from '@jest/globals';

// Plain JavaScript without types, so the compiler must not look for it.
const script: string = '../../../scripts/check-arrows.mjs';
const { arrows, wrongArrows } = await import(script);

const table = { '.': ['cli'], cli: ['base'], base: [] };

test.each([
  ['an import of a folder below', { 'cli/main.ts': "import { a } from '../base/a.js';" }],
  [
    'an import of the own folder',
    { 'cli/main.ts': "import './other.js';\nexport * from '../cli/third.js';" },
  ],
  ['a package, and what is outside of src/', { 'base/a.ts': "import 'zod';\nimport '../../package.json';" }],
  ['the files of src/ itself', { 'index.ts': "export * from './cli/main.js';" }],
])('%s is right', (_, files) => {
  expect(wrongArrows(table, files)).toEqual([]);
});

test.each([
  ['an import', "import { b } from '../cli/b.js';"],
  ['a type', "import type { B } from '../cli/b.js';"],
  ['an import of several lines', "import {\n  b,\n} from '../cli/b.js';"],
  ['an export', "export * from '../cli/b.js';"],
  ['an import for its effect', "import '../cli/b.js';"],
  ['an import that waits', "await import('../cli/b.js');"],
])('%s of a folder above is named, once', (_, text) => {
  expect(
    wrongArrows(table, { 'base/deep/a.ts': text.replace('../', '../../') + text.replace('../', '../../') }),
  ).toEqual(['src/base/deep/a.ts imports cli; base may import nothing.']);
});

test('a folder without a row is named', () => {
  expect(wrongArrows(table, { 'new/a.ts': '' })).toEqual([
    'src/new/a.ts: new has no row in scripts/check-arrows.mjs.',
  ]);
});

test('a table with an arrow upwards is wrong', () => {
  expect(wrongArrows({ cli: ['base'], base: ['cli'] }, {})).toEqual([
    'The table lets base import cli, which is no row below it.',
  ]);
  expect(wrongArrows(arrows, {})).toEqual([]);
});
