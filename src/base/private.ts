import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';

/** What is asked of a file or folder: `lstat`'s answer. */
export interface Facts {
  readonly uid: number;
  readonly mode: number;
  isDirectory(): boolean;
  isFile(): boolean;
}

const uid = (): number | undefined => process.getuid?.();

/**
 * Why a file or folder is not this user's alone to write, as the end of a sentence that begins with its path;
 * undefined when it is. No bit of a sticky folder helps: others still put names there that we would look for.
 */
export function sharedReason(facts: Facts, own: number | undefined = uid()): string | undefined {
  if (facts.uid !== own) return `belongs to another user (${facts.uid})`;
  if ((facts.mode & 0o022) !== 0) {
    return `can be written by others (mode ${(facts.mode & 0o7777).toString(8)})`;
  }
  return undefined;
}

/**
 * The same of a folder and of what it lies in: whoever may rename a folder above decides what is below.
 * @param path absolute; it must be there
 * @returns a whole sentence, without its full stop
 */
export function sharedFolder(path: string, lstat: (path: string) => Facts = lstatSync): string | undefined {
  const facts = lstat(path);
  if (!facts.isDirectory()) return `${path} is not a folder`;
  const shared = sharedReason(facts);
  if (shared !== undefined) return `${path} ${shared}`;
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const above = lstat(folder);
    // In a sticky folder nobody renames what is another's. A group of a folder above may be the user's own.
    const open = (above.mode & 0o002) !== 0 && (above.mode & 0o1000) === 0;
    if (open || (above.uid !== 0 && above.uid !== uid())) {
      return `${folder} ${open ? 'can be written by others' : `belongs to another user (${above.uid})`}`;
    }
    if (folder === dirname(folder)) return undefined;
  }
}
