import { constants } from 'node:fs';
import { type FileHandle, open, opendir } from 'node:fs/promises';
import { PlainFileError } from './safe.js';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;

/** Names that one listing may come upon: a build leaves some thousands. */
const most = 200_000;
const deepest = 64;

/**
 * Relative paths of all regular files below a folder, sorted by code unit, `/` between parts. Follows no link
 * below `root`, whoever may write there and whatever is exchanged meanwhile; what can't be listed is left out.
 * @param options files and folders that may be there; whether a folder, by its relative path, is looked into
 * @returns nothing where there is no such folder
 * @throws PlainFileError when there are more
 */
export async function listPlain(
  root: string,
  options: { readonly limit?: number; readonly enter?: (folder: string) => boolean } = {},
): Promise<string[]> {
  const { limit = most, enter = () => true } = options;
  const found: string[] = [];
  let seen = 0;
  const walk = async (folder: FileHandle, before: readonly string[]): Promise<void> => {
    const folders: string[] = [];
    // Below an open folder, whatever is put at its path meanwhile.
    const here = `/proc/self/fd/${folder.fd}`;
    for await (const entry of await opendir(here)) {
      seen += 1;
      if (seen > limit) throw new PlainFileError(root, `has more than ${limit} files`);
      const path = [...before, entry.name].join('/');
      if (entry.isFile()) found.push(path);
      else if (entry.isDirectory() && before.length < deepest && enter(path)) folders.push(entry.name);
    }
    for (const name of folders) {
      const next = await openFolder(`${here}/${name}`, O_NOFOLLOW);
      if (next !== undefined) await within(next, (opened) => walk(opened, [...before, name]));
    }
  };
  const top = await openFolder(root);
  if (top !== undefined) await within(top, (opened) => walk(opened, []));
  return found.sort();
}

async function openFolder(path: string, flags = 0): Promise<FileHandle | undefined> {
  return open(path, O_RDONLY | O_DIRECTORY | flags).catch(() => undefined);
}

async function within(folder: FileHandle, body: (folder: FileHandle) => Promise<void>): Promise<void> {
  try {
    await body(folder);
  } finally {
    await folder.close();
  }
}
