import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { InputError } from '../../../src/base/errors.js';
import { type Call, parseArguments } from '../../../src/cli/args.js';
import { resolveOptions } from '../../../src/config/resolve.js';
import { inputNames } from '../../../src/config/schema.js';
import { release } from '../../support/fakes.js';

const call = (...argv: string[]): Call => parseArguments(argv, {}, '1.2.3');

/** The options that a build call resolves to, or the inputs that it is refused for. */
function outcome(...argv: string[]) {
  const made = call(...argv);
  if (made.command !== 'build') throw new Error(`no build: ${JSON.stringify(made)}`);
  const catalog = { toolchains: ['bookworm', 'noble'], resolveRelease: release };
  try {
    return { options: resolveOptions(made.layers, catalog), refused: [] };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { options: undefined, refused: error.problems.map((problem) => problem.input) };
  }
}

const flagsOf = (argv: string[], env: Record<string, string> = {}) => {
  const made = parseArguments(argv, env, '1.2.3');
  return made.command === 'build' ? made.flags : undefined;
};

/** Inputs that only a workflow can serve, and those that no argument may carry. */
const services = ['upload', 'retention-days', 'github-token'];
const secrets = ['gpg-private-key', 'gpg-passphrase', 'cache-secret'];
const keys = { SLURM_FACTORY_GPG_PRIVATE_KEY: 'the key', SLURM_FACTORY_GPG_PASSPHRASE: 'the phrase' };

