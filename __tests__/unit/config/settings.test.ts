import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { InputError } from '../../../src/base/errors.js';
import { inputNames, inputOf, isSecret } from '../../../src/config/inputs.js';
import type { Layer } from '../../../src/config/layers.js';
import { fileLayer, unknownVariables, variableLayer } from '../../../src/config/outside.js';
import { resolveOptions } from '../../../src/config/resolve.js';
import { explain, resolveSettings, settingNames, variables } from '../../../src/config/settings.js';
import { resolveVersion } from '../../../src/targets/source.js';
import { recipe, release } from '../../support/fakes.js';

const here = { env: {}, cwd: '/here', home: '/home/me' };
const catalog = {
  toolchains: ['bookworm'],
  variants: recipe.variants,
  resolveVersion: (request: string) => resolveVersion(['24.11.6', '25.05.3'].map(release), request),
};
const file = (text: string): Layer => fileLayer('/etc/x.yml', text, '/home/me');

describe('variables', () => {
  // Those that users of slurm-factory know.
  const known = [
    ['SLURM_FACTORY_BUILD_DIR', 'build-dir'],
    ['SLURM_FACTORY_CACHE_DIR', 'cache-dir'],
    ['SLURM_FACTORY_OUTPUT_DIR', 'output-dir'],
    ['SLURM_FACTORY_CONTAINER_CPU', 'container-cpu'],
    ['SLURM_FACTORY_CONTAINER_MEMORY', 'container-memory'],
    ['SLURM_FACTORY_CONTAINER_IMAGE', 'container-image'],
    ['SLURM_FACTORY_SPACK_JOBS', 'jobs'],
    ['SLURM_FACTORY_SPACK_CACHE', 'spack-cache'],
    ['SLURM_FACTORY_LOG_LEVEL', 'log-level'],
    ['SLURM_FACTORY_LOG_FILE', 'log-file'],
  ] as const;

  test.each(known)('%s sets %s', (variable, name) => {
    const layer = variableLayer({ [variable]: 'a value' });
    expect(layer).toEqual({
      origin: 'variable',
      values: { [name]: 'a value' },
      places: { [name]: variable },
    });
    expect(unknownVariables({ [variable]: 'a value' })).toEqual([]);
  });

  test('every setting and every input of a command has one, no secret has', () => {
    const wanted = inputNames.filter((name) => !isSecret(name) && inputOf(name).commands.length > 0);
    expect([...variables.values()]).toEqual([...wanted, ...settingNames]);
    expect(variables.size).toBe(wanted.length + settingNames.length);
  });

  test('one that is none is told of, with the nearest; those of the tests are not', () => {
    const env = { SLURM_FACTORY_SPACK_JOB: '1', SLURM_FACTORY_TEST_X: '1', PATH: '/bin', SLURM_CONF: 'x' };
    expect(unknownVariables(env)).toEqual([
      "SLURM_FACTORY_SPACK_JOB is no variable of slurm-factory. Did you mean 'SLURM_FACTORY_SPACK_JOBS'?",
    ]);
  });
});

