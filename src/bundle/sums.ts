import { basename, dirname } from 'node:path';
import { PackagingError } from '../base/errors.js';
import { readPlain, sha256Plain } from '../base/safe.js';
import { visible } from '../base/text.js';

/** One file that is handed out. */
export interface BundleFile {
  readonly name: string;
  /** bytes */
  readonly size: number;
  /** lower-case hex */
  readonly sha256: string;
}

/**
 * Size and sum of a regular file; its path may lead through links, its name may be none.
 * @throws PlainFileError
 */
export async function describeFile(path: string): Promise<BundleFile> {
  return { name: basename(path), ...(await sha256Plain(dirname(path), basename(path))) };
}

/** Bytes that SHA256SUMS may have; a target's has about one thousand. */
export const sumsLimit = 1 << 20;

/** Text of SHA256SUMS, as sha256sum(1) writes and checks it, sorted by name. */
export function formatSums(files: readonly BundleFile[]): string {
  return [...files]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((file) => `${file.sha256}  ${file.name}\n`)
    .join('');
}

/** Name and sum of each line of SHA256SUMS. */
export function parseSums(text: string): { name: string; sha256: string }[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const match = /^([0-9a-f]{64}) [ *]([^/]+)$/.exec(line);
      if (match?.[1] === undefined || match[2] === undefined) {
        throw new PackagingError(
          `SHA256SUMS has a line that is not a sum: ${visible(line.slice(0, 200))}`,
          'Fetch the files again.',
        );
      }
      return { sha256: match[1], name: match[2] };
    });
}

/**
 * Checks a folder's files against their sums.
 * @param sumsFile name of the file with the sums
 * @returns the names of the files, in the order of SHA256SUMS
 * @throws PackagingError that names the first file that is missing or differs
 */
export async function verifySums(folder: string, sumsFile: string): Promise<string[]> {
  const text = await readPlain(folder, sumsFile, sumsLimit).catch(() => {
    throw new PackagingError(`${folder} has no ${sumsFile}.`, 'Fetch the files again, all of them.');
  });
  const sums = parseSums(text.toString());
  for (const { name, sha256 } of sums) {
    const actual = await sha256Plain(folder, name).then(
      (sum) => sum.sha256,
      () => undefined,
    );
    if (actual !== sha256) {
      throw new PackagingError(
        `${name} ${actual === undefined ? 'is missing' : `does not match its sum in ${sumsFile}`}.`,
        'Delete the file and fetch it again.',
      );
    }
  }
  return sums.map((sum) => sum.name);
}