describe('help', () => {
  test.each([[['--help']], [['-h']], [['help']]])('%j lists the commands and ends well', (argv) => {
    expect(call(...argv)).toEqual({
      command: 'done',
      text: expect.stringMatching(
        /Usage: slurm-factory[\s\S]*\bbuild\b[\s\S]*\baudit\b[\s\S]*\bsmoke\b[\s\S]*\bverify\b/,
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
        expect(text).toContain(`--${name} <value>`);
      }
      for (const name of services) expect(text).not.toContain(`--${name}`);
      for (const name of secrets) {
        expect(text).not.toContain(`--${name} `);
        expect(text).toContain(`--${name}-file <file>`);
      }
      for (const flag of ['--install-missing', '--cache-dir', '--verbose', '--report']) {
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
    ['an option without its value', ['build', '--gpu'], /--gpu <value>.*argument missing/],
    ['an audit of nothing', ['audit'], /missing required argument 'tarball'/],
    ['a smoke test of nothing', ['smoke'], /missing required argument 'tarball'/],
    ['a check of nothing', ['verify'], /missing required argument 'folder'/],
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
      release: { version: '24.11.6' },
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
    expect(outcome('build').options).toEqual(
      resolveOptions([{}], { toolchains: ['bookworm'], resolveRelease: release }),
    );
  });

  test.each<[string, string[], string[]]>([
    ['an unknown option', ['build', '--frobnicate'], ['frobnicate']],
    ['with its value', ['build', '24.11.6', '--toolchian', 'noble'], ['toolchian']],
    ['with its value in one word', ['build', '--toolchian=noble'], ['toolchian']],
    [
      'among other wrong inputs',
      ['build', '24.11.6', '--toolchian=noble', '--jobs=x'],
      ['jobs', 'toolchian'],
    ],
    ['a word too many', ['build', '24.11.6', '24.05.8'], ['24.05.8']],
  ])('%s is reported as an input: %j', (_, argv, refused) => {
    expect(outcome(...argv).refused.sort()).toEqual(refused);
  });

  test('a word too many never hides an option', () => {
    const { options, refused } = outcome('build', '24.11.6', '--gpu', 'cuda', 'gpu');
    expect(options?.gpu ?? refused).not.toBe('none');
  });
});

describe('the signing key', () => {
  test('comes by files, which the call names and does not read', () => {
    const files = ['--gpg-private-key-file', '/dev/fd/3', '--gpg-passphrase-file=-'];
    expect(call('build', '24.11.6', ...files)).toMatchObject({
      command: 'build',
      layers: [{ 'slurm-version': '24.11.6' }],
      secretFiles: { 'gpg-private-key': '/dev/fd/3', 'gpg-passphrase': '-' },
    });
    expect(call('build')).toMatchObject({ secretFiles: {} });
    expect(outcome('build').options?.signing).toBeUndefined();
  });

  test('is not taken from a variable', () => {
    const made = parseArguments(['build', '24.11.6'], keys, '1.2.3');
    expect(JSON.stringify(made)).not.toMatch(/the key|the phrase/);
  });

  test('an input of the action that stands in the environment is none', () => {
    const env = { 'INPUT_GPG-PRIVATE-KEY': 'the key', GPG_PRIVATE_KEY: 'the key' };
    const made = parseArguments(['build'], env, '1.2.3');
    expect(made).toMatchObject({ layers: [{}] });
    expect(JSON.stringify(made)).not.toContain('the key');
  });

  test.each([...services, ...secrets])('there is no option --%s', (name) => {
    for (const words of [[`--${name}`, 'hunter2'], [`--${name}=hunter2`]]) {
      const made = call('build', '24.11.6', ...words);
      expect(JSON.stringify(made)).not.toContain('hunter2');
      expect(outcome('build', '24.11.6', ...words)).toEqual({ options: undefined, refused: [`--${name}`] });
    }
  });
});

describe('audit, smoke and verify', () => {
  test('audit takes a tarball and an engine', () => {
    expect(call('audit', 'out/a-software.tar.gz')).toMatchObject({
      command: 'audit',
      tarball: 'out/a-software.tar.gz',
      flags: { engine: 'auto', verbose: false, report: undefined },
    });
    const made = call('audit', '--engine', 'podman', 'a.tar.gz', '--verbose', '--cache-dir', '/my/cache');
    expect(made).toMatchObject({
      tarball: 'a.tar.gz',
      flags: { engine: 'podman', verbose: true, cacheDir: '/my/cache' },
    });
  });

  test('smoke takes a tarball, a prefix and a file for the checks', () => {
    expect(call('smoke', 'a.tar.gz')).toMatchObject({
      command: 'smoke',
      tarball: 'a.tar.gz',
      prefix: undefined,
      junit: undefined,
      flags: { engine: 'auto' },
    });
    expect(
      call('smoke', 'a.tar.gz', '--prefix', '/srv/x', '--junit=checks.xml', '--engine=docker'),
    ).toMatchObject({
      tarball: 'a.tar.gz',
      prefix: '/srv/x',
      junit: 'checks.xml',
      flags: { engine: 'docker' },
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
  });

  test.each(['audit', 'smoke', 'verify'])('%s reads no signing key', (command) => {
    expect(JSON.stringify(parseArguments([command, 'x'], keys, '1.2.3'))).not.toMatch(/the key|the phrase/);
  });

  test.each([
    ['audit', ['--engine', '--cache-dir', '--verbose']],
    ['smoke', ['--engine', '--prefix', '--junit', '--cache-dir', '--verbose']],
    ['verify', ['--public-key', '--cache-dir', '--verbose']],
  ])('%s --help names its options', (command, options) => {
    const made = call(command, '--help');
    expect(made).toMatchObject({ command: 'done', exitCode: 0 });
    for (const option of options) expect('text' in made ? made.text : '').toContain(option);
  });
});

describe('flags', () => {
  test('a file for the report', () => {
    expect(flagsOf(['build'])?.report).toBeUndefined();
    expect(flagsOf(['build', '--report', 'out.json'])?.report).toBe('out.json');
  });

  test('are off unless they are given', () => {
    expect(flagsOf(['build'])).toMatchObject({ installMissing: false, verbose: false });
    expect(flagsOf(['build', '--install-missing', '--verbose'])).toMatchObject({
      installMissing: true,
      verbose: true,
    });
  });

  test.each<[string, string[], Record<string, string>, string]>([
    ["the user's", ['--cache-dir', '/my/cache'], { XDG_CACHE_HOME: '/xdg' }, '/my/cache'],
    ["the system's", [], { XDG_CACHE_HOME: '/xdg' }, '/xdg/slurm-factory'],
    ['an empty setting is none', [], { XDG_CACHE_HOME: '' }, `${homedir()}/.cache/slurm-factory`],
    ['the usual one', [], {}, `${homedir()}/.cache/slurm-factory`],
  ])('folder for the caches: %s', (_, words, env, folder) => {
    expect(flagsOf(['build', ...words], env)?.cacheDir).toBe(folder);
  });
});
