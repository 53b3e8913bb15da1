import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { PackagingError, SigningError } from '../../../src/base/errors.js';
import type { ProcessRunner } from '../../../src/base/ports.js';
import { fileName, signedFiles } from '../../../src/bundle/catalogue.js';
import { withKeyring } from '../../../src/bundle/signature.js';
import { formatVerifyReport, verifyFolder } from '../../../src/bundle/verify.js';
import { nodeProcess } from '../../../src/local/process.js';
import { writeResult } from '../../support/bundle.js';
import { recordingLogger } from '../../support/fakes.js';

/** Signs with a real gpg and keys that live for one test run. */

const env = { PATH: process.env['PATH'] };
const passphrase = 'correct horse "battery" $staple';
const identifier = 'slurm-24.11.6-bookworm-amd64';

interface TestKey {
  readonly secret: string;
  readonly publicFile: string;
}

let root: string;
let folder: string;
const keys: Record<string, TestKey> = {};

beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'sf-sign-')));
  keys['locked'] = await makeKey('locked', passphrase);
  keys['open'] = await makeKey('open', '');
  keys['expired'] = await makeKey('expired', '', '2d', ['--faked-system-time', '20200101T000000']);
  keys['certify'] = await makeKey('certify', '', '1y', [], 'cert');
});
afterAll(() => rm(root, { recursive: true, force: true }));
beforeEach(async () => {
  folder = await mkdtemp(join(root, 'files-'));
  await writeTarget();
});
afterEach(async () => {
  expect((await readdir('/dev/shm')).filter((name) => name.startsWith('slurm-factory-gpg'))).toEqual([]);
  // An agent is told to end, and needs a moment for it on a busy machine.
  for (let wait = 0; agents('slurm-factory-gpg').length > 0 && wait < 100; wait++) await setTimeout(50);
  expect(agents('slurm-factory-gpg')).toEqual([]);
});

async function makeKey(
  name: string,
  secret: string,
  expires = '1y',
  more: readonly string[] = [],
  usage = 'sign',
): Promise<TestKey> {
  const home = await mkdtemp(join(root, `${name}-`));
  const gpg = async (...words: string[]) => {
    const base = ['gpg', '--homedir', home, '--batch', '--no-tty', '--pinentry-mode', 'loopback'] as const;
    const done = await nodeProcess.run([...base, '--passphrase', secret, ...more, ...words]);
    expect({ words, ...done }).toMatchObject({ exitCode: 0 });
    return done.stdout;
  };
  await gpg('--quick-generate-key', `Test ${name} <${name}@test>`, 'ed25519', usage, expires);
  const key = { secret: await gpg('--armor', '--export-secret-keys'), publicFile: join(root, `${name}.asc`) };
  await writeFile(key.publicFile, await gpg('--armor', '--export'));
  await nodeProcess.run(['gpgconf', '--homedir', home, '--kill', 'all']);
  return key;
}

/** Writes the files of a target as a build does, sums and manifest to match. */
const writeTarget = (content = 'bytes') => writeResult(folder, identifier, { content });

/** Signs the folder's files as a build does, and writes the public key beside them. */
async function sign(name: string, secret: string, runner: ProcessRunner = nodeProcess) {
  const logger = recordingLogger();
  const options = { privateKey: keys[name]?.secret ?? name, passphrase: secret, env, logger };
  const made = await withKeyring(runner, options, async (keyring) => {
    const signatures = await keyring.signFiles(
      signedFiles(await readdir(folder)).map((file) => join(folder, file)),
    );
    await writeFile(join(folder, fileName(identifier, 'key')), keyring.publicKey);
    return { signatures, fingerprint: keyring.fingerprint };
  });
  return { ...made, logger };
}

const verify = (publicKey?: string) =>
  verifyFolder(folder, { env, ...(publicKey === undefined ? {} : { publicKey }) }, nodeProcess);
const publicFile = (name: string) => keys[name]?.publicFile ?? '';

/** Command lines of running processes that have a word. */
function agents(word: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return line.includes(word) ? [line.replaceAll('\0', ' ')] : [];
      } catch {
        return [];
      }
    });
}

describe.each([
  ['with a passphrase', 'locked', passphrase],
  ['with a passphrase that has a line end', 'locked', `${passphrase}\n`],
  ['without a passphrase', 'open', ''],
])('a key %s', (_, name, secret) => {
  test('signs, and the signatures hold', async () => {
    const { signatures, fingerprint, logger } = await sign(name, secret);
    expect(signatures.map((file) => file.slice(folder.length + 1)).sort()).toEqual(
      ['SHA256SUMS.asc', 'modules.tar.gz.asc', 'software.tar.gz.asc'].map((end) => `${identifier}-${end}`),
    );
    expect(logger.of('warning')).toEqual([]);
    const report = await verify(publicFile(name));
    expect(report.targets[0]?.signer).toEqual({
      fingerprint,
      user: `Test ${name} <${name}@test>`,
      trusted: true,
    });
    expect(report.targets[0]?.signed).toHaveLength(3);
    expect(report.notes).toEqual([]);
  });
});

