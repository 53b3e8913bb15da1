import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { readContext } from '../../../src/action/context.js';
import { readInputs } from '../../../src/action/inputs.js';
import { actionNames, inputsOfAction } from '../../../src/config/inputs.js';
import { resolveOptions } from '../../../src/config/resolve.js';
import { recipe, release, temporaryFolder } from '../../support/fakes.js';

let before: NodeJS.ProcessEnv;
beforeEach(() => {
  before = { ...process.env };
  for (const name of Object.keys(process.env))
    if (/^(GITHUB|RUNNER|INPUT)_/.test(name)) delete process.env[name];
});
afterEach(() => {
  process.env = before;
});

describe('readInputs', () => {
  test('takes the inputs by the names that the runner gives them', () => {
    Object.assign(process.env, { 'INPUT_SLURM-VERSION': '24.11', INPUT_GPU: ' cuda ' });
    expect(readInputs('build')).toMatchObject({
      origin: 'input',
      values: { 'slurm-version': '24.11', gpu: 'cuda', toolchain: '' },
      problems: [],
    });
  });

  test.each(actionNames)('a misspelt input of %s is a problem, with the nearest name', (action) => {
    for (const name of inputsOfAction(action)) {
      const variable = `INPUT_${name.toUpperCase()}X`;
      process.env[variable] = 'a value';
      const { problems } = readInputs(action);
      delete process.env[variable];
      expect(problems).toEqual([{ input: `${name}x`, message: `no such input. Did you mean '${name}'?` }]);
    }
  });

  test('names that the action does not have are told, each with what to do', () => {
    Object.assign(process.env, {
      INPUT_SLURM_VERSION: '24.11',
      INPUT_TAG: 'v1',
      INPUT_COMPILER: 'gcc',
      'INPUT_GPG-PASS-PHRASE': 'hunter2',
    });
    const messages = Object.fromEntries(
      (readInputs('build').problems ?? []).map(({ input, message }) => [input, message]),
    );
    expect(messages).toEqual({
      slurm_version: "no such input. Did you mean 'slurm-version'?",
      tag: 'no input of this action, but of publish.',
      compiler: expect.stringMatching(
        /^no such input\. The inputs are: slurm-version, .*github-token\. If it is the job's own variable INPUT_COMPILER, call that otherwise\.$/,
      ),
      'gpg-pass-phrase': "no such input. Did you mean 'gpg-passphrase'?",
    });
  });

  test("a secret of another action is one too, and what can't be an input is none", () => {
    const env = {
      ...process.env,
      INPUT_EMPTY: '',
      INPUT_: 'x',
      Input_Gpux: 'x',
      INPUT_gpux: 'x',
      MY_INPUT_X: '1',
    };
    // As hideSecrets leaves it.
    Object.defineProperty(env, 'INPUT_GPG-PASSPHRASE', { value: 'hunter2', enumerable: false });
    process.env = env;
    expect(readInputs('plan').problems).toEqual([
      { input: 'gpg-passphrase', message: 'no input of this action, but of build and publish.' },
    ]);
  });

  describe('secrets', () => {
    const secrets = {
      'gpg-private-key': '-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQOYBGV\n=abcd',
      'gpg-passphrase': '100% hunter2',
      'github-token': 'ghs_token',
    };
    const variables = Object.keys(secrets).map((name) => `INPUT_${name.toUpperCase()}`);

    /** The inputs, and the runner's commands that were written meanwhile. */
    function readAll() {
      const written: string[] = [];
      const spy = jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
        written.push(String(text));
        return true;
      });
      try {
        return { inputs: readInputs('build').values, written: written.join('') };
      } finally {
        spy.mockRestore();
      }
    }

    test('are read, hidden in the log, and taken out of the environment', () => {
      for (const [name, value] of Object.entries(secrets)) process.env[`INPUT_${name.toUpperCase()}`] = value;
      process.env['INPUT_GPU'] = 'cuda';
      const { inputs, written } = readAll();
      expect(inputs).toMatchObject({ ...secrets, gpu: 'cuda' });
      const masks = written.split('\n').filter((line) => line.startsWith('::add-mask::'));
      expect(masks).toEqual(
        Object.values(secrets).map(
          (value) => `::add-mask::${value.replaceAll('%', '%25').replaceAll('\n', '%0A')}`,
        ),
      );
      expect(variables.filter((name) => name in process.env)).toEqual([]);
      expect(JSON.stringify(process.env)).not.toMatch(/hunter2|PGP PRIVATE KEY|ghs_token/);
      expect(process.env['INPUT_GPU']).toBe('cuda');
    });

    test('that are not given hide nothing: an empty mask would hide everything', () => {
      for (const name of variables) process.env[name] = '';
      const { inputs, written } = readAll();
      expect(written).toBe('');
      expect(inputs).toMatchObject({ 'gpg-private-key': '', 'gpg-passphrase': '', 'github-token': '' });
      expect(variables.filter((name) => name in process.env)).toEqual([]);
    });
  });

  test('a workflow without inputs gets the defaults', () => {
    const catalog = {
      toolchains: ['bookworm'],
      variants: recipe.variants,
      resolveVersion: () => ({ kind: 'release', release: release('24.11.6') }) as const,
    };
    expect(resolveOptions([readInputs('build')], catalog)).toEqual(resolveOptions([], catalog));
  });
});

describe('readContext', () => {
  const event = (head: string, base: string) => ({
    pull_request: { head: { repo: { full_name: head } }, base: { repo: { full_name: base } } },
  });

  test.each<[string, string, unknown, boolean]>([
    ['a push', 'push', {}, false],
    ['a pull request of the repository', 'pull_request', event('us/slurm', 'us/slurm'), false],
    ["a fork's pull request", 'pull_request', event('them/slurm', 'us/slurm'), true],
    ["a fork's, in the default branch's reach", 'pull_request_target', event('them/slurm', 'us/slurm'), true],
    [
      'a pull request of a fork that is gone',
      'pull_request',
      { pull_request: { head: { repo: null } } },
      true,
    ],
    ['a pull request without its text', 'pull_request', undefined, true],
  ])('%s comes from a fork: see the table', async (_, name, text, fromFork) => {
    process.env['GITHUB_EVENT_NAME'] = name;
    process.env['GITHUB_REF'] = 'refs/pull/7/merge';
    if (text !== undefined) {
      const folder = await temporaryFolder({ 'event.json': JSON.stringify(text) });
      process.env['GITHUB_EVENT_PATH'] = join(folder, 'event.json');
    }
    expect(readContext().trigger).toEqual({ event: name, ref: 'refs/pull/7/merge', fromFork });
  });

  test('knows where artifacts of the run are seen', () => {
    Object.assign(process.env, {
      GITHUB_SERVER_URL: 'https://github.test',
      GITHUB_REPOSITORY: 'us/slurm',
      GITHUB_RUN_ID: '42',
    });
    const { artifactUrl } = readContext();
    expect(artifactUrl(7)).toBe('https://github.test/us/slurm/actions/runs/42/artifacts/7');
    expect(artifactUrl(undefined)).toBe('https://github.test/us/slurm/actions/runs/42');
  });

  test('works in the folders that the runner gives', () => {
    Object.assign(process.env, { GITHUB_WORKSPACE: '/w', RUNNER_TEMP: '/t' });
    expect(readContext()).toMatchObject({ workspace: '/w', workRoot: '/t/slurm-factory' });
  });
});
