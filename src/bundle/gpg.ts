import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { MissingRequirementError, SigningError } from '../base/errors.js';
import type { ProcessRunner, RunResult } from '../base/ports.js';

/** gpg with keys of our own: it sees neither the user's keyring and settings nor a network. */

/** Environment variables; of them gpg gets PATH alone. */
export type Env = Readonly<Record<string, string | undefined>>;

/** What came of checking a signature. */
export type Checked =
  | { readonly good: true; readonly fingerprint: string; readonly user: string; readonly expired: boolean }
  | { readonly good: false; readonly reason: string };

/** Checks signatures against the keys of one key file. */
export interface Verifier {
  verify(file: string, signature: string): Promise<Checked>;
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
 * Gives `body` a verifier with one key file's or text's keys and no others.
 * @param key path of a public key, armored or binary, or its armored text
 * @throws SigningError when there is no key in it, MissingRequirementError
 */
export async function withPublicKey<T>(
  process: ProcessRunner,
  key: { readonly file: string } | { readonly text: string },
  env: Env,
  body: (verifier: Verifier) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'slurm-factory-gpg-'));
  const gpg = new Gpg(process, folder, env);
  try {
    const imported = await ('file' in key
      ? gpg.run(['--import', key.file])
      : gpg.run(['--import'], key.text));
    if (imported.exitCode !== 0) {
      throw new SigningError(
        `${'file' in key ? basename(key.file) : 'The key'} is no public key: ${lastLine(imported)}`,
        'Give the file that `gpg --armor --export KEY` writes.',
      );
    }
    return await body({ verify: (file, signature) => check(gpg, file, signature) });
  } finally {
    await removeKeyring(process, folder, env);
  }
}

/** Ends the agent of a key folder and removes the folder; what is gone already is no error. */
export async function removeKeyring(process: ProcessRunner, folder: string, env: Env): Promise<void> {
  // The agent holds the passphrase in its memory. Its sockets may lie outside of the folder.
  for (const words of [['--kill', 'all'], ['--remove-socketdir']]) {
    await process
      .run(['gpgconf', '--homedir', folder, ...words], { env: gpgEnvironment(env) })
      .catch(() => undefined);
  }
  await rm(folder, { recursive: true, force: true });
}

async function check(gpg: Gpg, file: string, signature: string): Promise<Checked> {
  // What is no signature is told by us: gpg's words for it are many.
  if (!(await readFile(signature, 'utf8')).includes('-----BEGIN PGP SIGNATURE-----')) {
    return { good: false, reason: 'it is no signature' };
  }
  const { exitCode, stdout } = await gpg.run(['--trust-model', 'always', '--verify', signature, file]);
  const status = (name: string) => new RegExp(`^\\[GNUPG:\\] ${name} (.*)$`, 'm').exec(stdout)?.[1];
  if (status('BADSIG') !== undefined)
    return { good: false, reason: 'the file has other bytes than were signed' };
  if (status('NO_PUBKEY') !== undefined) {
    return { good: false, reason: `it is of another key (${status('NO_PUBKEY')})` };
  }
  if (status('REVKEYSIG') !== undefined) return { good: false, reason: 'the key is revoked' };
  if (status('EXPSIG') !== undefined) return { good: false, reason: 'the signature has expired' };
  // The fingerprint of the primary key is the last word; a subkey may have signed.
  const fingerprint = status('VALIDSIG')?.split(' ').at(-1);
  if (exitCode !== 0 || fingerprint === undefined) {
    return { good: false, reason: 'gpg does not take it for a good signature' };
  }
  const named = status('GOODSIG') ?? status('EXPKEYSIG') ?? '';
  return {
    good: true,
    fingerprint,
    user: named.replace(/^\S+ ?/, ''),
    expired: status('EXPKEYSIG') !== undefined,
  };
}

/** gpg's last word on what went wrong. */
export const lastLine = ({ stderr }: RunResult): string =>
  stderr
    .trim()
    .split('\n')
    .at(-1)
    ?.replace(/^gpg: /, '') ?? '';