test("the action's process runner signs too, from base64", async () => {
  const wrapped = Buffer.from(keys['locked']?.secret ?? '').toString('base64');
  await sign(wrapped, passphrase, nodeProcess);
  await expect(verify(publicFile('locked'))).resolves.toBeDefined();
});

test('the key that came with the files is used, but not trusted', async () => {
  await sign('open', '');
  const report = await verify();
  expect(report.targets[0]?.signer?.trusted).toBe(false);
  expect(formatVerifyReport(report).join('\n')).toMatch(/not trusted: the key came with the files/);
});

describe('keys that are refused', () => {
  test.each([
    ['a wrong passphrase', 'locked', 'wrong', /not the passphrase of the key/],
    ['no passphrase', 'locked', '', /has a passphrase/],
    ['an expired key', 'expired', '', /expired on 2020-01-03/],
    ['a key for certifying only', 'certify', '', /can't sign/],
  ])('%s', async (_, name, secret, message) => {
    const attempt = sign(name, secret);
    await expect(attempt).rejects.toThrow(SigningError);
    await expect(attempt).rejects.toThrow(message);
    expect((await readdir(folder)).filter((file) => file.endsWith('.asc'))).toEqual([]);
  });

  test('a damaged key', async () => {
    const secret = keys['open']?.secret ?? '';
    await expect(sign(secret.replace(/\n\n.{40}/, '\n\n'), '')).rejects.toThrow(SigningError);
  });

  test('a passphrase for a key that has none does no harm', async () => {
    await sign('open', 'superfluous');
    await expect(verify(publicFile('open'))).resolves.toBeDefined();
  });
});

describe('what verify finds', () => {
  test.each<[string, () => Promise<unknown>, RegExp]>([
    [
      'other tarballs, with a manifest and sums to match',
      () => writeTarget('malice'),
      /SHA256SUMS\.asc: the file has other bytes than were signed/,
    ],
    [
      'a signature of another file',
      async () =>
        writeFile(
          join(folder, `${identifier}-software.tar.gz.asc`),
          await readFile(join(folder, `${identifier}-modules.tar.gz.asc`)),
        ),
      /software\.tar\.gz\.asc: the file has other bytes/,
    ],
    [
      'a signature that is none',
      () => writeFile(join(folder, `${identifier}-software.tar.gz.asc`), 'words'),
      /software\.tar\.gz\.asc: it is not a signature/,
    ],
    [
      'a spoilt signature',
      () =>
        writeFile(
          join(folder, `${identifier}-software.tar.gz.asc`),
          '-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n',
        ),
      /gpg does not accept it/,
    ],
    [
      'sums without a signature',
      () => rm(join(folder, `${identifier}-SHA256SUMS.asc`)),
      /SHA256SUMS\.asc: is missing/,
    ],
  ])('%s', async (_, spoil, message) => {
    await sign('open', '');
    await spoil();
    const attempt = verify(publicFile('open'));
    await expect(attempt).rejects.toThrow(PackagingError);
    await expect(attempt).rejects.toThrow(message);
  });

  test('signatures of another key', async () => {
    await sign('open', '');
    await expect(verify(publicFile('locked'))).rejects.toThrow(/it was made with another key/);
  });

  test('a key file that is none', async () => {
    await sign('open', '');
    await expect(verify(join(folder, `${identifier}-manifest.json`))).rejects.toThrow(/is not a public key/);
  });
});

test('neither key nor passphrase is in an argument, a variable, a log line or a world-readable file', async () => {
  const secret = keys['locked']?.secret ?? '';
  const secrets = [
    passphrase,
    ...secret.split('\n').filter((line) => line.length > 30 && !line.startsWith('-')),
  ];
  const holds = (text: string) => secrets.some((word) => text.includes(word));
  const places: { readonly path: string; readonly mode: number }[] = [];
  const recorded: string[] = [];
  const seen: string[] = [];
  const runner: ProcessRunner = {
    async run(command, options) {
      recorded.push(command.join(' '), JSON.stringify(options?.env));
      const home = command[command.indexOf('--homedir') + 1] ?? '';
      places.push({ path: home, mode: (await stat(home)).mode & 0o777 });
      const watch = setInterval(() => seen.push(...peek()), 2);
      try {
        return await nodeProcess.run(command, options);
      } finally {
        clearInterval(watch);
      }
    },
  };
  const { logger } = await sign('locked', passphrase, runner);
  expect(seen.length).toBeGreaterThan(0);
  expect([...recorded, ...seen].filter(holds)).toEqual([]);
  expect(logger.log.filter((line) => line.level !== 'mask' && holds(line.message))).toEqual([]);
  expect(new Set(places.map(({ mode }) => mode))).toEqual(new Set([0o700]));
  expect(places[0]?.path).toMatch(/^\/dev\/shm\//);
});

/** Arguments and environments of all gpg processes, agents included, as the system shows them. */
function peek(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return /gpg/.test(line) ? [line, readFileSync(`/proc/${pid}/environ`, 'utf8')] : [];
      } catch {
        return [];
      }
    });
}
