import { chmod, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { actionProcess } from '../../../src/action/process.js';
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
    const result = await runner.run(['seq', '200000'], { onLine: () => void count++ });
    expect(result.stdout.length).toBe(1288895);
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
