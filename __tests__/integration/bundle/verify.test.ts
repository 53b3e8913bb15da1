import { cp, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { PackagingError } from '../../../src/base/errors.js';
import { fileName, resultFiles } from '../../../src/bundle/catalogue.js';
import { formatVerifyReport, verifyFolder } from '../../../src/bundle/verify.js';
import { nodeProcess } from '../../../src/local/process.js';
import { writeResult } from '../../support/bundle.js';

/** What verify makes of odd files and of signatures that a real gpg takes for good ones. */

const env = { PATH: process.env['PATH'] };
const identifier = 'slurm-24.11.6-bookworm-amd64';
const names = resultFiles(identifier);

let root: string;
let folder: string;

beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'sf-verify-')));
});
afterAll(() => rm(root, { recursive: true, force: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(root, 'files-'));
  await writeResult(folder, identifier, { smoke: true });
});

const verify = (publicKey?: string) =>
  verifyFolder(folder, { env, ...(publicKey === undefined ? {} : { publicKey }) }, nodeProcess);

async function run(...command: [string, ...string[]]): Promise<string> {
  const done = await nodeProcess.run(command);
  expect({ command, ...done }).toMatchObject({ exitCode: 0 });
  return done.stdout;
}

describe('a FIFO that nobody writes', () => {
  test.each([
    ...Object.values(names),
    fileName(identifier, 'smoke'),
    fileName(identifier, 'key'),
    `${names.sums}.asc`,
    `${identifier}-evil.tar.gz`,
  ])('in the place of %s is told at once', async (name) => {
    if (name.endsWith('-signing-key.asc')) await writeFile(join(folder, `${names.sums}.asc`), '');
    else await writeFile(join(folder, fileName(identifier, 'key')), '');
    await rm(join(folder, name), { force: true });
    await run('mkfifo', join(folder, name));
    await expect(verify()).rejects.toThrow(PackagingError);
    await expect(verify()).rejects.toThrow(
      name.includes('evil') ? /evil\.tar\.gz: is not a file of the target/ : `${name}: is a FIFO`,
    );
  });

  test('in the place of the public key is told at once', async () => {
    const fifo = join(root, 'fifo.asc');
    await run('mkfifo', fifo);
    await expect(verify(fifo)).rejects.toThrow(/The key .* is a FIFO/);
  });
});

test('a device node in the place of a file is told, and not opened', async () => {
  if (process.getuid?.() !== 0) return;
  await rm(join(folder, names.software));
  await run('mknod', join(folder, names.software), 'c', '1', '5');
  await expect(verify()).rejects.toThrow(/software\.tar\.gz: is a device/);
});

/** A keyring of a signer, at a time of its own. */
class TestSigner {
  fingerprint = '';
  private constructor(private readonly home: string) {}

  static async make(created: string, expires: string, subkey?: string): Promise<TestSigner> {
    const signer = new TestSigner(await mkdtemp(join(root, 'home-')));
    const usage = subkey === undefined ? 'sign' : 'cert';
    await signer.gpg(created, '--quick-generate-key', 'Test <test@test>', 'ed25519', usage, expires);
    const listed = await signer.gpg(created, '--list-keys', '--with-colons');
    signer.fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(listed)?.[1] ?? '';
    if (subkey !== undefined) {
      await signer.gpg(created, '--quick-add-key', signer.fingerprint, 'ed25519', 'sign', subkey);
    }
    return signer;
  }

  async gpg(time: string | undefined, ...words: string[]): Promise<string> {
    return run(
      'gpg',
      ...['--homedir', this.home, '--batch', '--no-tty', '--yes', '--pinentry-mode', 'loopback'],
      ...['--passphrase', ''],
      // "!" stops the clock: running, a key made as the second turned would be of the future for the next command.
      ...(time === undefined ? [] : ['--faked-system-time', `${time}!`]),
      ...words,
    );
  }

  /** Signs the sums; the public key is what it is now. */
  async sign(time: string | undefined, ...more: string[]): Promise<string> {
    const sums = join(folder, names.sums);
    await this.gpg(time, ...more, '--armor', '--output', `${sums}.asc`, '--detach-sign', sums);
    return this.key();
  }

  async key(): Promise<string> {
    const file = join(root, `${this.fingerprint}-${Math.random()}.asc`);
    await writeFile(file, await this.gpg(undefined, '--armor', '--export'));
    return file;
  }

  /** What somebody does who has an old key: its owner's public key, elsewhere, still says that it has expired. */
  async prolong(time: string, ...what: string[]): Promise<void> {
    await this.gpg(time, '--quick-set-expire', this.fingerprint, '0', ...what);
  }
}

