import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { outputsOf } from '../../../src/action/outputs.js';
import { inputNames, inputs } from '../../../src/config/schema.js';
import { report } from '../../support/report.js';

interface ActionFile {
  inputs: Record<string, { description: string; required: boolean; default: string }>;
  outputs: Record<string, { description: string }>;
  runs: Record<string, string>;
}

const action: ActionFile = parse(await readFile(new URL('../../../action.yml', import.meta.url), 'utf8'));

test('action.yml has the inputs of the schema, in its order', () => {
  expect(Object.keys(action.inputs)).toEqual(inputNames);
});

test.each(inputNames)(
  'input %s has the same default and description in action.yml and in the schema',
  (name) => {
    expect(action.inputs[name]).toEqual({ required: false, ...inputs[name] });
  },
);

test('action.yml has the outputs that are written, each with a description', () => {
  expect(Object.keys(action.outputs)).toEqual(Object.keys(outputsOf(report())));
  for (const { description } of Object.values(action.outputs)) expect(description).toMatch(/\S.*\.$/);
});

test('action.yml runs on Node 24, and its post step runs always', () => {
  expect(action.runs).toEqual({
    using: 'node24',
    main: 'dist/main/index.js',
    post: 'dist/post/index.js',
    'post-if': 'always()',
  });
});
