import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { isHere, projectRoot, sourceMirror } from '../support/prepare.js';

/**
 * README's commands on a machine that has nothing but Node and git: with SLURM_FACTORY_TEST_BARE=check what takes
 * a few minutes, with 1 both commands, which take as long as a build and as all tests.
 */

const wanted = process.env['SLURM_FACTORY_TEST_BARE'];
const canRun = await isHere('Docker Engine');
const canBuild = canRun && wanted === '1' && (await isHere('upstream'));
const minutes = 60_000;

/** The newest release of the series that README builds. */
const release = (series: string): string => {
  const data = JSON.parse(readFileSync(join(projectRoot, 'data', 'slurm-releases.json'), 'utf8'));
  return data.releases[series].at(-1).version;
};

/** Runs scripts/bare-machine.sh; its output is in the error when it fails. */
async function bareMachine(...words: string[]): Promise<string> {
  const child = spawn('bash', [join(projectRoot, 'scripts', 'bare-machine.sh'), ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
  }
  const exitCode = await new Promise((ended, failed) => {
    child.once('error', failed);
    child.once('close', ended);
  });
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}\n${log.slice(-12_000)}`);
  return log;
}

(canRun ? test : test.skip)(
  'npm ci installs and leaves the tree clean, unit tests pass, and slow ones skip what the machine can not have',
  async () => {
    const log = await bareMachine('check');
    expect(log).toMatch(/^preparing: installing .*gpg/m);
    expect(log).toMatch(/^skipped, not to be had here: Docker Engine: dockerd does not start: /m);
    expect(log).toMatch(/^skipped: __tests__\/e2e\/smoke\.test\.ts: /m);
    const counts = [...log.matchAll(/^(\d+) passed, (\d+) failed, (\d+) skipped$/gm)];
    expect(counts.map(([, passed, failed]) => [Number(passed) > 0, failed])).toEqual([
      [true, '0'],
      [true, '0'],
    ]);
  },
  25 * minutes,
);

if (wanted === '1') {
  (canBuild ? test : test.skip)(
    "README's first command builds",
    async () => {
      const log = await bareMachine('build', '--source-mirror', await sourceMirror([release('24.11')]));
      expect(log).toContain('Installing: ');
      expect(log).toContain(`slurm-${release('24.11')}-glibc2.34-`);
    },
    30 * minutes,
  );

  (canBuild ? test : test.skip)(
    "README's second command passes",
    async () => {
      expect(await bareMachine('test')).toMatch(/^\d+ passed, 0 failed, \d+ skipped$/m);
    },
    120 * minutes,
  );
}
