import { chmod, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { actionProcess } from '../../../src/action/process.js';
import { keptOutput, type RunOptions } from '../../../src/base/ports.js';
import { withSignal } from '../../../src/base/signal.js';
import { nodeProcess } from '../../../src/local/process.js';

let folder: string;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'slurm factory-')));
  await writeFile(join(folder, 'hello'), '#!/bin/sh\necho "hello $1"\n');
  await chmod(join(folder, 'hello'), 0o755);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe.each([
  ['the command line', nodeProcess],
  ['the action', actionProcess],
])('the process runner of %s', (_, runner) => {
  test('true', async () => {
    expect(await runner.run(['true'])).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });

  test('of an output whose lines are handed on only the end is kept, and a line without an end comes in pieces', async () => {
    let lines = 0;
    let longest = 0;
    const onLine = (line: string) => {
      lines += 1;
      longest = Math.max(longest, line.length);
    };
    const script =
      'yes "$(head -c 99 /dev/zero | tr "\\0" x)" | head -n 100000; head -c 5000000 /dev/zero | tr "\\0" y; echo end';
    const { stdout } = await runner.run(['sh', '-c', script], { onLine });
    expect(lines).toBeGreaterThan(100_000);
    expect(longest).toBeLessThan(keptOutput + (1 << 17));
    expect(stdout.length).toBe(keptOutput);
    expect(stdout.endsWith('yyyend\n')).toBe(true);
    expect((await runner.run(['sh', '-c', script])).stdout.length).toBe(15_000_004);
  });

  test('a non-zero exit is a result', async () => {
    expect(await runner.run(['sh', '-c', 'echo out; echo err >&2; exit 7'])).toEqual({
      exitCode: 7,
      stdout: 'out\n',
      stderr: 'err\n',
    });
  });

  test('a program that is not there gives 127, and its name', async () => {
    expect(await runner.run(['no-such-program-at-all', '--x'])).toEqual({
      exitCode: 127,
      stdout: '',
      stderr: expect.stringContaining('no-such-program-at-all'),
    });
  });

  test('standard output goes to a new file, byte by byte, and the rest comes back', async () => {
    const file = join(await realpath(await mkdtemp(join(folder, 'out '))), 'a file');
    const script = String.raw`printf '\000\377\n'; echo err >&2; exit 3`;
    const result = await runner.run(['sh', '-c', script], { stdoutFile: file });
    expect(result).toEqual({ exitCode: 3, stdout: '', stderr: 'err\n' });
    expect([...(await readFile(file))]).toEqual([0, 255, 10]);
  });

  test('a file or a link that is there is not written to', async () => {
    const within = await mkdtemp(join(folder, 'out-'));
    await writeFile(join(within, 'file'), 'whole');
    await symlink(join(within, 'file'), join(within, 'link'));
    await symlink(join(within, 'elsewhere'), join(within, 'dangling'));
    for (const name of ['file', 'link', 'dangling']) {
      const outcome = await runner
        .run(['echo', 'x'], { stdoutFile: join(within, name) })
        .then(({ exitCode }) => exitCode)
        .catch(() => 'refused');
      expect(outcome).not.toBe(0);
    }
    expect(await readFile(join(within, 'file'), 'utf8')).toBe('whole');
    expect((await readdir(within)).sort()).toEqual(['dangling', 'file', 'link']);
  });

  test('a process that a signal ends has failed', async () => {
    expect((await runner.run(['sh', '-c', 'kill -9 $$'])).exitCode).not.toBe(0);
  });

  test('no shell sees the words', async () => {
    const words = ['$HOME', 'a b', '`id`', '"', "'", '*', '; exit 3', '\\', ''];
    const result = await runner.run(['printf', '%s\\n', ...words]);
    expect(result.stdout).toBe(words.map((word) => `${word}\n`).join(''));
  });

  test("a program's path may have a space", async () => {
    expect((await runner.run([join(folder, 'hello'), 'you'])).stdout).toBe('hello you\n');
  });

  test('lines come whole, by stream, in order, the last one without a line break too', async () => {
    const lines: string[] = [];
    const script = 'printf on; sleep 0.1; printf "e\\ntwo\\n"; echo bad >&2; sleep 0.1; printf three';
    const result = await runner.run(['sh', '-c', script], {
      onLine: (line, stream) => lines.push(`${stream}: ${line}`),
    });
    expect(lines.filter((line) => line.startsWith('stdout'))).toEqual([
      'stdout: one',
      'stdout: two',
      'stdout: three',
    ]);
    expect(lines).toContain('stderr: bad');
    expect(result.stdout).toBe('one\ntwo\nthree');
  });

  test('much output is not lost', async () => {
    let count = 0;
    await runner.run(['seq', '200000'], { onLine: () => void count++ });
    expect((await runner.run(['seq', '200000'])).stdout.length).toBe(1288895);
    expect(count).toBe(200000);
  });

  test('input goes in, and ends; without any there is none to wait for', async () => {
    expect((await runner.run(['cat'], { input: 'one\ntwo' })).stdout).toBe('one\ntwo');
    expect((await runner.run(['cat'])).stdout).toBe('');
  });

  test('a program that takes no input is no error', async () => {
    expect((await runner.run(['true'], { input: 'x'.repeat(1_000_000) })).exitCode).toBe(0);
  });

  test('folder and environment are those that are given, and no other', async () => {
    const env = { PATH: process.env['PATH'] ?? '', ONLY: 'this' };
    const result = await runner.run(['sh', '-c', 'pwd; echo "$ONLY"'], { cwd: folder, env });
    expect(result.stdout).toBe(`${folder}\nthis\n`);
    const own = await runner.run(['sh', '-c', 'echo "$HOME"']);
    expect(own.stdout).toBe(`${process.env['HOME'] ?? ''}\n`);
    expect((await runner.run(['sh', '-c', 'echo "$HOME"'], { env })).stdout).toBe('\n');
  });

  test('a process that is given no environment gets no secret and nothing of a workflow', async () => {
    const secrets = [
      'INPUT_GPG-PASSPHRASE',
      'ACTIONS_RUNTIME_TOKEN',
      'GITHUB_TOKEN',
      'DOCKER_PASSWORD',
      'OWN',
    ];
    for (const name of secrets) process.env[name] = 'hunter2';
    try {
      const { stdout } = await runner.run(['env']);
      expect(stdout).toContain(`PATH=${process.env['PATH']}`);
      expect(stdout).not.toContain('hunter2');
    } finally {
      for (const name of secrets) delete process.env[name];
    }
  });
});

