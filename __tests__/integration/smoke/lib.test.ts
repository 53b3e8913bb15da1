import { spawnSync } from 'node:child_process';
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
