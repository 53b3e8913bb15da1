import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { temporaryFolder } from '../../support/fakes.js';
import { projectRoot } from '../../support/prepare.js';

test('what a daemon said before is not taken for the word of the one that is started in its place', async () => {
  const state = await temporaryFolder({});
  const script = `
    . "$1"
    for i in $(seq 100); do
      echo 'slurmd started on' >"$SMOKE_STATE/slurmd.out"
      start_daemon slurmd sleep 60
      if grep -q started "$SMOKE_STATE/slurmd.out"; then echo stale; fi
      kill "$(cat "$SMOKE_STATE/slurmd.pid")"
    done`;
  const done = spawnSync(
    'bash',
    ['--norc', '-euc', script, 'test', join(projectRoot, 'scripts', 'inside', 'smoke', 'lib.sh')],
    { encoding: 'utf8', env: { PATH: process.env['PATH'], SMOKE_STATE: state } },
  );
  expect(done).toMatchObject({ status: 0, stdout: '', stderr: '' });
});

test.each([
  ['', 2],
  ['7', 14],
])('with patience %p, two seconds are %d', async (patience, seconds) => {
  const lib = join(projectRoot, 'scripts', 'inside', 'smoke', 'lib.sh');
  // SECONDS is bash's own clock: the limit is passed as soon as it says so.
  const script = '. "$1"; sleep() { SECONDS=$((SECONDS + 1)); }; wait_for 2 false || echo "$SECONDS"';
  const env = { PATH: process.env['PATH'], ...(patience === '' ? {} : { SMOKE_PATIENCE: patience }) };
  const done = spawnSync('bash', ['--norc', '-euc', script, 'test', lib], { encoding: 'utf8', env });
  expect(done.stdout).toBe(`timed out after ${seconds} s waiting for: false\n${seconds}\n`);
});

test('where programs start slowly the smoke test has more patience, and says so', async () => {
  const slow = join(await temporaryFolder({}), 'slow');
  await mkdir(slow);
  await writeFile(join(slow, 'env'), '#!/bin/sh\nsleep 0.03\n', { mode: 0o755 });
  const smoke = join(projectRoot, 'scripts', 'inside', 'smoke', 'smoke.sh');
  const env = { PATH: `${slow}:${process.env['PATH']}` };
  const done = spawnSync('bash', [smoke, '--none', 'x'], { encoding: 'utf8', env });
  expect(done.stderr).toMatch(
    /^This machine is slow: all time limits are (?:[4-9]|1\d|20) times the usual ones\.\nsmoke\.sh: unknown argument '--none'\n$/,
  );
  const usual = spawnSync('bash', [smoke, '--none', 'x'], {
    encoding: 'utf8',
    env: { ...env, SMOKE_PATIENCE: '1' },
  });
  expect(usual.stderr).toBe("smoke.sh: unknown argument '--none'\n");
});

test.each([
  ['slurm-24.11.6-bookworm-amd64', '24.11.6', '24.11.6'],
  ['slurm-24.11.6-glibc2.34-amd64-cuda', '24.11.6', '24.11.6-cuda'],
  ['slurm-24.11.6.p3f2a91c04b17-glibc2.34-amd64', '24.11.6', '24.11.6.p3f2a91c04b17'],
  ['slurm-24.11.6-glibc2.34-amd64-self-contained', '24.11.6', '24.11.6'],
  ['slurm-24.11.6-glibc2.34-amd64-self-contained.xa8701ae4cd05', '24.11.6', '24.11.6'],
  ['slurm-24.11.6-glibc2.34-amd64-self-contained.xa8701ae4cd05-cuda', '24.11.6', '24.11.6-cuda'],
  ['slurm-24.11.6.p3f2a91c04b17-bookworm-arm64-rocm', '24.11.6', '24.11.6.p3f2a91c04b17-rocm'],
])('%s is Slurm %s, its module %s', async (target, version, module) => {
  const script = '. "$1"; slurm_version; module_version; at_least 24.11.6; ! at_least 24.11.7';
  const lib = join(projectRoot, 'scripts', 'inside', 'smoke', 'lib.sh');
  const done = spawnSync('bash', ['--norc', '-euc', script, 'test', lib], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], SMOKE_STATE: await temporaryFolder({}), SMOKE_TARGET: target },
  });
  expect(done).toMatchObject({ status: 0, stdout: `${version}\n${module}\n` });
});
