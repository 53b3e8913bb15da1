import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';

/**
 * Makes a signing key with a passphrase.
 * @param home folder for gpg; removed again
 * @returns the armored private key
 */
export function makeSigningKey(home: string, passphrase: string): string {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const options = ['--homedir', home, '--batch', '--pinentry-mode', 'loopback', '--passphrase', passphrase];
  const gpg = (...words: string[]) =>
    execFileSync('gpg', [...options, ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    gpg('--quick-generate-key', 'Release <release@example.test>', 'ed25519', 'sign', '1d');
    return gpg('--armor', '--export-secret-keys');
  } finally {
    execFileSync('gpgconf', ['--homedir', home, '--kill', 'all']);
    rmSync(home, { recursive: true });
  }
}
