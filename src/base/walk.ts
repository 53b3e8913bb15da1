import { constants } from 'node:fs';
import { type FileHandle, lstat, open, opendir, readlink } from 'node:fs/promises';
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
  const found: string[] = [];
  await walkPlain(root, options, (path, { file }) => {
    if (file) found.push(path);
  });
  return found.sort();
}

/** What lies at a path, with its permissions. */
export interface WalkedEntry {
  readonly path: string;
  readonly type: 'file' | 'folder' | 'symlink' | 'other';
  /** Permissions, as in `0o4755`. */
  readonly mode: number;
  /** Of a symbolic link: what it says. */
  readonly target: string | undefined;
}

/**
 * All that lies below a folder, by relative path, found as `listPlain` finds files.
 * @throws PlainFileError when there is more than `limit`
 */
export async function listEntries(root: string, limit = most): Promise<WalkedEntry[]> {
  const found: WalkedEntry[] = [];
  await walkPlain(root, { limit }, async (path, { file, folder }, at) => {
    const facts = await lstat(at).catch(() => undefined);
    if (facts === undefined) return;
    const target = facts.isSymbolicLink() ? await readlink(at).catch(() => undefined) : undefined;
    const type = file ? 'file' : folder ? 'folder' : target === undefined ? 'other' : 'symlink';
    found.push({ path, type, mode: facts.mode & 0o7777, target });
  });
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** @param visit told of each entry, and where it can be reached while it is */
async function walkPlain(
  root: string,
  options: { readonly limit?: number; readonly enter?: (folder: string) => boolean },
  visit: (
    path: string,
    kind: { readonly file: boolean; readonly folder: boolean },
    at: string,
  ) => Promise<void> | void,
): Promise<void> {
  const { limit = most, enter = () => true } = options;
  let seen = 0;
  const walk = async (folder: FileHandle, before: readonly string[]): Promise<void> => {
    const folders: string[] = [];
    // Below an open folder, whatever is put at its path meanwhile.
    const here = `/proc/self/fd/${folder.fd}`;
    for await (const entry of await opendir(here)) {
      seen += 1;
      if (seen > limit) throw new PlainFileError(root, `has more than ${limit} files`);
      const path = [...before, entry.name].join('/');
      const kind = { file: entry.isFile(), folder: entry.isDirectory() };
      await visit(path, kind, `${here}/${entry.name}`);
      if (kind.folder && before.length < deepest && enter(path)) folders.push(entry.name);
    }
    for (const name of folders) {
      const next = await openFolder(`${here}/${name}`, O_NOFOLLOW);
      if (next !== undefined) await within(next, (opened) => walk(opened, [...before, name]));
    }
  };
  const top = await openFolder(root);
  if (top !== undefined) await within(top, (opened) => walk(opened, []));
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