describe('an abort', () => {
  /** A shell that starts a child, tells both process ids, and what is to happen after that. */
  const family = (rest: string): [string, ...string[]] => [
    'sh',
    '-c',
    `sleep 600 >/dev/null 2>&1 & echo $$ $!; ${rest}`,
  ];

  /** Whether a process is there; one that has ended and that nobody has asked for yet is not. */
  const runs = async (pid: number) => {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    return stat !== '' && !/\) [ZX] /.test(stat);
  };

  /** Aborts once the ids are told; gives them, the outcome and the seconds from the abort to it. */
  async function abort(command: [string, ...string[]], options: RunOptions = {}) {
    const controller = new AbortController();
    const pids: number[] = [];
    let start = 0;
    const outcome = await withSignal(nodeProcess, controller.signal)
      .run(command, {
        ...options,
        onLine: (line) => {
          pids.push(...line.split(' ').map(Number));
          start = performance.now();
          controller.abort(new Error('cancelled by the test'));
        },
      })
      .catch((error: unknown) => error);
    expect(pids.length).toBeGreaterThan(0);
    const seconds = (performance.now() - start) / 1000;
    return { outcome, seconds, left: await Promise.all(pids.map(runs)) };
  }

  test('ends a sleeping process and what it started, and is what run rejects with', async () => {
    const { outcome, left, seconds } = await abort(family('sleep 600'));
    expect(outcome).toEqual(new Error('cancelled by the test'));
    expect(left).toEqual([false, false]);
    expect(seconds).toBeLessThan(4);
  });

  test('ends what was left by a process that has ended itself', async () => {
    const { left } = await abort(['sh', '-c', '(sleep 600 & echo $!; wait) & exec sleep 600']);
    expect(left).toEqual([false]);
  });

  test('kills what does not end when it is asked to', async () => {
    const { outcome, left } = await abort([
      'sh',
      '-c',
      `trap '' TERM; ${family('while :; do sleep 1; done')[2]}`,
    ]);
    expect(outcome).toEqual(new Error('cancelled by the test'));
    expect(left).toEqual([false, false]);
  });

  test('lets a process tidy up before it ends', async () => {
    const marker = join(folder, 'tidied');
    const script = `trap 'touch "$0"; exit 0' TERM; echo $$; while :; do sleep 0.05; done`;
    const { outcome } = await abort(['sh', '-c', script, marker]);
    expect(outcome).toEqual(new Error('cancelled by the test'));
    expect(await readFile(marker, 'utf8')).toBe('');
  });

  test('ends a process that stays in the terminal session', async () => {
    const { left } = await abort(['sh', '-c', 'echo $$; exec sleep 600'], { terminal: true });
    expect(left).toEqual([false]);
  });

  test.each([
    ['the command line', nodeProcess],
    ['the action', actionProcess],
  ])('before a command of %s starts nothing', async (_, process) => {
    const marker = join(folder, 'started');
    const runner = withSignal(process, AbortSignal.abort(new Error('too late')));
    await expect(runner.run(['touch', marker])).rejects.toThrow('too late');
    await expect(readFile(marker)).rejects.toThrow('ENOENT');
  });

  test('does not keep clean-up from running', async () => {
    const runner = withSignal(nodeProcess, AbortSignal.abort());
    expect((await runner.run(['echo', 'gone'], { signal: null })).stdout).toBe('gone\n');
  });

  test('that never comes changes nothing, whatever runs side by side', async () => {
    const warnings: Error[] = [];
    const warned = (warning: Error) => warnings.push(warning);
    process.on('warning', warned);
    const runner = withSignal(nodeProcess, new AbortController().signal);
    const results = await Promise.all(
      Array.from({ length: 30 }, (_, index) => runner.run(['sh', '-c', 'exit "$0"', String(index)])),
    );
    process.off('warning', warned);
    expect(results.map(({ exitCode }) => exitCode)).toEqual(Array.from({ length: 30 }, (_, index) => index));
    expect((await runner.run(['no-such-program-at-all'])).exitCode).toBe(127);
    expect(warnings).toEqual([]);
  });
});
