import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { withSignal } from '../../../src/base/signal.js';
import { layoutBelow } from '../../../src/container/layout.js';
import { machineSession } from '../../../src/container/session.js';
import { nodeProcess } from '../../../src/local/process.js';

const folder = await mkdtemp(join(tmpdir(), 'slurm-factory-session-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

test('on the machine itself an abort ends a command with all that it started', async () => {
  const controller = new AbortController();
  const runner = withSignal(nodeProcess, controller.signal);
  const session = machineSession(layoutBelow(folder), 'python3', runner, { PATH: process.env['PATH'] ?? '' });
  const pids: string[] = [];
  const script = 'sh -c "sleep 600 & echo \\$\\$ \\$!; wait" & echo $$; wait';
  const attempt = session.exec(['sh', '-c', script], {
    onLine: (line) => {
      pids.push(...line.split(' '));
      if (pids.length === 3) controller.abort(new Error('cancelled'));
    },
  });
  await expect(attempt).rejects.toThrow('cancelled');
  const states = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => 'gone) X ')),
  );
  // One that has ended and that nobody has asked for yet is a zombie.
  for (const state of states) expect(state).toMatch(/\) [ZX] /);
});