describe('a signature', () => {
  test('made while the key was valid stays good, with a note that it has expired since', async () => {
    const signer = await TestSigner.make('20240101T000000', '30d');
    const report = await verify(await signer.sign('20240110T000000'));
    expect(report.targets[0]?.signed).toEqual([names.sums]);
    expect(report.notes).toEqual([`The key ${signer.fingerprint} has expired since it signed.`]);
    expect(formatVerifyReport(report).join('\n')).toContain('1 good signatures of Test <test@test>');
  });

  test('made after the expiry of the key is bad', async () => {
    const signer = await TestSigner.make('20240101T000000', '30d');
    const key = await signer.key();
    await signer.prolong('20240110T000000');
    await signer.sign('20250101T000000');
    await expect(verify(key)).rejects.toThrow(/SHA256SUMS\.asc: it was made after the key had expired/);
    // With the prolonged key it is good.
    await expect(verify(await signer.key())).resolves.toBeDefined();
  });

  test('made after the expiry of the subkey that made it is bad', async () => {
    const signer = await TestSigner.make('20240101T000000', 'never', '30d');
    const key = await signer.key();
    await signer.sign('20240110T000000');
    await expect(verify(key)).resolves.toBeDefined();
    await signer.prolong('20240110T000000', '*');
    await signer.sign('20250101T000000');
    await expect(verify(key)).rejects.toThrow(/it was made after the key had expired/);
  });

  test('made after the expiry of the primary key, by a subkey without one, is bad', async () => {
    const signer = await TestSigner.make('20240101T000000', '30d', 'never');
    const key = await signer.key();
    await signer.sign('20240110T000000');
    await expect(verify(key)).resolves.toBeDefined();
    await signer.prolong('20240110T000000');
    await signer.sign('20250101T000000');
    await expect(verify(key)).rejects.toThrow(/it was made after the key had expired/);
  });

  test('dated in the future is bad; a clock that is an hour ahead is none', async () => {
    const signer = await TestSigner.make('20240101T000000', 'never');
    await expect(verify(await signer.sign('20990101T000000'))).rejects.toThrow(/it is dated in the future/);
    const soon = new Date(Date.now() + 3_600_000).toISOString().replaceAll(/[-:]|\.\d+Z$/g, '');
    await expect(verify(await signer.sign(soon))).resolves.toBeDefined();
  });

  test.each(['SHA1', 'RIPEMD160', 'MD5'])('with %s is bad', async (digest) => {
    const home = await mkdtemp(join(root, 'home-'));
    const gpg = (...words: string[]) =>
      run(
        'gpg',
        ...['--homedir', home, '--batch', '--no-tty', '--yes', '--pinentry-mode', 'loopback'],
        // Weaker than gpg would do it by itself.
        ...['--passphrase', '', '--allow-weak-digest-algos', '--rfc4880', '--digest-algo', digest],
        ...words,
      );
    await gpg('--quick-generate-key', 'Weak <weak@test>', 'rsa2048', 'sign', 'never').catch(() => '');
    const sums = join(folder, names.sums);
    await gpg('--armor', '--output', `${sums}.asc`, '--detach-sign', sums);
    const key = join(home, 'key.asc');
    await writeFile(key, await gpg('--armor', '--export'));
    await expect(verify(key)).rejects.toThrow(PackagingError);
    await expect(verify(key)).rejects.toThrow(/SHA256SUMS\.asc: it uses a weak digest/);
  });

  test('of text is bad: it would be good for other bytes too', async () => {
    const signer = await TestSigner.make('20240101T000000', 'never');
    await expect(verify(await signer.sign(undefined, '--textmode'))).rejects.toThrow(
      /it is not a signature of a file/,
    );
  });
});

test('names that look like options reach gpg as files', async () => {
  const signer = await TestSigner.make('20240101T000000', 'never');
  const key = await signer.sign(undefined);
  const before = process.cwd();
  const odd = await mkdtemp(join(root, 'odd-'));
  await cp(folder, join(odd, '--output'), { recursive: true });
  await cp(key, join(odd, '--dearmor'));
  process.chdir(odd);
  try {
    const report = await verifyFolder('--output', { env, publicKey: '--dearmor' }, nodeProcess);
    expect(report.targets[0]?.signer?.fingerprint).toBe(signer.fingerprint);
    await expect(verifyFolder('--output', { env, publicKey: '--version' }, nodeProcess)).rejects.toThrow(
      /The key file --version does not exist/,
    );
  } finally {
    process.chdir(before);
  }
  expect((await readFile(key, 'utf8')).length).toBeGreaterThan(0);
});
