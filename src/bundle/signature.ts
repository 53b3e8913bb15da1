import { chmod, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { SigningError } from '../base/errors.js';
import type { Logger, ProcessRunner } from '../base/ports.js';
import { readPlain } from '../base/safe.js';
import { signatureName } from './catalogue.js';
import { type Env, Gpg, gpgReason, removeKeyring, signatureLimit, withPublicKey } from './gpg.js';

/** Detached GPG signatures, made with a key that is never in an argument, a variable or a file on a disk. */

export interface SigningOptions {
  /** Armored, or base64 of that. */
  readonly privateKey: string;
  /** Empty for a key without one. */
  readonly passphrase: string;
  /** Only PATH and XDG_RUNTIME_DIR are read; gpg gets PATH alone. */
  readonly env: Env;
  readonly logger: Logger;
  /** Told of the folder with the key before the key is in it, so that a cancelled run can remove it. */
  readonly onFolder?: (folder: string) => void;
  /** Folders to keep the key in, best first. */
  readonly places?: readonly string[];
}

/** A private key that is ready to sign. */
export interface Keyring {
  /** Of the primary key, 40 hex digits. */
  readonly fingerprint: string;
  /** The public key, armored. */
  readonly publicKey: string;
  /**
   * Signs each file and checks the signatures with the public key alone.
   * @returns paths of the signatures, see `signatureName`
   */
  signFiles(files: readonly string[]): Promise<string[]>;
  /**
   * Lets a program that runs gpg by itself sign with the key, for as long as `body` runs.
   * @param seenAs the folder's path as that program sees it; its own where left out
   * @returns the folder, gpg's home
   */
  lend(seenAs?: string): Promise<string>;
}

const header = '-----BEGIN PGP PRIVATE KEY BLOCK-----';

/**
 * The armored key of an input.
 * @throws SigningError when it is not a private key
 */
export function readPrivateKey(text: string): string {
  for (const candidate of [text, Buffer.from(text, 'base64').toString('utf8')]) {
    if (candidate.includes(header)) return `${candidate.trim()}\n`;
  }
  throw new SigningError(
    'gpg-private-key is not a private key.',
    'Give the output of `gpg --armor --export-secret-keys KEY`, as it is or in base64.',
  );
}

/** Hides the key, each of its lines and the passphrase in all later output. */
export function maskKey(logger: Logger, privateKey: string, passphrase: string): void {
  const armored = Buffer.from(privateKey, 'base64').toString('utf8');
  const texts = [privateKey, ...(armored.includes(header) ? [armored] : [])];
  // A log is masked line by line; masking short lines and the frame would hide other text too.
  const lines = texts
    .flatMap((text) => text.split(/\r?\n/))
    .filter((line) => /^[A-Za-z0-9+/=]{16,}$/.test(line));
  for (const secret of [...texts, ...lines, passphrase]) if (secret.trim() !== '') logger.mask(secret);
}

/**
 * Gives `body` a keyring that only this call knows; nothing of it is left afterwards.
 * @throws SigningError, MissingRequirementError
 */
export async function withKeyring<T>(
  process: ProcessRunner,
  options: SigningOptions,
  body: (keyring: Keyring) => Promise<T>,
): Promise<T> {
  const { passphrase, env, logger } = options;
  maskKey(logger, options.privateKey, passphrase);
  const privateKey = readPrivateKey(options.privateKey);
  const folder = await makePrivateFolder(options);
  const gpg = new Gpg(process, folder, env);
  try {
    options.onFolder?.(folder);
    const imported = await gpg.run(['--import'], privateKey);
    if (imported.exitCode !== 0) {
      throw new SigningError(
        `gpg could not read the private key: ${gpgReason(imported)}`,
        'Export it again with `gpg --armor --export-secret-keys KEY`; give the whole text.',
      );
    }
    const listed = await gpg.run(['--list-secret-keys', '--with-colons', '--fixed-list-mode']);
    const fingerprint = usableKey(listed.stdout);
    const { stdout: publicKey } = await gpg.run(['--armor', '--export', fingerprint]);
    return await body({
      fingerprint,
      publicKey,
      signFiles: (files) => signAndCheck(gpg, { fingerprint, publicKey, passphrase, env }, process, files),
      lend: (seenAs = folder) => lend(folder, seenAs, passphrase),
    });
  } finally {
    await removeKeyring(process, folder, env);
  }
}

// What runs gpg by itself gives it no passphrase; it lies beside the key, and goes with it.
async function lend(folder: string, seenAs: string, passphrase: string): Promise<string> {
  const words = ['batch', 'no-tty', 'yes', 'pinentry-mode loopback', `passphrase-file ${seenAs}/passphrase`];
  await writeFile(join(folder, 'passphrase'), firstLine(passphrase), { mode: 0o600 });
  await writeFile(join(folder, 'gpg.conf'), words.map((word) => `${word}\n`).join(''));
  return folder;
}

const firstLine = (passphrase: string): string => `${passphrase.replace(/[\r\n]+$/, '')}\n`;

const memoryFileSystems = new Set([0x01021994, 0x858458f6]);

/** A folder in memory that only this user can read. */
async function makePrivateFolder({ places, env, logger }: SigningOptions): Promise<string> {
  const runtime = env['XDG_RUNTIME_DIR'];
  for (const place of places ?? ['/dev/shm', ...(runtime ? [runtime] : [])]) {
    const inMemory = await statfs(place).then(
      ({ type }) => memoryFileSystems.has(type),
      () => false,
    );
    if (!inMemory) continue;
    const folder = await makeFolder(place).catch(() => undefined);
    if (folder !== undefined) return folder;
  }
  logger.warning(
    `Neither /dev/shm nor XDG_RUNTIME_DIR is in memory: the signing key is below ${tmpdir()} while files are signed.`,
  );
  return makeFolder(tmpdir());
}

async function makeFolder(place: string): Promise<string> {
  const folder = await mkdtemp(join(place, 'slurm-factory-gpg-'));
  await chmod(folder, 0o700);
  return folder;
}

/**
 * The fingerprint of the one key that `gpg --list-secret-keys --with-colons` lists.
 * @throws SigningError when it can't sign
 */
export function usableKey(listing: string): string {
  const records = listing.split('\n').map((line) => line.split(':'));
  const keys = records.flatMap((record, index) => {
    if (record[0] !== 'sec') return [];
    const fingerprint = records.slice(index).find(([type]) => type === 'fpr')?.[9] ?? '';
    return [{ fingerprint, validity: record[1] ?? '', expiry: record[6] ?? '', can: record[11] ?? '' }];
  });
  const [key] = keys;
  if (key === undefined || keys.length > 1) {
    throw new SigningError(
      key === undefined
        ? 'gpg-private-key holds no private key that gpg can read.'
        : `gpg-private-key holds ${keys.length} private keys.`,
      'Export exactly one key with `gpg --armor --export-secret-keys KEY`.',
    );
  }
  const name = `The signing key ${key.fingerprint}`;
  if (key.validity === 'e') {
    const day = new Date(Number(key.expiry) * 1000).toISOString().slice(0, 10);
    throw new SigningError(`${name} expired on ${day}.`, 'Extend its expiry date or use another key.');
  }
  if (key.validity === 'r') throw new SigningError(`${name} is revoked.`, 'Use another key.');
  // A capital S: the key, or a subkey of it, can sign today.
  if (!key.can.includes('S')) {
    throw new SigningError(`${name} can't sign.`, 'Use a key that can sign, or that has a subkey for it.');
  }
  return key.fingerprint;
}

interface Signer {
  readonly fingerprint: string;
  readonly publicKey: string;
  readonly passphrase: string;
  readonly env: Env;
}

async function signAndCheck(
  gpg: Gpg,
  signer: Signer,
  process: ProcessRunner,
  files: readonly string[],
): Promise<string[]> {
  const made: string[] = [];
  try {
    for (const file of files) {
      made.push(signatureName(file));
      await sign(gpg, signer, file);
    }
    await checkAll(signer, process, files);
    return made;
  } catch (error) {
    // A file with a signature that nobody checked must not be handed out.
    for (const signature of made) await rm(signature, { force: true });
    throw error;
  }
}

async function sign(gpg: Gpg, { fingerprint, passphrase }: Signer, file: string): Promise<void> {
  const signed = await gpg.run(
    [
      '--pinentry-mode',
      'loopback',
      '--passphrase-fd',
      '0',
      '--local-user',
      fingerprint,
      '--digest-algo',
      'SHA256',
      '--yes',
      '--armor',
      '--output',
      signatureName(file),
      '--detach-sign',
      '--',
      file,
    ],
    firstLine(passphrase),
  );
  if (signed.exitCode === 0) return;
  const code = Number(/^\[GNUPG:\] FAILURE sign (\d+)/m.exec(signed.stdout)?.[1] ?? 0) & 0xffff;
  if (code === badPassphrase) {
    throw new SigningError('gpg-passphrase is not the passphrase of the key.', 'Correct the passphrase.');
  }
  if (code === noPassphrase) {
    throw new SigningError('The signing key has a passphrase.', 'Give it as gpg-passphrase.');
  }
  throw new SigningError(
    `${basename(file)} could not be signed: ${gpgReason(signed)}`,
    'Try the key with `gpg --detach-sign`.',
  );
}

// libgpg-error's numbers; the upper bits name the part that failed.
const badPassphrase = 11;
const noPassphrase = 177;

/** Checks fresh signatures in a second keyring, which has the public key and nothing else. */
async function checkAll(
  { fingerprint, publicKey, env }: Signer,
  process: ProcessRunner,
  files: readonly string[],
): Promise<void> {
  const key = { name: 'The key', bytes: Buffer.from(publicKey) };
  await withPublicKey(process, key, env, async ({ verify }) => {
    for (const file of files) {
      const signature = await readPlain(dirname(file), signatureName(basename(file)), signatureLimit);
      const checked = await verify(file, signature);
      if (checked.good && checked.fingerprint === fingerprint) continue;
      throw new SigningError(
        `The new signature of ${basename(file)} is not valid: ${checked.good ? 'it was made with another key' : checked.reason}.`,
        'Build again; files without a valid signature are not handed out.',
      );
    }
  });
}
