import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { buildOutputs, outputsOf, planOutputs } from '../../../src/action/outputs.js';
import { publishOutputs } from '../../../src/action/publish-outputs.js';
import { publishedFiles } from '../../../src/action/published.js';
import { inputNames, inputOf, inputsOfAction } from '../../../src/config/inputs.js';
import { configSchema, replaceSection } from '../../../src/config/published.js';
import { settingNames } from '../../../src/config/settings.js';
import { report } from '../../support/report.js';
import { toolchainIds } from '../../support/toolchains.js';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const facts = { toolchains: toolchainIds };
const published = publishedFiles(read, facts);

interface ActionFile {
  readonly inputs: Record<string, { description: string; required: boolean; default: string }>;
  readonly outputs: Record<string, { description: string }>;
  readonly runs: Record<string, string>;
}
const action: ActionFile = parse(read('action.yml'));

describe('what is made from the tables is in the files', () => {
  test.each(Object.keys(published).filter((path) => !path.endsWith('.json')))('%s', (path) => {
    expect(read(path)).toBe(published[path]);
  });

  test('docs/config.schema.json', () => {
    expect(JSON.parse(read('docs/config.schema.json'))).toEqual(configSchema(facts));
  });
});

describe('action.yml', () => {
  test('has the inputs of the table, each with its text and default', () => {
    expect(Object.keys(action.inputs)).toEqual(inputsOfAction('build'));
    expect(action.inputs['output-dir']).toEqual({
      description: inputOf('output-dir').description,
      required: false,
      default: 'slurm-factory-output',
    });
    expect(action.inputs['github-token']?.default).toBe('${{ github.token }}');
    // GitHub gives text; a YAML boolean would do as well, but not for every reader of the file.
    for (const { default: preset } of Object.values(action.inputs)) expect(typeof preset).toBe('string');
  });

  test("of a plan has no default that would stand above the workspace's file of settings", () => {
    const planned: ActionFile = parse(read('plan/action.yml'));
    expect(Object.keys(planned.inputs)).toEqual(inputsOfAction('plan'));
    // No secret stands there.
    const { 'github-token': token, ...others } = planned.inputs;
    expect(token?.default).toBe('${{ github.token }}');
    expect(Object.values(others).every((input) => input.default === '')).toBe(true);
    expect(planned.inputs['releases']?.description).toMatch(/Without it and in no file: supported\.$/);
    expect(Object.keys(planned.outputs)).toEqual(Object.keys(planOutputs));
    expect(planned.runs).toEqual({ using: 'node24', main: '../dist/plan/index.js' });
  });

  test('lists the toolchains', () => {
    expect(action.inputs['toolchain']?.description).toBe(
      `Distribution to build for, a folder of toolchains/: ${toolchainIds.join(', ')}.`,
    );
  });

  test('has the outputs that are written, each with a sentence', () => {
    expect(Object.keys(action.outputs)).toEqual(Object.keys(outputsOf(report())));
    for (const { description } of Object.values(action.outputs)) expect(description).toMatch(/\S.*\.$/);
  });

  test('keeps what is written by hand, and runs its post step always', () => {
    const { 'action.yml': other = '' } = publishedFiles(
      (path) => read(path).replace('name: slurm-factory\n', 'name: other\n'),
      facts,
    );
    expect(parse(other)).toEqual({ ...action, name: 'other' });
    expect(action.runs).toMatchObject({ using: 'node24', 'post-if': 'always()' });
  });
});

describe('publish/action.yml', () => {
  const own: ActionFile = parse(read('publish/action.yml'));

  test('has the inputs and outputs of publish, and its bundle in both steps', () => {
    expect(Object.keys(own.inputs)).toEqual(inputsOfAction('publish'));
    expect(Object.keys(own.outputs)).toEqual(Object.keys(publishOutputs));
    const bundle = '../dist/publish/index.js';
    expect(own.runs).toEqual({ using: 'node24', main: bundle, post: bundle, 'post-if': 'always()' });
    expect(own.inputs['tag']?.default).toContain("github.ref_type == 'tag'");
  });
});

describe('action-types.yml', () => {
  const types: Record<
    'inputs' | 'outputs',
    Record<string, { type: string; 'allowed-values'?: string[] }>
  > = parse(read('action-types.yml'));

  test('types every input and output of action.yml, and nothing else', () => {
    expect(Object.keys(types.inputs)).toEqual(Object.keys(action.inputs));
    expect(Object.keys(types.outputs)).toEqual(Object.keys(action.outputs));
  });

  test('knows only the types of its format, and words as text', () => {
    const known = ['string', 'boolean', 'integer', 'enum', 'list'];
    for (const { type, 'allowed-values': words = [] } of [types.inputs, types.outputs].flatMap(
      Object.values,
    )) {
      expect(known).toContain(type);
      for (const word of words) expect(typeof word).toBe('string');
    }
    expect(types.inputs['jobs']).toEqual({ type: 'integer' });
    expect(types.inputs['gpu']?.['allowed-values']).toContain('cuda');
  });
});

describe('the schema of slurm-factory.yml', () => {
  test('has every input but the secrets, and the settings', () => {
    const secrets = ['cache-secret', 'gpg-private-key', 'gpg-passphrase', 'github-token'];
    expect(Object.keys(configSchema(facts).properties)).toEqual([
      ...inputNames.filter((name) => !secrets.includes(name)),
      ...settingNames,
    ]);
    expect(configSchema(facts).additionalProperties).toBe(false);
  });

  test('takes true where YAML reads a word as a boolean', () => {
    expect(configSchema(facts).properties['gpu']).toMatchObject({
      enum: expect.arrayContaining(['cuda', true]),
    });
    expect(configSchema(facts).properties['debug']).toMatchObject({ type: 'boolean', default: false });
    expect(configSchema(facts).properties['jobs']).toMatchObject({
      type: 'integer',
      minimum: 1,
      maximum: 1024,
    });
  });
});

describe('replaceSection', () => {
  test('replaces what is between the marks, $ and all', () => {
    const text = 'a\n<!-- x: by hand -->\nold\n<!-- end of x -->\nb\n';
    const made = replaceSection(text, 'x', 'new $1 ${{ y }}');
    expect(made).toBe('a\n<!-- x: by hand -->\n\nnew $1 ${{ y }}\n\n<!-- end of x -->\nb\n');
    expect(replaceSection(made, 'x', 'new $1 ${{ y }}')).toBe(made);
  });

  test('a text without the marks is an error', () => {
    expect(() => replaceSection('a', 'x', 'new')).toThrow("there is no section 'x'");
  });
});

test('every description is a sentence, and every output says how it is typed', () => {
  for (const name of inputNames) expect(inputOf(name).description).toMatch(/^[A-Z].*\.$/);
  for (const { metadata } of Object.values(buildOutputs))
    expect(metadata.type).toMatch(/^(string|enum|list)$/);
});
