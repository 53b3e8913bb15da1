import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { projectRoot, temporaryFolder } from '../../support/prepare.js';

const folder = temporaryFolder('edges');
const programs = join(folder, 'programs');
const cli = join(projectRoot, 'dist', 'cli', 'index.js');
const seconds = 1000;
/** An engine that answers, and whatever else is asked of it or of git fails; each call is noted. */
const calls = join(folder, 'calls');

beforeAll(() => {
  mkdirSync(programs);
  const note = `printf '%s\\n' "$0 $*" >>'${calls}'`;
  const version = `[ "$1" = version ] && { echo '{"Server":{"Version":"20.10"}}'; exit 0; }`;
  for (const [name, answer] of [
    ['docker', version],
    ['git', 'true'],
  ]) {
    writeFileSync(join(programs, name ?? ''), `#!/bin/sh\n${note}\n${answer}\nexit 1\n`, { mode: 0o755 });
  }
  writeFileSync(join(folder, 'file'), '');
  symlinkSync('loop', join(folder, 'loop'));
  symlinkSync('nowhere', join(folder, 'dangling'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const environment = (more: Record<string, string> = {}) => ({
  PATH: `${programs}:/usr/bin:/bin`,
  HOME: folder,
  ...more,
});

/** Runs the command line with the engine that fails, in the test's folder. */
function run(words: readonly string[], more: Parameters<typeof spawnSync>[2] = {}) {
  rmSync(calls, { force: true });
  const done = spawnSync(process.execPath, [cli, ...words], {
    cwd: folder,
    env: environment(),
    timeout: 20 * seconds,
    killSignal: 'SIGKILL',
    ...more,
    encoding: 'utf8',
  });
  return {
    ...done,
    calls: existsSync(calls) ? readFileSync(calls, 'utf8') : '',
  };
}

describe('a path that can not be used is told at once, before an engine or a cache is asked', () => {
  const build = (...words: string[]) => [
    'build',
    '24.11.6',
    '--engine',
    'docker',
    '--cache-dir',
    'cache',
    ...words,
  ];
  const folders = [
    '/proc/x',
    '/proc/1/x/y',
    'file',
    'file/x',
    'loop',
    'dangling',
    'x'.repeat(300),
    '/dev/null/x',
  ];
  test.each<[string, string[], string]>([
    ...folders.map((path): [string, string[], string] => [
      `--output-dir ${path}`,
      build('--output-dir', path),
      'output-dir',
    ]),
    ...folders.map((path): [string, string[], string] => [
      `--cache-dir ${path}`,
      ['build', '24.11.6', '--engine', 'docker', '--cache-dir', path],
      '--cache-dir',
    ]),
    ['audit --cache-dir', ['audit', 'a-software.tar.gz', '--cache-dir', '/proc/x'], '--cache-dir'],
    ['smoke --cache-dir', ['smoke', 'a-software.tar.gz', '--cache-dir', '/proc/x'], '--cache-dir'],
    ['smoke --junit', ['smoke', 'a-software.tar.gz', '--cache-dir', 'cache', '--junit', 'no/x'], '--junit'],
    ['--report into nowhere', build('--report', 'no/where'), '--report'],
    ['--report to a folder', build('--report', '.'), '--report'],
    ['--report below a file', build('--report', 'file/x'), '--report'],
    ['--report in /proc', build('--report', '/proc/x'), '--report'],
    ['a mirror that is a file', build('--source-mirror', 'file'), 'source-mirror'],
    ['a mirror that is a loop', build('--source-mirror', 'loop'), 'source-mirror'],
    ['a file URL of nothing', build('--source-mirror', 'file:///no/where'), 'source-mirror'],
    ['a file URL of a file', build('--source-mirror', `file://${folder}/file`), 'source-mirror'],
    ['a key that is not there', build('--gpg-private-key-file', 'no'), '--gpg-private-key-file'],
  ])('%s', (_, words, input) => {
    const done = run(words);
    expect(done.stderr).toMatch(new RegExp(`^error: ${input}: .*\\.\\nCorrect this input\\.$`, 'm'));
    expect({ status: done.status, stdout: done.stdout, calls: done.calls }).toEqual({
      status: 2,
      stdout: '',
      calls: '',
    });
  });
});

describe('output that is closed or full', () => {
  const lines = (text: string) => text.split('\n').filter((line) => line !== '');

  test.each([
    ['help', ['--help']],
    ['a version', ['--version']],
  ])('full: %s ends with 1, and no trace', (_, words) => {
    const full = openSync('/dev/full', 'w');
    const done = run(words, { stdio: ['ignore', full, 'pipe'] });
    closeSync(full);
    expect(done.status).toBe(1);
    expect(lines(done.stderr)).toEqual([
      expect.stringMatching(/^error: .*ENOSPC/),
      expect.any(String),
      'See docs/errors.md#outputerror',
    ]);
  });

  test('a log that is full changes nothing', () => {
    const full = openSync('/dev/full', 'w');
    const done = run(['build', 'no-such', '--cache-dir', 'cache'], { stdio: ['ignore', 'pipe', full] });
    closeSync(full);
    expect(done.status).toBe(2);
  });

  test.each([
    ['--help', 1],
    ['build 24.13', 2],
    ['frobnicate', 2],
  ])('closed by its reader: %s', (words, status) => {
    const script = `"$0" "$1" ${words} --cache-dir cache 2>"$2" | true; echo "\${PIPESTATUS[0]}"`;
    const log = join(folder, 'log');
    const done = spawnSync(
      'bash',
      ['-c', script.replace('--help --cache-dir cache', '--help'), process.execPath, cli, log],
      {
        cwd: folder,
        env: environment(),
        encoding: 'utf8',
      },
    );
    // Where nothing was to be printed, nobody notices; help may be out before its reader is gone.
    expect([String(status), ...(status === 1 ? ['0'] : [])]).toContain(done.stdout.trim());
    expect(readFileSync(log, 'utf8')).not.toMatch(/^ {4}at |Error:/m);
  });

  test('a build whose log nobody reads goes on to its end, and leaves no record', () => {
    const cache = join(folder, 'unread');
    const words = `build 24.11.6 --engine docker --cache false --cache-dir "${cache}" --output-dir out`;
    const script = `"$0" "$1" ${words} 2>&1 | head -1; echo "\${PIPESTATUS[0]}"`;
    rmSync(calls, { force: true });
    const done = spawnSync('bash', ['-c', script, process.execPath, cli], {
      cwd: folder,
      env: environment(),
      encoding: 'utf8',
    });
    const [first, status] = lines(done.stdout);
    expect(first).toBe('== Resolve the inputs');
    // It came as far as to git, which fails.
    expect(status).toMatch(/^[34]$/);
    expect(readFileSync(calls, 'utf8')).toMatch(/git .*spack/);
    const left = execFileSync('find', [cache, '-name', '*.json'], { encoding: 'utf8' });
    expect(left).toBe('');
  });
});

describe('secrets', () => {
  const call = ['build', '24.11.6', '--engine', 'docker', '--cache', 'false', '--cache-dir', 'cache'];

  test('a variable is refused by its name, whatever is asked for', () => {
    for (const words of [call, ['verify', '.'], ['audit', 'x']]) {
      const done = run(words, { env: environment({ SLURM_FACTORY_GPG_PASSPHRASE: 'hunter2' }) });
      expect(done.status).toBe(2);
      expect(done.stderr).toContain('SLURM_FACTORY_GPG_PASSPHRASE: it is set');
      expect(done.stderr).not.toContain('hunter2');
    }
  });

  test.each([
    ['a file', 'exec "$@" --gpg-passphrase-file pass'],
    ['a descriptor', 'exec "$@" --gpg-passphrase-file /dev/fd/7 7<pass'],
    ['a pipe', '"$@" --gpg-passphrase-file <(cat pass)'],
    ['standard input', '"$@" --gpg-passphrase-file - <pass'],
    ['a pipe on standard input', '(sleep 0.3; cat pass) | "$@" --gpg-passphrase-file -'],
    [
      'a named pipe whose writer comes late',
      '(sleep 0.3; cat pass >pipe) & exec "$@" --gpg-passphrase-file pipe',
    ],
  ])('are read from %s', (_, script) => {
    writeFileSync(join(folder, 'pass'), 'hunter2\n', { mode: 0o600 });
    if (!existsSync(join(folder, 'pipe'))) execFileSync('mkfifo', ['-m', '600', join(folder, 'pipe')]);
    const done = spawnSync('bash', ['-c', script, 'bash', process.execPath, cli, ...call], {
      cwd: folder,
      env: environment(),
      timeout: 20 * seconds,
      encoding: 'utf8',
    });
    // It was read: a passphrase without a key is the next error.
    expect(done.stderr).toContain('gpg-passphrase: there is no gpg-private-key for it.');
    expect(done.status).toBe(2);
  });

  test('a pipe that nobody writes to is not waited for without an end to it', async () => {
    execFileSync('mkfifo', ['-m', '600', join(folder, 'silent')]);
    const child = spawn(process.execPath, [cli, ...call, '--gpg-passphrase-file', 'silent'], {
      cwd: folder,
      env: environment(),
      stdio: 'ignore',
    });
    const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
    await new Promise((resolve) => setTimeout(resolve, 1000));
    child.kill('SIGTERM');
    expect(await ended).toBe('SIGTERM');
  });

  test('a proxy password is no part of a log', () => {
    const env = environment({ https_proxy: 'http://me:hunter2@127.0.0.1:9' });
    const script = readFileSync(join(programs, 'docker'), 'utf8');
    writeFileSync(
      join(programs, 'docker'),
      script.replace(/exit 1\n$/, 'echo "proxy $https_proxy" >&2; exit 1\n'),
    );
    const done = run([...call, '--output-dir', 'out', '--verbose'], { env });
    expect(done.stderr).toContain('proxy http://me:***@127.0.0.1:9');
    expect(done.stderr).not.toContain('hunter2');
  });
});

test('nothing is left in the folder but what was asked for', () => {
  const known = [
    'cache',
    'calls',
    'dangling',
    'file',
    'log',
    'loop',
    'out',
    'pass',
    'pipe',
    'programs',
    'silent',
  ];
  expect(readdirSync(folder).filter((name) => ![...known, 'unread'].includes(name))).toEqual([]);
});

test('an error sends to its section of docs/errors.md, bundled too', () => {
  const { stderr } = spawnSync(process.execPath, [cli, 'build', '1.2.3', '--cache-dir', 'cache'], {
    ...{ cwd: folder, env: environment(), encoding: 'utf8' },
  });
  const anchor = /^See docs\/errors\.md#(\S+)$/m.exec(stderr)?.[1];
  const headings = [
    ...readFileSync(join(projectRoot, 'docs', 'errors.md'), 'utf8').matchAll(/^### (\w+)$/gm),
  ];
  expect(headings.map(([, name]) => name?.toLowerCase())).toContain(anchor);
});
