import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { containerLayout } from '../../../src/container/layout.js';
import {
  bringCommand,
  describeFault,
  faultIn,
  indexCommand,
  lookCommand,
  pushCommand,
  readLook,
  renderScope,
  type SharedMirror,
  sharingEnvironment,
} from '../../../src/spack/shared.js';

const side = { layout: containerLayout, python: '/python3' };
const places = { scope: '/share', folder: '/shared', keyring: undefined };
const oci: SharedMirror = {
  cache: { kind: 'oci', url: 'oci://ghcr.io/site/cache' },
  endpoint: undefined,
  login: [],
  signed: false,
};
const mirrorOf = (mirror: SharedMirror): Record<string, unknown> =>
  parse(renderScope(mirror, places, containerLayout)['mirrors.yaml'] ?? '').mirrors.shared;

describe('the mirror', () => {
  test('without a login has no word of one', () => {
    expect(mirrorOf(oci)).toEqual({
      url: 'oci://ghcr.io/site/cache',
      source: false,
      binary: true,
      signed: false,
    });
  });

  test('names the variables of a login, and no value', () => {
    const mirror = mirrorOf({
      cache: { kind: 's3', url: 's3://bucket/x' },
      endpoint: 'http://127.0.0.1:9000',
      login: ['id', 'secret', 'token'],
      signed: true,
    });
    expect(mirror).toMatchObject({
      access_pair: {
        id_variable: 'SLURM_FACTORY_BUILD_CACHE_ID',
        secret_variable: 'SLURM_FACTORY_BUILD_CACHE_SECRET',
      },
      access_token_variable: 'SLURM_FACTORY_BUILD_CACHE_TOKEN',
      endpoint_url: 'http://127.0.0.1:9000',
      signed: true,
    });
  });

  test('of a folder is where the session has it', () => {
    expect(mirrorOf({ ...oci, cache: { kind: 'file', path: '/mnt/cache' } })).toMatchObject({
      url: 'file:///shared',
    });
  });
});

test('commands have a limit of time, the scope with the mirror, and no index but where it is written', () => {
  const hash = 'a'.repeat(32);
  const look = lookCommand(side, places, [hash]);
  expect(look.command.slice(0, 3)).toEqual(['timeout', '--kill-after=5', '45']);
  expect(look.command.slice(-4)).toEqual(['python', '/share/look.py', 'shared', hash]);
  expect(bringCommand(side, places, [hash]).command.join(' ')).toContain(
    `-C /share install --only-concrete --cache-only /${hash}`,
  );
  const push = pushCommand(side, places, [hash], undefined).command.join(' ');
  expect(push).toContain(`buildcache push --unsigned --only package shared /${hash}`);
  expect(push).not.toContain('index');
  const signed = pushCommand(side, { ...places, keyring: '/keys' }, [hash], 'F'.repeat(40));
  expect(signed.command.join(' ')).toContain(`push --key ${'F'.repeat(40)} --only package`);
  expect(signed.env).toMatchObject({ SPACK_GNUPGHOME: '/keys' });
  // There is no environment to index.
  const index = indexCommand(side, places, undefined).command.join(' ');
  expect(index).toContain('-C /share buildcache update-index shared');
  expect(index).not.toContain('--env-dir');
});

const done = (stdout: string, stderr = '', exitCode = 0) => ({ exitCode, stdout, stderr });

test('a look says what is there, and what is wrong', () => {
  expect(readLook(done('{"there":["a"],"fault":null}'))).toEqual({ there: ['a'], fault: undefined });
  expect(readLook(done('{"there":[],"fault":{"status":401,"reason":"Unauthorized"}}')).fault).toEqual({
    status: 401,
    reason: 'Unauthorized',
  });
  expect(readLook(done('', '==> Error: no module boto3', 1))).toEqual({
    there: [],
    fault: { status: null, reason: 'no module boto3' },
  });
});

test.each([
  ['==> Error: HTTP Error 403: Forbidden', 403],
  ['DetailedHTTPError: PUT http://x/v2/ returned 429: Too Many Requests', 429],
  ['An error occurred (AccessDenied) when calling the PutObject operation: Access Denied', 403],
  ['An error occurred (503) when calling the HeadObject operation', 503],
  ['An error occurred (Strange) when calling the PutObject operation', null],
  ['==> Error: <urlopen error [Errno 111] Connection refused>', null],
])('the fault of %j has the status %s', (stderr, status) => {
  expect(faultIn(done('', stderr, 1)).status).toBe(status);
});

test.each([
  [{ status: 401, reason: '' }, 'it wants a login, or does not know this one (401)'],
  [{ status: 403, reason: '' }, 'its login may not do that (403)'],
  [{ status: 404, reason: '' }, 'there is no such place (404)'],
  [{ status: 429, reason: '' }, 'it was asked too often (429)'],
  [{ status: 502, reason: 'x' }, 'it is broken or busy (502)'],
  [{ status: 418, reason: 'a teapot' }, 'a teapot (418)'],
  [{ status: null, reason: 'refused' }, 'it does not answer: refused'],
])('%j is told', (fault, expected) => {
  expect(describeFault(fault)).toBe(expected);
});

test('what was ended for taking too long says so', () => {
  expect(describeFault(faultIn(done('', '', 124)))).toBe('it does not answer: it takes too long');
});

test('the environment makes no views, and lets Spack ask for gpg where it signs', () => {
  const text = 'spack:\n  specs: [slurm]\n  view: true\n  bootstrap: {enable: false}\n';
  expect(parse(sharingEnvironment(text, false))).toEqual({
    spack: { specs: ['slurm'], view: false, bootstrap: { enable: false } },
  });
  expect(parse(sharingEnvironment(text, true)).spack.bootstrap).toEqual({ enable: true });
});
