import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { readPlain } from '../base/safe.js';
import {
  furtherFolder,
  parseRelocationList,
  relocationDone,
  relocationList,
  relocationMark,
} from '../targets/relocation.js';

/** Bytes of the list, and of a file that a path was written into. */
const mostListBytes = 16 << 20;
const mostFileBytes = 1 << 28;

/** What was written into the further packages of an installed tree. */
export interface Relocated {
  /** What is wrong with it, a clause; undefined where nothing is. */
  readonly problem: string | undefined;
  /** Sum of a file as it was before; undefined for one that nothing was written into. */
  originalSum(path: string): Promise<string | undefined>;
}

/**
 * Reads what was written into a tree.
 * @param prefix of the tree, without symbolic links
 * @returns undefined for a tree that has no path in its packages, or has none written yet
 */
export async function readRelocated(prefix: string): Promise<Relocated | undefined> {
  const read = (path: string, limit: number) => readPlain(prefix, path, limit).catch(() => undefined);
  const list = parseRelocationList((await read(relocationList, mostListBytes))?.toString('utf8') ?? '');
  const done = (await read(relocationDone, mostListBytes))?.toString('utf8').split('\n')[0];
  if (list === undefined || !done) return undefined;
  const place = await realpath(done).catch(() => undefined);
  const padded = Buffer.from(done.padEnd(list.width, '/'));
  const mark = Buffer.from(relocationMark.padEnd(list.width, '_'));
  return {
    problem:
      place === join(prefix, furtherFolder) ? undefined : `names ${done}: run ${furtherFolder}/relocate`,
    originalSum: async (path) => {
      const kind = list.files.get(path.slice(furtherFolder.length + 1));
      if (!path.startsWith(`${furtherFolder}/`) || kind === undefined) return undefined;
      const bytes = await read(path, mostFileBytes);
      if (bytes === undefined) return undefined;
      const original = replaced(bytes, kind === 'text' ? Buffer.from(done) : padded, mark);
      return createHash('sha256').update(original).digest('hex');
    },
  };
}

function replaced(bytes: Buffer, from: Buffer, to: Buffer): Buffer {
  const parts: Buffer[] = [];
  let start = 0;
  for (let at = bytes.indexOf(from); at !== -1; at = bytes.indexOf(from, start)) {
    parts.push(bytes.subarray(start, at), to);
    start = at + from.length;
  }
  return Buffer.concat([...parts, bytes.subarray(start)]);
}
