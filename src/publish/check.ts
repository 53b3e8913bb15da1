import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PackagingError } from '../base/errors.js';
import type { ProcessRunner } from '../base/ports.js';
import { readPlain } from '../base/safe.js';
import { looksHandedOut, signatureName } from '../bundle/catalogue.js';
import { type Env, readKeyFile, signatureLimit, withPublicKey } from '../bundle/gpg.js';
import { parseSums, verifySums } from '../bundle/sums.js';
import { verifyFolder } from '../bundle/verify.js';
import { indexLimit, parseIndex, type ReleaseIndex } from './index-file.js';
import { releaseFiles } from './names.js';

/** Whether the files of a release are what its index, its sums and its signature say. */

export interface CheckReleaseOptions {
  readonly env: Env;
  /** Fingerprint of the key that the sums must be signed with; undefined for unsigned ones. */
  readonly fingerprint?: string | undefined;
  /** Key file that the results' own signatures must be of, see `verifyFolder`. */
  readonly publicKey?: string | undefined;
}

/**
 * Checks a folder that has all files of a release, and no others.
 * @throws PackagingError that names what is wrong
 */
export async function checkRelease(
  folder: string,
  { env, fingerprint, publicKey }: CheckReleaseOptions,
  process: ProcessRunner,
): Promise<ReleaseIndex> {
  const names = await readdir(folder);
  const wrong = (message: string) =>
    new PackagingError(message, 'Do not use these files: publish them again.');
  await verifySums(folder, releaseFiles.sums);
  const sums = new Map(await readSums(folder));
  const index = parseIndex(
    (await readPlain(folder, releaseFiles.index, indexLimit)).toString(),
    releaseFiles.index,
  );
  for (const { identifier, files } of index.targets) {
    for (const { name, sha256 } of files) {
      if (sums.get(name) !== sha256)
        throw wrong(
          `${releaseFiles.index} has another sum of ${name} (${identifier}) than ${releaseFiles.sums}.`,
        );
    }
  }
  const inIndex = new Set(index.targets.flatMap(({ files }) => files.map(({ name }) => name)));
  const stray = [...sums.keys()].find((name) => looksHandedOut(name) && !inIndex.has(name));
  if (stray !== undefined) throw wrong(`${stray} is not in ${releaseFiles.index}.`);
  const signed = names.includes(signatureName(releaseFiles.sums));
  if (fingerprint !== undefined && !signed) throw wrong(`${signatureName(releaseFiles.sums)} is missing.`);
  if (fingerprint !== undefined) {
    const found = await signerOf(folder, releaseFiles.sums, env, process);
    if (!found.good) throw wrong(`${signatureName(releaseFiles.sums)}: ${found.reason}.`);
    if (found.fingerprint !== fingerprint) {
      throw wrong(
        `${releaseFiles.sums} is signed with the key ${found.fingerprint}, not with ${fingerprint}.`,
      );
    }
  }
  if (index.targets.length > 0) {
    await verifyFolder(folder, { env, ...(publicKey === undefined ? {} : { publicKey }) }, process);
  }
  return index;
}

/** Name and sum of each line of the release's sums. */
export async function readSums(folder: string): Promise<[name: string, sha256: string][]> {
  const text = (await readPlain(folder, releaseFiles.sums, indexLimit)).toString();
  return parseSums(text).map(({ name, sha256 }) => [name, sha256]);
}

/**
 * Whose signature a file of a release has.
 * @param key path of the public key; the one that lies beside the file where it is left out
 */
export async function signerOf(
  folder: string,
  file: string,
  env: Env,
  process: ProcessRunner,
  key: string = join(folder, releaseFiles.key),
) {
  const signature = await readPlain(folder, signatureName(file), signatureLimit);
  return withPublicKey(process, await readKeyFile(key), env, ({ verify }) =>
    verify(join(folder, file), signature),
  );
}