describe('a file', () => {
  test('gives texts as they stand there, each with its line', () => {
    const text = [
      '# ours',
      'slurm-version: 25.10',
      'debug: yes',
      'gpu: true',
      'jobs: 016',
      'container-memory: 16 GB',
      "cache-dir: '~/cache'",
      'output-dir: ~x',
      'toolchain:',
      'patches: [~/a.patch, "b.patch"]',
    ].join('\n');
    const { values, places, problems } = file(text);
    expect(values).toEqual({
      'slurm-version': '25.10',
      debug: 'yes',
      gpu: 'true',
      jobs: '016',
      'container-memory': '16 GB',
      'cache-dir': '/home/me/cache',
      'output-dir': '~x',
      toolchain: '',
      patches: '/home/me/a.patch\nb.patch',
    });
    expect(places?.['jobs']).toBe('/etc/x.yml:5');
    expect(problems).toEqual([]);
  });

  test.each([
    ['an empty one', ''],
    ['comments', '# nothing\n'],
  ])('%s is none', (_, text) => {
    expect(file(text)).toEqual({ origin: 'config-file', values: {}, problems: [] });
  });

  test.each([
    ['a list', '- gpu', 1, 'slurm-factory.yml', /mapping of names to values/],
    ['a text', 'gpu', 1, 'slurm-factory.yml', /mapping of names to values/],
    ['broken YAML', 'gpu: cuda\n  jobs: 1\n', 1, 'slurm-factory.yml', /^Nested mappings are not allowed/],
    ['an open quote', "gpu: 'cuda\n", 2, 'slurm-factory.yml', /^Missing closing 'quote/],
    ['a name twice', 'gpu: cuda\ngpu: none\n', 2, 'slurm-factory.yml', /^Map keys must be unique/],
    ['an unknown name', '\njob: 1', 2, 'job', "no such setting. Did you mean 'jobs'?"],
    ['a name that is far off', 'xyzzy: 1', 1, 'xyzzy', /^no such setting\. There are: slurm-version, /],
    ['a secret', 'gpg-passphrase: x', 1, 'gpg-passphrase', /Use --gpg-passphrase-file <file>/],
    ['a mapping as a value', 'jobs:\n  a: 1', 1, 'jobs', 'it must be a single value.'],
    ['a list where one value is due', 'gpu: [cuda]', 1, 'gpu', 'it must be a single value.'],
    ['a list of lists', 'patches: [[a]]', 1, 'patches', 'it must be a text or a list of texts.'],
  ])('%s is a problem with its line', (_, text, line, input, message) => {
    const { problems = [] } = file(text);
    expect(problems).toEqual([
      {
        input,
        message: typeof message === 'string' ? message : expect.stringMatching(message),
        place: `/etc/x.yml:${line}`,
      },
    ]);
    expect(problems[0]?.message).not.toContain('\n');
  });

  test('no text makes more of it than problems', () => {
    for (const text of [
      '__proto__: {a: 1}',
      '? [a]\n: b',
      '*a',
      '&a [*a]',
      '\u0000',
      '%YAML 9\n---\na',
      '!!js a',
    ]) {
      expect(Array.isArray(file(text).problems)).toBe(true);
    }
  });
});

describe('all that is wrong is told at once, with where it stands', () => {
  const layers = [
    file('jobs: many\nno-such: 1\nfeature: x\ncontainer-cpu: 0'),
    variableLayer({ SLURM_FACTORY_GPU: 'vulkan', SLURM_FACTORY_LOG_LEVEL: 'loud' }),
  ];
  const problemsOf = (given: readonly Layer[]) => {
    const found = [...given.flatMap(() => [])];
    resolveSettings(given, here, found);
    try {
      resolveOptions(given, catalog, found);
    } catch (error) {
      if (error instanceof InputError) return error;
      throw error;
    }
    throw new Error('nothing was wrong');
  };

  test('in files and variables: the configuration is wrong', () => {
    const { message, exitCode } = problemsOf(layers);
    for (const line of [
      /^jobs \(\/etc\/x\.yml:1\): 'many' is not a whole number/m,
      /^no-such \(\/etc\/x\.yml:2\): no such setting/m,
      /^feature \(\/etc\/x\.yml:3\): no such setting/m,
      /^container-cpu \(\/etc\/x\.yml:4\): '0' is not a number such as 8 or 2\.5/m,
      /^gpu \(SLURM_FACTORY_GPU\): /m,
      /^log-level \(SLURM_FACTORY_LOG_LEVEL\): 'loud' is not a known log level/m,
    ])
      expect(message).toMatch(line);
    expect(exitCode).toBe(6);
  });

  test('in the call too: the arguments are', () => {
    const { message, exitCode } = problemsOf([...layers, { origin: 'option', values: { toolchain: 'x' } }]);
    expect(message).toMatch(/^toolchain: /m);
    expect(message).toMatch(/^jobs \(\/etc\/x\.yml:1\): /m);
    expect(exitCode).toBe(2);
  });

  test('a wrong value that another one stands before is none', () => {
    const { message } = problemsOf([...layers, { origin: 'option', values: { jobs: '4' } }]);
    expect(message).not.toMatch(/^jobs/m);
  });
});

describe('the settings', () => {
  test.each([
    ['of nothing', {}, [], { cacheDir: '/home/me/.cache/slurm-factory' }],
    ['of XDG', { XDG_CACHE_HOME: '/xdg' }, [], { cacheDir: '/xdg/slurm-factory' }],
    ['of a relative XDG folder', { XDG_CACHE_HOME: 'x' }, [], { cacheDir: '/home/me/.cache/slurm-factory' }],
    [
      'of one folder',
      {},
      [{ origin: 'option', values: { 'cache-dir': 'c' } }],
      { cacheDir: '/here/c', buildDir: '/here/c', spackCache: '/here/c/entries' },
    ],
    [
      'of all',
      {},
      [
        variableLayer({ SLURM_FACTORY_BUILD_DIR: '/b', SLURM_FACTORY_LOG_LEVEL: 'WARNING' }),
        file('cache-dir: /c\nspack-cache: ../s\nlog-file: log.txt\nlog-level: debug'),
      ],
      { cacheDir: '/c', buildDir: '/b', spackCache: '/s', logFile: '/here/log.txt', logLevel: 'warning' },
    ],
  ] as const)('%s', (_, env, layers, expected) => {
    expect(resolveSettings(layers, { ...here, env })).toMatchObject(expected);
  });
});

test('explain tells each value and where it came from, and no secret', () => {
  const explained = explain(
    [
      file('jobs: 8\ngpu: none\ncache-dir: /c'),
      variableLayer({ SLURM_FACTORY_GPU: 'rocm' }),
      { origin: 'option', values: { 'gpg-passphrase': 'hush', toolchain: 'bookworm' } },
    ],
    here,
  );
  expect(explained.map(({ name }) => name)).toEqual([...inputNames, ...settingNames]);
  const row = (name: string) => explained.find((one) => one.name === name);
  expect(row('jobs')).toMatchObject({ value: '8', origin: 'config-file', place: '/etc/x.yml:1' });
  expect(row('gpu')).toMatchObject({ value: 'rocm', origin: 'variable', place: 'SLURM_FACTORY_GPU' });
  expect(row('toolchain')).toMatchObject({ value: 'bookworm', origin: 'option', place: undefined });
  expect(row('cache')).toMatchObject({ value: 'auto', origin: 'default', place: undefined });
  expect(row('spack-cache')).toMatchObject({ value: '/c/entries', origin: 'default' });
  expect(row('gpg-passphrase')).toMatchObject({ value: '***', origin: 'option' });
  expect(row('gpg-private-key')).toMatchObject({ value: '', origin: 'default' });
  expect(JSON.stringify(explained)).not.toContain('hush');
});

test('the example of docs/configuration.md is right', () => {
  const docs = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
  const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(docs) ?? [];
  const layer = file(example);
  expect(layer.problems).toEqual([]);
  const options = resolveOptions([layer], { ...catalog, toolchains: ['trixie'] });
  expect(options).toMatchObject({ gpu: 'cuda', jobs: 8, containerMemory: 16e9, containerNetwork: 'fetch' });
});
