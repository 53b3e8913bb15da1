import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { MissingRequirementError, PackagingError, SigningError } from '../base/errors.js';
import type { ProcessRunner, RunResult } from '../base/ports.js';
import { PlainFileError, readPlain } from '../base/safe.js';
import { lastLine } from '../base/text.js';

/** gpg with keys of our own: it sees neither the user's keyring and settings nor a network. */

/** Environment variables; of them gpg gets PATH alone. */
export type Env = Readonly<Record<string, string | undefined>>;

/** What came of checking a signature. */
export type Checked =
  | { readonly good: true; readonly fingerprint: string; readonly user: string; readonly expired: boolean }
  | { readonly good: false; readonly reason: string };

/** Checks signatures against the keys of one key file. */
export interface Verifier {
  /**
   * @param file absolute path of a regular file
   * @param signature armored
   */
  verify(file: string, signature: Buffer): Promise<Checked>;
}

/** A public key: what it is called, and its bytes, armored or binary. */
export interface PublicKey {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Bytes that a key may have: those with thousands of signatures of others have some. */
export const keyLimit = 4 << 20;
/** Bytes that a signature may have; they have a few hundred. */
export const signatureLimit = 1 << 16;

/**
 * Reads the key file that a user named; it may be reached through links.
 * @throws PackagingError when it is not a regular file, or too large for a key
 */
export async function readKeyFile(path: string): Promise<PublicKey> {
  const real = await realpath(path).catch(() => {
    throw new PackagingError(`The key file ${path} does not exist.`, 'Name the file with the public key.');
  });
  try {
    return { name: basename(path), bytes: await readPlain(dirname(real), basename(real), keyLimit) };
  } catch (error) {
    if (!(error instanceof PlainFileError)) throw error;
    throw new PackagingError(`The key ${path} ${error.reason}.`, 'Name the file with the public key.');
  }
}

/** Runs gpg in one folder of keys, without anybody's settings and without a network. */
export class Gpg {
  constructor(
    private readonly process: ProcessRunner,
    private readonly folder: string,
    private readonly env: Env,
  ) {}

  async run(words: readonly string[], input?: string): Promise<RunResult> {
    const result = await this.process.run(
      [
        'gpg',
        '--homedir',
        this.folder,
        '--no-options',
        '--batch',
        '--no-tty',
        '--disable-dirmngr',
        '--no-auto-key-retrieve',
        '--status-fd',
        '1',
        ...words,
      ],
      { env: gpgEnvironment(this.env), ...(input === undefined ? {} : { input }) },
    );
    if (result.exitCode === 127) {
      throw new MissingRequirementError(
        'gpg is not installed.',
        'Install it: apt-get install --yes gnupg (dnf install --assumeyes gnupg2).',
      );
    }
    return result;
  }
}

// Inputs of an action are variables of its process: gpg and its agent shall not have them.
const gpgEnvironment = (env: Env): Record<string, string> => ({
  PATH: env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
  LC_ALL: 'C',
});

/**
 * Gives `body` a verifier with one key file's keys and no others.
 * @throws SigningError when there is no key in it, MissingRequirementError
 */
export async function withPublicKey<T>(
  process: ProcessRunner,
  key: PublicKey,
  env: Env,
  body: (verifier: Verifier) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'slurm-factory-gpg-'));
  const gpg = new Gpg(process, folder, env);
  try {
    // By a name of our own: a user's may look like an option, and lead elsewhere by now.
    const file = join(folder, 'key');
    await writeFile(file, key.bytes);
    const imported = await gpg.run(['--import', '--', file]);
    if (imported.exitCode !== 0) {
      throw new SigningError(
        `${key.name} is not a public key: ${gpgReason(imported)}`,
        'Give the file that `gpg --armor --export KEY` writes.',
      );
    }
    const listed = await gpg.run(['--list-keys', '--with-colons', '--fixed-list-mode']);
    const expiries = expiriesIn(listed.stdout);
    return await body({
      verify: (name, signature) => check(gpg, join(folder, 'signature'), expiries, resolve(name), signature),
    });
  } finally {
    await removeKeyring(process, folder, env);
  }
}

/** Ends the agent of a key folder and removes the folder; a folder that is gone already is not an error. */
export async function removeKeyring(process: ProcessRunner, folder: string, env: Env): Promise<void> {
  // The agent holds the passphrase in its memory. Its sockets may lie outside of the folder.
  for (const words of [['--kill', 'all'], ['--remove-socketdir']]) {
    await process
      .run(['gpgconf', '--homedir', folder, ...words], { env: gpgEnvironment(env), signal: null })
      .catch(() => undefined);
  }
  await rm(folder, { recursive: true, force: true });
}

