import { describe, expect, test } from '@jest/globals';
import { InputError } from '../../../src/base/errors.js';
import type { RunResult } from '../../../src/base/ports.js';
import type { Trigger } from '../../../src/cache/policy.js';
import type { CacheMode } from '../../../src/config/inputs.js';
import type { ExecOptions } from '../../../src/container/container.js';
import { containerLayout } from '../../../src/container/layout.js';
import {
  networkTo,
  resolveShared,
  type SharedCache,
  SharedPackages,
  secretsOf,
} from '../../../src/pipeline/shared.js';
import type { LockedSpec } from '../../../src/spack/lock.js';
import { recordingLogger } from '../../support/fakes.js';

const push: Trigger = { event: 'push', ref: 'refs/heads/main', fromFork: false };
const fork: Trigger = { event: 'pull_request', ref: 'refs/pull/1/merge', fromFork: true };
const oci = { kind: 'oci', url: 'oci://ghcr.io/site/cache' } as const;
const login = { id: 'USER_OF_IT', secret: 'TOKEN_OF_IT' };
const env: Record<string, string> = { USER_OF_IT: 'me', TOKEN_OF_IT: 'hunter2' };

function resolve(change: Partial<Parameters<typeof resolveShared>[0]> = {}, trigger = push, values = env) {
  const options = {
    ...{ buildCache: oci, buildCacheLogin: login, buildCacheEndpoint: undefined },
    ...{ cache: 'auto' as CacheMode, signing: undefined },
    ...change,
  };
  return resolveShared(options, { trigger, cwd: '/work', variable: (name) => values[name] });
}

describe('the cache that the inputs name', () => {
  test('has its login in the variables that Spack reads', () => {
    const shared = resolve();
    expect(shared).toMatchObject({ read: true, push: true, login: ['id', 'secret'], signed: false });
    expect(shared?.values).toEqual({
      SLURM_FACTORY_BUILD_CACHE_ID: 'me',
      SLURM_FACTORY_BUILD_CACHE_SECRET: 'hunter2',
    });
    expect(secretsOf(shared as SharedCache)).toEqual(['hunter2']);
  });

  test('is not there without the input, and not used with cache: false', () => {
    expect(resolve({ buildCache: undefined })).toBeUndefined();
    expect(resolve({ cache: 'false' })).toBeUndefined();
  });

  test('of a folder starts at the workspace', () => {
    const buildCache = { kind: 'file', path: 'cache' } as const;
    const shared = resolve({ buildCache, buildCacheLogin: undefined });
    expect(shared?.cache).toEqual({ kind: 'file', path: '/work/cache' });
  });

  test('wants all variables of its login, and tells all that lack', () => {
    const attempt = () => resolve({}, push, { USER_OF_IT: '' });
    expect(attempt).toThrow(InputError);
    expect(attempt).toThrow(/the variable USER_OF_IT is not set[\s\S]*the variable TOKEN_OF_IT is not set/);
  });

  test("is read without a login by a fork's pull request, which has no secrets", () => {
    expect(resolve({}, fork, {})).toMatchObject({ read: true, push: false, login: [], values: {} });
  });

  test('is signed where Spack can and there is a key', () => {
    const signing = { privateKey: 'k', passphrase: '' };
    const s3 = { kind: 's3', url: 's3://bucket' } as const;
    expect(resolve({ signing })?.signed).toBe(false);
    expect(resolve({ signing, buildCache: s3 })?.signed).toBe(true);
    expect(resolve({ buildCache: s3 })?.signed).toBe(false);
  });
});

const mirror = { endpoint: undefined, login: [], signed: false } as const;
test.each([
  [{ ...mirror, cache: oci }, true],
  [{ ...mirror, cache: { kind: 'oci', url: 'oci+http://127.0.0.1:5000/x' } }, 'host'],
  [{ ...mirror, cache: { kind: 's3', url: 's3://bucket' } }, true],
  [{ ...mirror, cache: { kind: 's3', url: 's3://bucket' }, endpoint: 'http://localhost:9000' }, 'host'],
  [{ ...mirror, cache: { kind: 'file', path: '/x' } }, false],
] as const)('the network that leads to %j is %s', (shared, expected) => {
  expect(networkTo(shared)).toBe(expected);
});

