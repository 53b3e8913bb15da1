import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { checkClock, type Examination, examine } from '../../../src/pipeline/doctor.js';
import {
  type Answer,
  fakePorts,
  fakeProcess,
  fakeProject,
  fakeWeb,
  host,
  temporaryFolder,
  toolchain,
} from '../../support/fakes.js';

const list = 'Date: Sat, 28 Nov 2026 05:00:00 UTC\nValid-Until: Sat, 05 Dec 2026 05:00:00 UTC\n';
const now = new Date('2026-11-28T06:00:00Z');

/** What is found on a machine on which everything is as it must be, but for what is changed. */
async function find(
  change: Partial<Examination> = {},
  {
    answer,
    web = new TextEncoder().encode(list),
  }: { answer?: (line: string) => Answer | undefined; web?: Error | Uint8Array } = {},
) {
  const home = await temporaryFolder();
  const process = fakeProcess((words) => {
    const line = words.join(' ');
    const changed = answer?.(line);
    if (changed !== undefined) return changed;
    if (line.startsWith('docker version')) return { stdout: '{"Server":{"Version":"27.1"}}' };
    return line.endsWith('--version') ? { stdout: `${words[0]} version 2\n` } : {};
  });
  const wanted: Examination = {
    ...{ project: fakeProject(), host: host(), toolchain: toolchain(), home, env: {}, now },
    ...{ cacheDir: home, buildDir: home, outputDir: join(home, 'not', 'there') },
    ...change,
  };
  const findings = await examine(wanted, fakePorts({ process, web: fakeWeb(web) }));
  const of = (name: string) => findings.find(({ check }) => check === name);
  return { findings, of, process };
}

test('a machine on which all is well', async () => {
  const { findings } = await find();
  expect(findings.filter(({ state }) => state !== 'ok')).toEqual([]);
  expect(findings.map(({ check }) => check)).toEqual([
    ...['engine', 'image', 'disk', 'disk', 'memory', 'git', 'gpg', 'Spack', 'spack-packages', 'Slurm'],
    ...['network', 'clock', 'logins', 'cache folder'],
  ]);
});

describe('what is missing is told with what to do', () => {
  const noEngine = (stderr: string) => (line: string) =>
    /^(docker|podman) version/.test(line) ? { exitCode: 1, stderr } : undefined;
  const fails =
    (start: string, more: Answer = {}) =>
    (line: string) =>
      line.startsWith(start) ? { exitCode: 1, ...more } : undefined;

  test.each<[string, Parameters<typeof find>, string, RegExp]>([
    [
      'engine',
      [{}, { answer: noEngine('is it running?') }],
      'failed',
      /docker: is it running\?.*Start Docker/,
    ],
    ['engine', [{}, { answer: noEngine('permission denied') }], 'failed', /usermod -aG docker/],
    [
      'engine',
      [{ host: host({ os: { id: 'debian', version: '12' } }) }, { answer: noEngine('no') }],
      'warning',
      /on this machine itself.*--engine none/,
    ],
    ['image', [{}, { answer: fails('docker image') }], 'warning', /docker pull debian:bookworm/],
    ['memory', [{ host: host({ memory: 1e9 }) }], 'warning', /--jobs 2/],
    ['git', [{}, { answer: fails('git --version') }], 'failed', /Install it/],
    ['gpg', [{}, { answer: fails('gpg') }], 'warning', /gnupg/],
    [
      'Spack',
      [{}, { answer: fails('git -c', { stderr: 'could not resolve host' }) }],
      'failed',
      /resolve host.*https_proxy/,
    ],
    [
      'Slurm',
      [{}, { answer: fails('git -c', { stderr: 'could not resolve host' }) }],
      'warning',
      /resolve host/,
    ],
    [
      'network',
      [{}, { web: new Error('no answer within 20 s') }],
      'warning',
      /no answer within 20 s.*https_proxy/,
    ],
    ['clock', [{ now: new Date('2026-11-27T06:00:00Z') }], 'failed', /timedatectl/],
  ])('%s', async (check, words, state, told) => {
    const found = (await find(...words)).of(check);
    expect(found).toMatchObject({ state });
    expect(`${found?.message} ${found?.hint}`).toMatch(told);
  });
});

test('clones that are here need no network', async () => {
  const project = fakeProject();
  const names = [`spack-${project.pins.spack.commit}`, `packages-${project.pins.packages.commit}`];
  const buildDir = await temporaryFolder(
    Object.fromEntries(names.map((name) => [`clones/${name}/file`, ''])),
  );
  const { of, process } = await find({ buildDir });
  expect([of('Spack'), of('spack-packages')]).toMatchObject([{ state: 'ok' }, { state: 'ok' }]);
  expect(process.lines.filter((line) => line.includes('ls-remote'))).toHaveLength(1);
});

describe('logins', () => {
  const at = async (text: string) => {
    const folder = await temporaryFolder({ 'config.json': text });
    return (await find({ env: { DOCKER_CONFIG: folder } })).of('logins');
  };

  test('are told by the registry, never by what they are', async () => {
    const found = await at('{"auths":{"ghcr.io":{"auth":"aHVudGVyMg=="}},"credHelpers":{"ecr.test":"x"}}');
    expect(found).toEqual({ check: 'logins', state: 'ok', message: 'ecr.test, ghcr.io' });
  });

  test('a damaged file is told', async () => {
    expect(await at('{"auths":')).toMatchObject({
      state: 'warning',
      hint: expect.stringContaining('docker login'),
    });
  });
});

test.each([
  ['2026-11-28T06:00:00Z', 'ok'],
  ['2026-11-28T04:59:00Z', 'failed'],
  ['2026-12-05T05:01:00Z', 'warning'],
])('a clock that says %s: %s', (time, state) => {
  expect(checkClock(list, new Date(time)).state).toBe(state);
});

test('a list without dates says nothing of the clock', () => {
  expect(checkClock('', now).state).toBe('ok');
});
