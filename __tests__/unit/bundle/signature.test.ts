import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { MissingRequirementError, SigningError } from '../../../src/base/errors.js';
import { maskKey, readPrivateKey, usableKey, withKeyring } from '../../../src/bundle/signature.js';
import { type Answer, fakeProcess, recordingLogger, temporaryFolder } from '../../support/fakes.js';

const line = 'lQOYBGVexampleexampleexampleexampleexample0123456789abcdefghijkl';
const armored = `-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n${line}\n=abcd\n-----END PGP PRIVATE KEY BLOCK-----\n`;
const wrapped = Buffer.from(armored).toString('base64');
const fingerprint = 'F'.repeat(40);
const listing = (validity = '-', can = 'scSC', expiry = '') =>
  `sec:${validity}:255:22:FFFF:1795253313:${expiry}::-:::${can}:::+::ed25519:::0:\nfpr:::::::::${fingerprint}:\n`;

describe('the key of the input', () => {
  test.each([
    ['armored', armored],
    ['with other line ends', armored.replaceAll('\n', '\r\n')],
    ['in base64', wrapped],
    ['in base64 of several lines', wrapped.replaceAll(/(.{60})/g, '$1\n')],
  ])('%s is taken', (_, text) => {
    expect(readPrivateKey(text).replaceAll('\r', '')).toBe(armored);
  });

  test.each([
    ['nothing', ''],
    ['a word', 'hunter2'],
    ['a public key', armored.replaceAll('PRIVATE', 'PUBLIC')],
    ['an SSH key', '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n'],
  ])('%s is refused, and not repeated', (_, text) => {
    const attempt = () => readPrivateKey(text);
    expect(attempt).toThrow(SigningError);
    expect(attempt).toThrow(/^gpg-private-key is not a private key\.$/);
  });
});

describe('what is hidden', () => {
  test.each([
    ['armored', armored],
    ['in base64', wrapped],
  ])('the key %s, its lines and the passphrase; nothing empty or common', (_, text) => {
    const logger = recordingLogger();
    maskKey(logger, text, 'hunter2');
    const hidden = logger.of('mask');
    expect(hidden).toEqual(expect.arrayContaining([text, armored, line, 'hunter2']));
    expect(hidden.filter((secret) => secret.length < 7 || /^-----[^\n]*$/.test(secret))).toEqual([]);
  });
});

describe('a key that can sign', () => {
  test('gives its fingerprint', () => {
    expect(usableKey(listing())).toBe(fingerprint);
  });

  test.each([
    ['expired', listing('e', 'sc', '1578009600'), /expired on 2020-01-03/],
    ['revoked', listing('r', 'sc'), /is revoked/],
    ['for encryption', listing('-', 'cC'), /can't sign/],
    ['none', '', /no private key/],
    ['two', listing() + listing(), /holds 2 private keys/],
  ])('%s is refused', (_, text, message) => {
    expect(() => usableKey(text)).toThrow(SigningError);
    expect(() => usableKey(text)).toThrow(message);
  });
});

describe('withKeyring', () => {
  const env = { PATH: '/bin', 'INPUT_GPG-PRIVATE-KEY': armored };

  /** A gpg that answers by what it is asked to do. */
  const gpg = (answers: Readonly<Record<string, Answer>> = {}) =>
    fakeProcess((command) => {
      const verb = Object.keys(answers).find((word) => command.includes(word));
      if (verb !== undefined) return answers[verb];
      return command.includes('--list-secret-keys') ? { stdout: listing() } : undefined;
    });

  async function sign(process: ReturnType<typeof gpg>, instead?: string) {
    const place = await temporaryFolder();
    const file = join(place, 'a-SHA256SUMS');
    const logger = recordingLogger();
    const folders: string[] = [];
    const outcome = await withKeyring(
      process,
      {
        privateKey: armored,
        passphrase: 'hunter2',
        env,
        logger,
        places: [instead ?? place],
        onFolder: (f) => folders.push(f),
      },
      (keyring) => keyring.signFiles([file]),
    ).catch((error: unknown) => error);
    return { outcome, logger, folders, file, left: await readdir(place) };
  }

  test('key and passphrase go in by standard input, and gpg gets no variable but PATH', async () => {
    const valid = `[GNUPG:] GOODSIG FFFF A <a@test>\n[GNUPG:] VALIDSIG 00 2026 1 0 4 0 22 8 00 ${fingerprint}\n`;
    const process = gpg({ '--verify': { stdout: valid } });
    await sign(process);
    expect(process.calls.length).toBeGreaterThan(3);
    for (const { command, options } of process.calls) {
      expect(command.join(' ')).not.toMatch(/hunter2|exampleexample/);
      expect(options.env).toEqual({ PATH: '/bin', LC_ALL: 'C' });
    }
    expect(process.calls.find(({ command }) => command.includes('--import'))?.options.input).toBe(armored);
    expect(process.calls.find(({ command }) => command.includes('--detach-sign'))?.options.input).toBe(
      'hunter2\n',
    );
  });

  test.each<[string, Readonly<Record<string, Answer>>, RegExp]>([
    [
      'a key that gpg does not read',
      { '--import': { exitCode: 2, stderr: 'gpg: invalid' } },
      /could not read/,
    ],
    ['a wrong passphrase', failure(67108875), /not the passphrase of the key/],
    ['a missing passphrase', failure(67109041), /has a passphrase/],
    ['another failure', failure(17), /could not be signed: no/],
  ])('%s is a SigningError; nothing is left', async (_, answers, message) => {
    const { outcome, left, folders } = await sign(gpg(answers));
    expect(outcome).toBeInstanceOf(SigningError);
    expect(String(outcome)).toMatch(message);
    expect(left.filter((name) => name.startsWith('slurm-factory-gpg'))).toEqual([]);
    expect(folders).toHaveLength(1);
  });

  test('a machine without gpg is told what to install', async () => {
    const { outcome } = await sign(fakeProcess(() => ({ exitCode: 127 })));
    expect(outcome).toBeInstanceOf(MissingRequirementError);
    expect((outcome as MissingRequirementError).hint).toMatch(/apt-get install --yes gnupg/);
  });

  test('a place that is no memory is passed over with a warning, and the agent is ended', async () => {
    const process = gpg(failure(17));
    const { logger, folders } = await sign(process, '/proc');
    expect(logger.of('warning')).toEqual([expect.stringContaining('the signing key is below')]);
    expect(process.lines).toContain(`gpgconf --homedir ${folders[0]} --kill all`);
  });
});

function failure(code: number): Readonly<Record<string, Answer>> {
  const stdout = `[GNUPG:] BEGIN_SIGNING H8\n[GNUPG:] FAILURE sign ${code}\n`;
  return { '--detach-sign': { exitCode: 2, stdout, stderr: 'gpg: no\n' } };
}
