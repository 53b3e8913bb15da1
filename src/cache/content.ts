import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { copyPlain, openPlain, type ReadSum } from '../base/safe.js';

/** What one entry may hold. The largest that builds save have 1 GB and a hundred files. */
export interface ContentLimits {
  readonly files: number;
  /** bytes of all files together */
  readonly bytes: number;
}

export const contentLimits: ContentLimits = { files: 10_000, bytes: 8e9 };

/** Says what is wrong with an entry: `it has a link (bin/tool)`. */
export class ContentError extends Error {}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const oddName = /[\x00-\x1f\x7f\ufffd]/;

/** Whether a name is that of a file below a folder, in the form that sums list it. */
export const isPlainName = (name: string): boolean =>
  name !== '' &&
  !oddName.test(name) &&
  name.split('/').every((part) => part !== '' && part !== '.' && part !== '..');

/**
 * Names of the files of an entry, relative, with `/` between parts, sorted. No link is followed.
 * @throws ContentError when there is anything in it but folders and regular files, or too much
 */
export async function listContent(
  root: string,
  limits: ContentLimits = contentLimits,
): Promise<{ readonly names: string[]; readonly bytes: number }> {
  const names: string[] = [];
  let [seen, bytes] = [0, 0];
  const walk = async (folder: string): Promise<void> => {
    for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
      const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
      seen += 1;
      if (seen > limits.files) throw new ContentError(`it has more than ${limits.files} files`);
      if (!isPlainName(name)) throw new ContentError(`it has a file with an odd name (${printable(name)})`);
      if (entry.isDirectory()) await walk(name);
      else if (!entry.isFile()) throw new ContentError(`it has a link or a special file (${name})`);
      else {
        bytes += (await lstat(join(root, name))).size;
        if (bytes > limits.bytes) throw new ContentError(`it has more than ${limits.bytes} bytes`);
        names.push(name);
      }
    }
  };
  const top = await lstat(root).catch(() => undefined);
  if (top === undefined) return { names, bytes };
  if (!top.isDirectory()) throw new ContentError('it is not a folder');
  await walk('');
  return { names: names.sort(), bytes };
}

const printable = (name: string): string => JSON.stringify(name).slice(1, -1);

/**
 * Copies a file from one folder to another under the same name, the folders around it with it. No link
 * below either folder is followed, and one in the file's place is replaced.
 * @returns size and sum of what was copied
 * @throws PlainFileError for the source
 */
export async function placeFile(
  from: { readonly root: string; readonly folder?: string },
  to: { readonly root: string; readonly folder?: string },
  name: string,
  limit: number = contentLimits.bytes,
): Promise<ReadSum> {
  const source = join(from.folder ?? '', name);
  const mode = await modeOf(from.root, source);
  return inFolder(to.root, dirname(join(to.folder ?? '', name)), async (folder) => {
    const partial = join(folder, `.partial-${randomBytes(6).toString('hex')}`);
    const copied = await copyPlain(from.root, source, partial, { mode, limit });
    try {
      await rename(partial, join(folder, name.slice(name.lastIndexOf('/') + 1)));
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
    return copied;
  });
}

async function modeOf(root: string, path: string): Promise<number> {
  const file = await openPlain(root, path);
  try {
    return (await file.stat()).mode & 0o777;
  } finally {
    await file.close();
  }
}

const plainFolder = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Makes a folder below `root` and gives a path of it that stays the same folder, whatever is put in its
 * place meanwhile.
 * @throws when a link or a file is on the way
 */
async function inFolder<T>(root: string, path: string, body: (folder: string) => Promise<T>): Promise<T> {
  await mkdir(root, { recursive: true });
  let folder: FileHandle = await open(root, constants.O_RDONLY | constants.O_DIRECTORY);
  // Node has no openat(2).
  const at = (name: string) => `/proc/self/fd/${folder.fd}/${name}`;
  try {
    for (const part of path.split('/').filter((word) => word !== '' && word !== '.')) {
      await mkdir(at(part)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error;
      });
      const next = await open(at(part), plainFolder);
      await folder.close();
      folder = next;
    }
    return await body(`/proc/self/fd/${folder.fd}`);
  } finally {
    await folder.close();
  }
}

/**
 * A new, empty folder that only this user can enter, in the place of whatever was there.
 * @throws when a folder above it belongs to another user
 */
export async function freshFolder(parent: string, name: string): Promise<string> {
  for (const place of [dirname(parent), parent]) {
    await mkdir(place, { recursive: place !== parent, mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    const found = await lstat(place);
    if (!found.isDirectory()) throw new Error(`${place} is not a folder; links are not followed`);
    if (place === parent && found.uid !== process.getuid?.())
      throw new Error(`${place} belongs to another user`);
  }
  const folder = join(parent, name);
  await rm(folder, { recursive: true, force: true });
  // Whatever was put there since is an error.
  await mkdir(folder, { mode: 0o700 });
  return folder;
}