async function check(
  gpg: Gpg,
  place: string,
  expiries: Expiries,
  file: string,
  signature: Buffer,
): Promise<Checked> {
  // gpg has several messages for this; ours is one.
  if (!signature.includes('-----BEGIN PGP SIGNATURE-----')) {
    return { good: false, reason: 'it is not a signature' };
  }
  await writeFile(place, signature);
  const weak = ['MD5', 'SHA1', 'RIPEMD160'].flatMap((name) => ['--weak-digest', name]);
  const verified = await gpg.run([...weak, '--trust-model', 'always', '--verify', '--', place, file]);
  return judge(verified, expiries, Date.now() / 1000);
}

/** When each key and subkey expires, by fingerprint, in seconds since 1970; undefined for never. */
export type Expiries = ReadonlyMap<string, number | undefined>;

/** Reads what `gpg --list-keys --with-colons` lists. */
export function expiriesIn(listing: string): Expiries {
  const expiries = new Map<string, number | undefined>();
  let expiry: number | undefined;
  for (const record of listing.split('\n').map((line) => line.split(':'))) {
    if (record[0] === 'pub' || record[0] === 'sub') expiry = record[6] ? Number(record[6]) : undefined;
    if (record[0] === 'fpr' && record[9] !== undefined) expiries.set(record[9], expiry);
  }
  return expiries;
}

/** OpenPGP's numbers of SHA-256, SHA-384, SHA-512 and SHA-224. */
const strongDigests = new Set(['8', '9', '10', '11']);
/** How far the signer's clock may be ahead, in seconds. */
const skew = 24 * 60 * 60;

/**
 * What `gpg --verify` found.
 * @param now seconds since 1970
 */
export function judge(
  { exitCode, stdout }: Pick<RunResult, 'exitCode' | 'stdout'>,
  expiries: Expiries,
  now: number,
): Checked {
  const bad = (reason: string): Checked => ({ good: false, reason });
  const status = (name: string) => new RegExp(`^\\[GNUPG:\\] ${name} (.*)$`, 'm').exec(stdout)?.[1];
  if (status('BADSIG') !== undefined) return bad('the file has other bytes than were signed');
  if (status('NO_PUBKEY') !== undefined) return bad(`it was made with another key (${status('NO_PUBKEY')})`);
  if (status('REVKEYSIG') !== undefined) return bad('the key is revoked');
  if (status('EXPSIG') !== undefined) return bad('the signature has expired');
  // Fingerprint, date, time, expiry, version, reserved, key's algorithm, digest, class, primary key.
  const valid = [...stdout.matchAll(/^\[GNUPG:\] VALIDSIG (.*)$/gm)].map(
    (match) => match[1]?.split(' ') ?? [],
  );
  const weak = status('ERRSIG')?.split(' ')[2];
  if (weak !== undefined && !strongDigests.has(weak)) return bad('it uses a weak digest');
  const [first] = valid;
  if (exitCode !== 0 || first === undefined) return bad('gpg does not accept it as a good signature');
  for (const fields of valid) {
    const reason = faultOf(fields, expiries, now);
    if (reason !== undefined) return bad(reason);
  }
  const expired = status('EXPKEYSIG');
  const named = status('GOODSIG') ?? expired ?? '';
  return {
    good: true,
    // Of the primary key; a subkey may have signed.
    fingerprint: first[9] ?? '',
    user: named.replace(/^\S+ ?/, ''),
    expired: expired !== undefined,
  };
}

function faultOf(fields: readonly string[], expiries: Expiries, now: number): string | undefined {
  const [own, , time, , , , , digest, kind, primary] = fields;
  const made = Number(time);
  if (digest === undefined || !strongDigests.has(digest)) return 'it uses a weak digest';
  // A signature of text takes other line ends for the same.
  if (kind !== '00') return 'it is not a signature of a file';
  if (!(made <= now + skew)) return 'it is dated in the future';
  const late = [own, primary].some((key) => made > (expiries.get(key ?? '') ?? Number.POSITIVE_INFINITY));
  return late ? 'it was made after the key had expired' : undefined;
}

/** What gpg says went wrong, in its last line. */
export const gpgReason = ({ stderr }: RunResult): string => lastLine(stderr).replace(/^gpg: /, '');
