import { describe, expect, test } from '@jest/globals';
import { exitCodeOf } from '../../../src/base/errors.js';
import {
  checkRows,
  completeChecks,
  parseCheck,
  type SmokeCheck,
  SmokeError,
} from '../../../src/smoke/report.js';

const check = (name: string, change: Partial<SmokeCheck> = {}): SmokeCheck => ({
  name,
  status: 'passed',
  seconds: 0.03,
  detail: 'node1',
  ...change,
});

test('parseCheck reads a line of the script', () => {
  const line = '{"check":"srun","status":"failed","seconds":0.031,"detail":"a\\nb"}';
  expect(parseCheck(line)).toEqual({ name: 'srun', status: 'failed', seconds: 0.031, detail: 'a\nb' });
});

test.each([
  ['no JSON', 'mkdir: cannot create directory'],
  ['no object', '7'],
  ['another status', '{"check":"srun","status":"ok","seconds":1,"detail":""}'],
  ['no time', '{"check":"srun","status":"passed","detail":""}'],
  ['no name', '{"check":"","status":"passed","seconds":1,"detail":""}'],
])('parseCheck leaves alone what is none of its lines: %s', (_, line) => {
  expect(parseCheck(line)).toBeUndefined();
});

describe('completeChecks', () => {
  test('keeps the order of the plan and drops what was not promised', () => {
    const reported = [check('sinfo'), check('srun'), check('other')];
    expect(completeChecks(['srun', 'sinfo'], reported, 'exit code 0').map(({ name }) => name)).toEqual([
      'srun',
      'sinfo',
    ]);
  });

  test('what reported nothing has failed, and says how the container ended', () => {
    const [, rest] = completeChecks(['srun', 'rest'], [check('srun')], 'exit code 137');
    expect(rest).toMatchObject({ name: 'rest', status: 'failed' });
    expect(rest?.detail).toContain('exit code 137');
  });
});

test('SmokeError names each failed check with its own last line and those of the guilty daemon', () => {
  const log = '--- last lines of slurmrestd\nstarting\nerror: no auth/jwt\nfatal: failed\n';
  const other = '--- last lines of slurmctld\nall is well';
  const error = new SmokeError({
    target: 'slurm-24.11.6-bookworm-amd64',
    prefix: '/p',
    checks: [
      check('srun'),
      check('rest', { status: 'failed', detail: `noise\nit does not answer\n${log}${other}` }),
      check('cgroup-v2', { status: 'skipped', detail: 'v1' }),
      check('lua', { status: 'failed', detail: 'no Lua' }),
    ],
  });
  expect(error.message).toBe(
    [
      'slurm-24.11.6-bookworm-amd64 failed 2 of 4 checks of the smoke test:',
      'rest: it does not answer',
      'error: no auth/jwt',
      'fatal: failed',
      'lua: no Lua',
    ].join('\n'),
  );
  expect(exitCodeOf(error)).toBe(5);
});

test('checkRows: outcome and time of each check, and why one did not pass', () => {
  const checks = [check('srun'), check('cgroup-v2', { status: 'skipped', detail: 'cgroup v1\n' })];
  expect(checkRows({ target: 't', prefix: '/p', checks })).toEqual([
    ['srun', 'passed', '0.03 s', ''],
    ['cgroup-v2', 'skipped', '0.03 s', 'cgroup v1'],
  ]);
});