describe('packages', () => {
  const hash = (letter: string) => letter.repeat(32);
  const spec = (letter: string): LockedSpec => ({
    ...{ name: letter, version: '1', hash: hash(letter), external: undefined, dependencies: [] },
  });
  const wanted = ['a', 'b', 'c'].map(spec);

  type Reply = Partial<RunResult>;
  /** What Spack was asked, a word for each, and what it answers. */
  function open(answer: (asked: string) => Reply | undefined, change: Partial<SharedCache> = {}) {
    const asked: { what: string; hashes: string[]; env: Readonly<Record<string, string>> }[] = [];
    const exec = async (command: readonly string[], options: ExecOptions = {}): Promise<RunResult> => {
      const what = command.includes('push') ? 'push' : command.includes('install') ? 'bring' : 'look';
      const hashes = command.flatMap((word) => /^\/?([abc]{32})$/.exec(word)?.[1]?.[0] ?? []);
      asked.push({ what, hashes, env: options.env ?? {} });
      return { exitCode: 0, stdout: '', stderr: '', ...answer(what) };
    };
    const shared: SharedCache = {
      ...mirror,
      cache: oci,
      read: true,
      push: true,
      values: { V: 'x' },
      ...change,
    };
    const session = {
      ...{ layout: containerLayout, python: 'python3', container: undefined, caBundle: undefined },
      ...{ exec, stop: async () => {} },
    };
    const places = { scope: '/s', folder: '/f', keyring: undefined };
    const logger = recordingLogger();
    const controller = new AbortController();
    const installed: string[] = wanted.map((one) => one.hash);
    const packages = new SharedPackages(
      shared,
      { session, places, key: undefined },
      logger,
      controller.signal,
      async () => installed,
    );
    return { packages, asked, logger, controller, installed };
  }
  const there = (...letters: string[]): Reply => ({
    stdout: JSON.stringify({ there: letters.map(hash), fault: null }),
  });

  test('that are there and not here are brought, and none of them is pushed', async () => {
    const { packages, asked } = open((what) => (what === 'look' ? there('a', 'b') : undefined));
    await packages.bring(wanted, [hash('a')]);
    for (const letter of ['a', 'b', 'c']) packages.installed(hash(letter).slice(0, 7));
    await packages.settled();
    expect(asked.map(({ what, hashes }) => `${what} ${hashes.join('')}`)).toEqual([
      'look abc',
      'bring b',
      'push c',
    ]);
    for (const { env: given } of asked) expect(given).toMatchObject({ V: 'x' });
  });

  test.each(['look', 'bring', 'push'])('whose container dies at %s are built, with a warning', async (at) => {
    const { packages, asked, logger } = open((what) => {
      if (what === at) throw new Error('the container is gone');
      return what === 'look' ? there('a') : undefined;
    });
    await packages.bring(wanted, []);
    packages.installed(hash('b').slice(0, 7));
    await packages.settled();
    expect(asked.map(({ what }) => what).at(-1)).toBe(at);
    expect(logger.of('warning')).toEqual([expect.stringContaining('the container is gone')]);
  });

  test('are not brought once the build is cancelled', async () => {
    const { packages, controller, logger } = open(() => {
      controller.abort();
      throw new Error('cancelled');
    });
    await expect(packages.bring(wanted, [])).rejects.toThrow('cancelled');
    expect(logger.of('warning')).toEqual([]);
  });

  test('are not pushed by who may only read', async () => {
    const { packages, asked } = open(() => there(), { push: false });
    await packages.bring(wanted, []);
    packages.installed(hash('a').slice(0, 7));
    await packages.settled();
    expect(asked.map(({ what }) => what)).toEqual(['look']);
  });

  test('that were installed while one was pushed go together', async () => {
    const { packages, asked } = open((what) => (what === 'look' ? there() : undefined));
    await packages.bring(wanted, []);
    for (const letter of ['a', 'b', 'c']) packages.installed(hash(letter).slice(0, 7));
    await packages.settled();
    expect(asked.filter(({ what }) => what === 'push').map(({ hashes }) => hashes.join(''))).toEqual(['abc']);
  });

  test.each<[string, string, string]>([
    [
      'look',
      'look',
      'The build cache oci://ghcr.io/site/cache is not used: its login may not do that (403).',
    ],
    ['bring', 'look bring', 'did not bring all that it has: its login may not do that (403).'],
    ['push', 'look bring push', 'did not take all packages, and the next build makes them again: its login'],
  ])('a fault of the %s is one warning, and nothing more is asked', async (faulty, expected, told) => {
    const { packages, asked, logger } = open((what) =>
      what === faulty
        ? { exitCode: 1, stderr: 'HTTP Error 403: Forbidden' }
        : what === 'look'
          ? there('a')
          : {},
    );
    await packages.bring(wanted, []);
    for (const letter of ['b', 'c']) {
      packages.installed(hash(letter).slice(0, 7));
      await packages.settled();
    }
    expect(asked.map(({ what }) => what).join(' ')).toBe(expected);
    expect(logger.of('warning')).toHaveLength(1);
    expect(logger.of('warning')[0]).toContain(told);
  });

  test('that Spack has not written down yet wait', async () => {
    const { packages, asked, installed } = open((what) => (what === 'look' ? there() : undefined));
    await packages.bring(wanted, []);
    const [later = ''] = installed.splice(1, 1);
    for (const letter of ['a', 'b']) packages.installed(hash(letter).slice(0, 7));
    await packages.settled();
    installed.push(later);
    await packages.settled();
    const pushed = asked.filter(({ what }) => what === 'push').map(({ hashes }) => hashes.join(''));
    expect(pushed).toEqual(['a', 'b']);
  });

  test('after a cancel nothing is pushed', async () => {
    const { packages, asked, controller } = open(() => there());
    await packages.bring(wanted, []);
    controller.abort();
    packages.installed(hash('a').slice(0, 7));
    await packages.settled();
    expect(asked.map(({ what }) => what)).toEqual(['look']);
  });
});
