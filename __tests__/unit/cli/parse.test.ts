import { resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { InputError } from '../../../src/base/errors.js';
import type { Given } from '../../../src/cli/command.js';
import { readBuild } from '../../../src/cli/commands/build.js';
import { commands } from '../../../src/cli/commands/index.js';
import { readSmoke } from '../../../src/cli/commands/smoke.js';
import { readVerify } from '../../../src/cli/commands/verify.js';
import { engineLayer, engineOf } from '../../../src/cli/options.js';
import { parseArguments } from '../../../src/cli/parse.js';
import { settingValues } from '../../../src/cli/settings.js';
import { inputNames } from '../../../src/config/inputs.js';
import { resolveOptions } from '../../../src/config/resolve.js';
import { recipe, release } from '../../support/fakes.js';

const invocation = (env: Record<string, string> = {}) => ({ argv: [], env, cwd: process.cwd() });
const parse = (argv: readonly string[]) => parseArguments(argv, commands, '1.2.3');

/** A call as its command reads it. */
function call(...argv: string[]) {
  const made = parse(argv);
  if (made.command === undefined) return { ...made, command: 'done' };
  const { given } = made;
  const readers: Record<string, (given: Given) => object> = {
    build: () => readBuild(given, invocation()),
    audit: () => ({
      tarball: given.argument,
      engine: engineOf([engineLayer(given)]),
      settings: settingValues(given),
    }),
    smoke: () => ({ tarball: given.argument, engine: engineOf([engineLayer(given)]), ...readSmoke(given) }),
    verify: () => readVerify(given, invocation()),
  };
  return { command: made.command.name, ...readers[made.command.name]?.(given), given };
}

function buildOf(argv: string[], env: Record<string, string> = {}) {
  const made = parse(argv);
  if (made.command === undefined || made.command.name !== 'build')
    throw new Error(`no build: ${JSON.stringify(made)}`);
  return readBuild(made.given, invocation(env));
}

const catalog = {
  toolchains: ['bookworm', 'noble'],
  variants: recipe.variants,
  resolveVersion: (wanted: string) => ({ kind: 'release', release: release(wanted) }) as const,
};

/** The options that a build call resolves to, or the inputs that it is refused for. */
function outcome(...argv: string[]) {
  try {
    const { origins: _, ...options } = resolveOptions([buildOf(argv).layer], catalog);
    return { options, refused: [], text: '' };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const refused = error.problems.map((problem) => problem.input);
    return { options: undefined, refused, text: error.message };
  }
}

/** Inputs that only a workflow can serve, and those that no argument may carry. */
const services = ['upload', 'retention-days', 'github-token'];
const secrets = ['gpg-private-key', 'gpg-passphrase', 'cache-secret'];
const keys = { SLURM_FACTORY_GPG_PRIVATE_KEY: 'the key', SLURM_FACTORY_GPG_PASSPHRASE: 'the phrase' };

describe('help', () => {
  test.each([[['--help']], [['-h']], [['help']]])('%j lists the commands and ends well', (argv) => {
    expect(call(...argv)).toEqual({
      command: 'done',
      text: expect.stringMatching(
        /Usage: slurm-factory[\s\S]*\bbuild\b[\s\S]*\bverify\b[\s\S]*\baudit\b[\s\S]*\bsmoke\b/,
      ),
      exitCode: 0,
    });
  });

  test.each([[['build', '--help']], [['help', 'build']]])(
    '%j lists every option, with the defaults',
    (argv) => {
      const made = call(...argv);
      expect(made).toMatchObject({ command: 'done', exitCode: 0 });
      const text = 'text' in made ? made.text : '';
      const withheld: string[] = [...services, ...secrets];
      for (const name of inputNames.filter((name) => !withheld.includes(name))) {
        expect(text).toMatch(new RegExp(`--${name} [<[][a-z]+[>\\]]`));
      }
      for (const name of services) expect(text).not.toContain(`--${name}`);
      for (const name of secrets) {
        expect(text).not.toContain(`--${name} `);
        expect(text).toContain(`--${name}-file <file>`);
      }
      for (const flag of ['--install-missing', '--cache-dir', '--verbose', '--report', '--keep-container']) {
        expect(text).toContain(flag);
      }
      expect(text.replaceAll(/\s+/g, ' ')).toContain('(default: bookworm)');
    },
  );

  test.each([[['--version']], [['-V']]])('%j', (argv) => {
    expect(call(...argv)).toEqual({ command: 'done', text: '1.2.3\n', exitCode: 0 });
  });
});

describe('no call that could be carried out', () => {
  test.each<[string, string[], RegExp]>([
    ['no command', [], /Usage: slurm-factory/],
    ['an unknown command', ['biuld'], /unknown command 'biuld'[\s\S]*build/],
    ['an option without its value', ['build', '--jobs'], /--jobs <number>.*argument missing/],
    ['a shell that there is no script for', ['completion', 'tcsh'], /'tcsh' is invalid.*bash, zsh, fish/],
    ['an audit of nothing', ['audit'], /missing required argument 'tarball'/],
    ['a smoke test of nothing', ['smoke'], /missing required argument 'tarball'/],
    ['an audit of two', ['audit', 'a.tar.gz', 'b.tar.gz'], /too many arguments/],
    ['an option of another command', ['verify', 'out', '--prefix', '/p'], /unknown option '--prefix'/],
    ['an option of a build', ['smoke', 'a.tar.gz', '--toolchain', 'noble'], /unknown option '--toolchain'/],
    ['a report of an audit', ['audit', 'a.tar.gz', '--report', 'x'], /unknown option '--report'/],
    ['an unknown option before the command', ['--frobnicate', 'build'], /unknown option '--frobnicate'/],
  ])('%s ends with 2 and says what is wrong', (_, argv, text) => {
    expect(call(...argv)).toEqual({ command: 'done', text: expect.stringMatching(text), exitCode: 2 });
  });
});

describe('build', () => {
  test.each<[string, string[]]>([
    ['two words', ['build', '24.11.6', '--toolchain', 'noble', '--gpu', 'cuda', '--jobs', '3']],
    ['one word', ['build', '24.11.6', '--toolchain=noble', '--gpu=cuda', '--jobs=3']],
    ['options first', ['build', '--jobs=3', '--gpu', 'cuda', '--toolchain=noble', '24.11.6']],
    [
      'the release as an option',
      ['build', '--slurm-version=24.11.6', '--toolchain=noble', '--gpu=cuda', '--jobs=3'],
    ],
  ])('options as %s', (_, argv) => {
    expect(outcome(...argv).options).toMatchObject({
      slurmVersion: { release: { version: '24.11.6' } },
      toolchain: 'noble',
      gpu: 'cuda',
      jobs: 3,
    });
  });

  test('a value may hold an equals sign, spaces and dashes', () => {
    expect(outcome('build', '--source-mirror=https://m.test/?a=b').options?.sourceMirror).toBe(
      'https://m.test/?a=b',
    );
    expect(outcome('build', '--output-dir', 'my out').options?.outputDir).toBe('my out');
    expect(outcome('build', '--output-dir=--odd').options?.outputDir).toBe('--odd');
  });

  test('without anything it is the default build', () => {
    const { origins: _, ...options } = resolveOptions([], catalog);
    expect(outcome('build').options).toEqual(options);
  });

  test.each<[string, string[], string[]]>([
    ['an unknown option', ['build', '--frobnicate'], ['--frobnicate']],
    ['with its value', ['build', '24.11.6', '--toolchian', 'noble'], ['--toolchian']],
    ['with its value in one word', ['build', '--toolchian=noble'], ['--toolchian']],
    [
      'among other wrong inputs',
      ['build', '24.11.6', '--toolchian=noble', '--jobs=x'],
      ['--toolchian', 'jobs'],
    ],
    ['a short option', ['build', '24.11.6', '-g'], ['-g']],
    ['a word too many', ['build', '24.11.6', '24.05.8'], ['24.05.8']],
  ])('%s is reported with the inputs: %j', (_, argv, refused) => {
    expect(outcome(...argv).refused.sort()).toEqual(refused);
  });

  test('a word too many never hides an option', () => {
    const { refused, text } = outcome('build', '24.11.6', '--gpu', 'cuda', 'gpu');
    expect(refused).toEqual(['gpu']);
    expect(text).toContain("Did you mean '--gpu'?");
  });

  test.each([
    ['--toolchian', "Did you mean '--toolchain'?"],
    ['--gpg-private-key-fil', "Did you mean '--gpg-private-key-file'?"],
    ['--upload', 'an input of the action only'],
    ['--gpg-passphrase', 'Use --gpg-passphrase-file <file>.'],
    ['--reportt', "Did you mean '--report'?"],
    ['--no-smoketest', "Did you mean '--no-smoke-test'?"],
    ['--completely-different', 'The options of build are: --slurm-version, '],
  ])('%s is answered by what the command has: %s', (word, answer) => {
    const { text } = outcome('build', word);
    expect(text).toContain(answer);
    expect(text).not.toMatch(/--upload,|--github-token|--gpg-private-key,/);
  });
});

describe('an option that can stand alone', () => {
  test.each<[string, string[], object]>([
    ['alone', ['--debug'], { debug: true }],
    ['with its value', ['--debug', 'false'], { debug: false }],
    ['with its value in one word', ['--debug=true'], { debug: true }],
    ['switched off', ['--no-smoke-test'], { smokeTest: false }],
    ['the last of two', ['--debug', '--no-debug'], { debug: false }],
    ['a kind of GPU', ['--gpu'], { gpu: 'cuda' }],
    ['before another option', ['--gpu', '--output-dir', 'X'], { gpu: 'cuda', outputDir: 'X' }],
    ['no kind of GPU', ['--no-gpu'], { gpu: 'none' }],
    ['a kind that is named', ['--gpu', 'cuda'], { gpu: 'cuda' }],
    ['the cache', ['--no-cache'], { cache: 'false' }],
  ])('%s', (_, words, options) => {
    expect(outcome('build', '25.05.1', ...words).options).toMatchObject(options);
  });

  test.each(['24.11.6', '24.11', 'latest', 'c'.repeat(40), './slurm-24.11.6.tar.bz2'])(
    'does not take the release %s behind it for its value',
    (wanted) => {
      expect(outcome('build', '--debug', wanted).options).toMatchObject({
        debug: true,
        slurmVersion: { release: { version: wanted } },
      });
    },
  );

  test('takes any other word, so that a wrong one is told', () => {
    expect(outcome('build', '--gpu', 'nvidia').text).toContain("Did you mean 'cuda'?");
    expect(outcome('build', '24.11.6', '--debug', '24.05.8').refused).toEqual(['24.05.8']);
  });
});

describe('the signing key', () => {
  test('comes by files, which the call names and does not read', () => {
    const files = ['--gpg-private-key-file', '/dev/fd/3', '--gpg-passphrase-file=-'];
    expect(call('build', '24.11.6', ...files)).toMatchObject({
      command: 'build',
      layer: { origin: 'option', values: { 'slurm-version': '24.11.6' } },
      secretFiles: { 'gpg-private-key': '/dev/fd/3', 'gpg-passphrase': '-' },
    });
    expect(call('build')).toMatchObject({ secretFiles: {} });
    expect(outcome('build').options?.signing).toBeUndefined();
  });

  test('is not taken from a variable', () => {
    const made = buildOf(['build', '24.11.6'], keys);
    expect(JSON.stringify(made)).not.toMatch(/the key|the phrase/);
  });

  test('an input of the action that stands in the environment is none', () => {
    const env = { 'INPUT_GPG-PRIVATE-KEY': 'the key', GPG_PRIVATE_KEY: 'the key' };
    const made = buildOf(['build'], env);
    expect(made.layer.values).toEqual({});
    expect(JSON.stringify(made)).not.toContain('the key');
  });

  test.each([...services, ...secrets])('there is no option --%s', (name) => {
    for (const words of [[`--${name}`, 'hunter2'], [`--${name}=hunter2`]]) {
      const made = call('build', '24.11.6', ...words);
      expect(JSON.stringify(made)).not.toContain('hunter2');
      const { options, refused, text } = outcome('build', '24.11.6', ...words);
      expect({ options, refused }).toEqual({ options: undefined, refused: [`--${name}`] });
      expect(text).not.toContain('hunter2');
    }
  });
});

describe('audit, smoke and verify', () => {
  test('audit takes a tarball and an engine', () => {
    expect(call('audit', 'out/a-software.tar.gz')).toMatchObject({
      command: 'audit',
      tarball: 'out/a-software.tar.gz',
      engine: 'auto',
      given: { options: {} },
    });
    const made = call('audit', '--engine', 'podman', 'a.tar.gz', '--verbose', '--cache-dir', '/my/cache');
    expect(made).toMatchObject({
      tarball: 'a.tar.gz',
      engine: 'podman',
      settings: { 'cache-dir': '/my/cache' },
      given: { options: { verbose: true } },
    });
  });

  test('smoke takes a tarball, a prefix and a file for the checks', () => {
    expect(call('smoke', 'a.tar.gz')).toMatchObject({
      command: 'smoke',
      tarball: 'a.tar.gz',
      prefix: undefined,
      junit: undefined,
      engine: 'auto',
    });
    expect(
      call('smoke', 'a.tar.gz', '--prefix', '/srv/x', '--junit=checks.xml', '--engine=docker'),
    ).toMatchObject({
      tarball: 'a.tar.gz',
      prefix: '/srv/x',
      junit: 'checks.xml',
      engine: 'docker',
    });
  });

  test('verify takes a folder and a public key', () => {
    expect(call('verify', 'out')).toMatchObject({
      command: 'verify',
      folder: resolve('out'),
      publicKey: undefined,
    });
    expect(call('verify', '/out', '--public-key', 'key.asc')).toMatchObject({
      folder: '/out',
      publicKey: 'key.asc',
    });
    expect(call('verify', '--installed', 'tree')).toMatchObject({
      ...{ folder: undefined, installed: resolve('tree') },
    });
  });

  test.each([
    ['audit', ['--engine', '--cache-dir', '--verbose']],
    ['smoke', ['--engine', '--prefix', '--junit', '--cache-dir', '--verbose']],
    ['verify', ['--public-key', '--installed', '--cache-dir', '--verbose']],
  ])('%s --help names its options', (command, options) => {
    const made = call(command, '--help');
    expect(made).toMatchObject({ command: 'done', exitCode: 0 });
    for (const option of options) expect('text' in made ? made.text : '').toContain(option);
  });
});

describe('flags of a build', () => {
  test('a file for the report, below the folder of the call', () => {
    expect(buildOf(['build']).report).toBeUndefined();
    expect(buildOf(['build', '--report', 'out.json']).report).toBe(resolve('out.json'));
  });

  test('are off unless they are given', () => {
    expect(buildOf(['build'])).toMatchObject({ installMissing: false, keepContainer: false });
    expect(buildOf(['build', '--install-missing', '--keep-container'])).toMatchObject({
      installMissing: true,
      keepContainer: true,
    });
  });
});
