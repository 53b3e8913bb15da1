import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { index } from '../../../src/cli/commands/index-cache.js';
import { inputOf, isInputName } from '../../../src/config/inputs.js';
import { variables } from '../../../src/config/settings.js';
import { projectRoot } from '../../support/prepare.js';

/** The action `index` is the command of that name, whose options come by variables. */
const action = parse(readFileSync(join(projectRoot, 'index', 'action.yml'), 'utf8'));
const [step] = action.runs.steps as { env: Record<string, string>; run: string }[];

test('each input of the action is an option of the command, with its default', () => {
  const options = index.options.map(({ name }) => name);
  for (const [name, input] of Object.entries<{ default?: string }>(action.inputs)) {
    expect(options).toContain(name);
    if (input.default !== undefined) {
      expect(isInputName(name) && inputOf(name).default).toBe(input.default);
    }
    expect(Object.values(step?.env ?? {})).toContain(`\${{ inputs.${name} }}`);
  }
});

test('each variable is one that the command reads for that option, and no value becomes shell text', () => {
  for (const [variable, value] of Object.entries(step?.env ?? {})) {
    const name = variables.get(variable);
    expect({ variable, name: name ?? 'none' }).not.toEqual({ variable, name: 'none' });
    const given = /^\$\{\{ inputs\.([\w-]+) \}\}$/.exec(value)?.[1];
    if (given !== undefined) expect(name).toBe(given);
  }
  expect(step?.run).toBe('node "$GITHUB_ACTION_PATH/../dist/cli/index.js" index');
});
