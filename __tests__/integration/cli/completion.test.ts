import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runCli } from '../../support/cli.js';
import { temporaryFolder } from '../../support/prepare.js';

/** The scripts in the shells that they are for; one that is not on this machine is skipped, but for bash. */

const folder = temporaryFolder('completion');
const shells = ['bash', 'zsh', 'fish'] as const;

beforeAll(() => {
  for (const shell of shells) {
    const { exitCode, stdout } = runCli(['completion', shell]);
    expect(exitCode).toBe(0);
    writeFileSync(join(folder, shell), stdout);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = (shell: string, ...words: string[]) =>
  spawnSync(shell, words, { cwd: folder, encoding: 'utf8', timeout: 20_000 });
const isHere = (shell: string) => run(shell, '-c', 'true').status === 0;

const cases: [line: string, among: string[], not: string][] = [
  ['slurm-factory ', ['build', 'doctor', 'help'], 'bookworm'],
  ['slurm-factory bu', ['build'], 'list'],
  ['slurm-factory help ver', ['verify', 'version'], 'build'],
  ['slurm-factory build --gp', ['--gpu', '--gpg-private-key-file'], '--toolchain'],
  ['slurm-factory build --toolchain boo', ['bookworm'], 'trixie'],
  ['slurm-factory build 24', ['24.05', '24.11'], '25.05'],
  ['slurm-factory clean --d', ['--dry-run'], '--all'],
  ['slurm-factory completion f', ['fish'], 'bash'],
];

test.each(cases)('bash completes %j', (line, among, not) => {
  const script = [
    'source ./bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()',
    '_slurm_factory; printf "%s\\n" "${COMPREPLY[@]}"',
  ];
  const { stdout, stderr } = run('bash', '-c', script.join('; '), 'bash', ...line.split(' '));
  expect(stderr).toBe('');
  expect(stdout.split('\n')).toEqual(expect.arrayContaining(among));
  expect(stdout.split('\n')).not.toContain(not);
});

(isHere('fish') ? test : test.skip).each(cases)('fish completes %j', (line, among, not) => {
  const { stdout, stderr } = run('fish', '--no-config', '-c', `source ./fish; complete -C '${line}'`);
  const words = stdout.split('\n').map((row) => row.split('\t')[0]);
  expect(stderr).toBe('');
  expect(words).toEqual(expect.arrayContaining(among));
  expect(words).not.toContain(not);
});

describe('each script is one that its shell can read', () => {
  test.each(shells)('%s', (shell) => {
    if (shell !== 'bash' && !isHere(shell)) return;
    expect(run(shell, '-n', shell)).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });
});
