import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { machine } from '../../support/cli-machine.js';
import { readFiles } from '../../support/fakes.js';
import { signingKey } from '../../support/machine.js';

// Some builds each, on a machine that may do other things too.
jest.setTimeout(30_000);

const target = 'slurm-24.11.6-glibc2.34-amd64';

describe('build', () => {
  test('prints the summary and the files, writes the report, and leaves no record', async () => {
    const { cwd, run, records } = await machine();
    const done = await run(['build', '24.11', '--report', 'report.json', '--output-dir', 'out']);
    expect(done).toMatchObject({ exitCode: 0, err: expect.stringContaining('== Install') });
    const files = await readFiles(join(cwd, 'out'));
    expect(done.out).toContain(target);
    for (const name of Object.keys(files)) expect(done.out).toContain(`${join(cwd, 'out', name)}\n`);
    expect(files).toHaveProperty([`${target}-software.tar.gz`]);
    const report = JSON.parse(await readFile(join(cwd, 'report.json'), 'utf8'));
    expect(report).toMatchObject({ identifier: target, cacheHit: 'none' });
    expect(await records()).toEqual([]);
  });

  test('says which engine was taken', async () => {
    const { run } = await machine();
    expect((await run(['build', '24.11.6'])).err).toMatch(/^Engine: docker \d/m);
  });

  test('takes the result of an earlier call from the cache', async () => {
    const { run, process } = await machine();
    await run(['build', '24.11.6']);
    const before = process.lines.length;
    const second = await run(['build', '24.11.6']);
    expect(second).toMatchObject({ exitCode: 0, out: expect.stringContaining('result') });
    expect(process.lines.slice(before).filter((line) => line.includes('/bin/spack '))).toEqual([]);
  });

  test('tells all that is wrong at once, and asks nobody for anything', async () => {
    const { run, process } = await machine();
    const done = await run(['build', '24.1', '--gpu', 'nvidia', '--toolchian=noble', '--debug=yes']);
    expect(done).toMatchObject({ exitCode: 2, out: '' });
    for (const line of [
      /slurm-version: '24\.1' is not.*put the release in quotes/,
      /gpu: .*Did you mean 'cuda'\?/,
      /--toolchian: .*Did you mean '--toolchain'\?/,
      /debug: must be true or false, not 'yes'/,
      /Correct these 4 inputs\./,
    ]) {
      expect(done.err).toMatch(line);
    }
    expect(process.lines).toEqual([]);
  });

  test('without an engine ends with 3 and says what to start', async () => {
    const answer = (words: readonly string[]) =>
      words[1] === 'version' ? { exitCode: 1, stderr: 'not running' } : undefined;
    const { run, records } = await machine({ answer });
    expect(await run(['build', '24.11.6'])).toMatchObject({
      exitCode: 3,
      out: '',
      err: expect.stringMatching(/No container engine answers \(docker: not running.*\n.*Start Docker/),
    });
    expect(await records()).toEqual([]);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    '%s while Spack runs ends with %i; the container goes and no record stays',
    async (signal, code) => {
      const answer = (words: readonly string[]) => {
        if (!words.includes('install')) return undefined;
        globalThis.process.emit(signal);
        return { exitCode: 137, stderr: 'Error response from daemon: No such container' };
      };
      const { run, process, records } = await machine({ answer });
      const done = await run(['build', '24.11.6']);
      expect(done).toMatchObject({ exitCode: code, out: '' });
      expect(done.err).toContain('error: The build was cancelled.\nRun it again; what was built is kept.');
      expect(process.lines.filter((line) => line.startsWith('docker rm'))).not.toEqual([]);
      expect(await records()).toEqual([]);
    },
  );

  test('signs with the key of a file, which no line and no file of the call repeats', async () => {
    const { cwd, run } = await machine();
    await writeFile(join(cwd, 'key.asc'), signingKey.armored, { mode: 0o600 });
    await writeFile(join(cwd, 'phrase'), `${signingKey.passphrase}\n`, { mode: 0o600 });
    const secrets = ['--gpg-private-key-file', 'key.asc', '--gpg-passphrase-file', 'phrase'];
    const done = await run(['build', '24.11.6', '--report', 'report.json', ...secrets]);
    expect(done).toMatchObject({ exitCode: 0, out: expect.stringContaining(`${target}-signing-key.asc`) });
    const said = [done.out, done.err, await readFile(join(cwd, 'report.json'), 'utf8')].join('\n');
    expect(said).not.toContain(signingKey.passphrase);
    expect(said).not.toContain('PRIVATE KEY');
  });
});

test('a variable with a secret is refused, whatever the command', async () => {
  const { run } = await machine();
  for (const words of [['build'], ['verify', '.'], ['completion', 'bash']]) {
    const done = await run(words, { SLURM_FACTORY_GPG_PASSPHRASE: 'hunter2' });
    expect(done).toMatchObject({ exitCode: 2, out: '' });
    expect(done.err).toContain('SLURM_FACTORY_GPG_PASSPHRASE: it is set');
    expect(done.err).not.toContain('hunter2');
  }
});

test('the password of a proxy is no part of the log', async () => {
  const answer = (words: readonly string[]) =>
    words[1] === 'version' ? { exitCode: 1, stderr: 'proxy http://me:hunter2@proxy.test' } : undefined;
  const { run } = await machine({ answer });
  const done = await run(['build', '24.11.6'], { https_proxy: 'http://me:hunter2@proxy.test' });
  expect(done.err).toContain('proxy http://me:***@proxy.test');
});

test('help goes to standard output, what is wrong with a call to standard error', async () => {
  const { run } = await machine();
  expect(await run(['build', '--help'])).toMatchObject({
    exitCode: 0,
    out: expect.stringMatching(
      /Usage: slurm-factory build[\s\S]*Examples:\n {2}slurm-factory build 24\.11\n/,
    ),
    err: '',
  });
  expect(await run(['biuld'])).toMatchObject({ exitCode: 2, out: '', err: expect.stringContaining('build') });
});

test('completion knows the releases and the toolchains of the project', async () => {
  const { run } = await machine();
  const done = await run(['completion', 'bash']);
  expect(done).toMatchObject({ exitCode: 0, err: '' });
  expect(done.out).toContain("'latest 24.11 24.05'");
  expect(done.out).toContain("'build --toolchain') COMPREPLY=($(compgen -W 'bookworm'");
  expect(done.out).toMatch(/complete -F _slurm_factory slurm-factory\n$/);
});

describe('checks', () => {
  test('verify tells what a folder lacks, with 5', async () => {
    const { run } = await machine();
    expect(await run(['verify', '.'])).toMatchObject({
      exitCode: 5,
      out: '',
      err: expect.stringMatching(/\S/),
    });
  });

  test('verify of nothing says what it takes, with 2', async () => {
    const { run } = await machine();
    expect(await run(['verify'])).toMatchObject({
      ...{ exitCode: 2, err: expect.stringContaining('the tree with --installed') },
    });
  });

  test('verify takes the files that a build left', async () => {
    const { run } = await machine();
    await run(['build', '24.11.6', '--output-dir', 'out']);
    expect(await run(['verify', 'out'])).toMatchObject({ exitCode: 0, out: expect.stringContaining(target) });
  });

  test.each(['audit', 'smoke'])('%s of a file that is not there ends with 2', async (command) => {
    const { run } = await machine();
    const done = await run([command, `${target}-software.tar.gz`]);
    expect(done).toMatchObject({ exitCode: 2, out: '', err: expect.stringContaining('tarball: ') });
  });
});
