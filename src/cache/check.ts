import { readPlain, sha256Plain } from '../base/safe.js';
import { ContentError, listContent } from './content.js';
import type { Seal } from './seal.js';

/** Sums of an entry's files, as sha256sum writes them. */
export const sumsFile = 'ENTRY.sha256';
/** Beside the sums where the build has a secret. */
export const sealFile = 'ENTRY.hmac';
/** bytes; the sums of as many files as an entry may have are fewer */
const sumsLimit = 10e6;

const sumLine = /^([0-9a-f]{64}) {2}(.+)$/;

export interface CheckedEntry {
  /** sha256 of each file that is listed and sound. */
  readonly sums: ReadonlyMap<string, string>;
  /** Of those. */
  readonly bytes: number;
  /** The first thing that is wrong. */
  readonly damage: string | undefined;
}

/**
 * Checks an entry that nobody vouches for yet; no link in it is followed.
 * @param key what the store knows it by
 */
export async function checkEntry(folder: string, key: string, seal: Seal | undefined): Promise<CheckedEntry> {
  const sums = new Map<string, string>();
  let bytes = 0;
  const damaged = (damage: string): CheckedEntry => ({ sums, bytes, damage });
  try {
    const { names: all } = await listContent(folder);
    if (all.length === 0) return damaged('it is empty');
    if (!all.includes(sumsFile)) return damaged(`${sumsFile} is missing`);
    const text = (await readPlain(folder, sumsFile, sumsLimit)).toString('utf8');
    if (seal !== undefined) {
      if (!all.includes(sealFile)) return damaged(`it has no seal, ${sealFile}`);
      const mark = await readPlain(folder, sealFile, sumsLimit);
      if (!seal.holds(key, text, mark.toString('utf8'))) return damaged("its seal is not this build's");
    }
    const files = new Set(all.filter((name) => name !== sumsFile && name !== sealFile));
    for (const line of text.split('\n').slice(0, -1)) {
      const [, sum, name] = sumLine.exec(line) ?? [];
      if (sum === undefined || name === undefined) return damaged(`${sumsFile} is not a list of sums`);
      if (!files.has(name)) return damaged(`${name} is missing`);
      const found = await sha256Plain(folder, name);
      if (found.sha256 !== sum) return damaged(`${name} does not match its sum`);
      sums.set(name, sum);
      bytes += found.size;
    }
    // Sums that were cut between two lines would vouch for a part.
    const unknown = [...files].find((name) => !sums.has(name));
    if (unknown !== undefined) return damaged(`${sumsFile} does not list ${unknown}`);
    if (sums.size === 0) return damaged('it is empty');
    return { sums, bytes, damage: undefined };
  } catch (error) {
    if (error instanceof ContentError) return damaged(error.message);
    throw error;
  }
}
