import { constants } from 'node:fs';
import {
  type FileHandle,
  lstat,
  mkdtemp,
  open,
  readdir,
  realpath,
  rename,
  rmdir,
  unlink,
} from 'node:fs/promises';
import { join } from 'node:path';
import { lock } from 'proper-lockfile';
import { DiskSpaceError, FactoryError, InputError, PackagingError } from '../base/errors.js';
import { makeFolder } from '../base/folders.js';
import { ownerEnded } from '../base/owner.js';
import { copyPlain } from '../base/safe.js';
import { fileName, itemOf, possibleNames } from '../bundle/catalogue.js';
import type { BundleFile } from '../bundle/sums.js';

/** The folder that a target's files are handed out to. Others may write there, other builds too. */
export interface OutputPlace {
  /** Absolute path. */
  readonly outputDir: string;
  readonly identifier: string;
  /** Name of this process, see `processOwner`. */
  readonly owner: string;
}

/**
 * Makes the output folder, and finds now what would keep a finished result from it.
 * @throws InputError, DiskSpaceError
 */
export async function prepareOutput(place: OutputPlace): Promise<void> {
  await telling(place.outputDir, async () => {
    await makeFolder(place.outputDir, { input: 'output-dir' });
    await removeAside(await makeAside(place), place.identifier);
    for (const name of possibleNames(place.identifier)) {
      const there = await lstat(join(place.outputDir, name)).catch(() => undefined);
      if (there?.isDirectory())
        throw refuse(place.outputDir, `has a folder named ${name}, where a file has to go`);
    }
  });
}

/**
 * Puts files into the output folder: all of them, or none. Each is written aside first, and all are swapped in
 * by renaming while no other build of the target does, so that what is there is one build's. A link in a file's
 * place is replaced, not followed.
 * @param from folder that only this user can write
 * @param files their names, sizes and sums
 * @param whole whether they are a whole result: older files of the target then go
 * @throws InputError, DiskSpaceError, PackagingError
 */
export async function handOut(
  place: OutputPlace,
  from: string,
  files: readonly BundleFile[],
  whole: boolean,
): Promise<void> {
  await telling(place.outputDir, async () => {
    await makeFolder(place.outputDir, { input: 'output-dir' });
    // A lock that was taken for a dead build's can have two holders: then the last look fails.
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      if (await swapIn(place, from, files, whole)) return;
    }
    throw refuse(place.outputDir, 'is being changed by another program');
  });
}

const attempts = 5;

async function swapIn(
  place: OutputPlace,
  from: string,
  files: readonly BundleFile[],
  whole: boolean,
): Promise<boolean> {
  const { outputDir, identifier } = place;
  const aside = await makeAside(place);
  try {
    for (const { name, sha256 } of files) {
      const mode = (itemOf(identifier, name)?.program ? 0o777 : 0o666) & aside.mask;
      const copied = await copyPlain(from, name, aside.at(name), { mode });
      if (copied.sha256 !== sha256) {
        throw new PackagingError(`${name} was changed before it was handed out.`, 'Build again.');
      }
    }
    const unlock = await takeLock(outputDir, identifier);
    try {
      await removeLeftovers(place);
      return await swap(place, aside, files, whole);
    } finally {
      // Whoever took it away has the lock now.
      await unlock().catch(() => undefined);
    }
  } finally {
    await removeAside(aside, identifier);
  }
}

/** @returns whether all files in the output folder are those that were put there */
async function swap(
  { outputDir, identifier }: OutputPlace,
  aside: Aside,
  files: readonly BundleFile[],
  whole: boolean,
): Promise<boolean> {
  const sums = fileName(identifier, 'sums');
  // The sums go first and come last: what is cut off in between has none, and is taken for no result.
  const names = files.map(({ name }) => name).filter((name) => name !== sums);
  const older = whole
    ? possibleNames(identifier).filter((name) => !names.includes(name) && name !== sums)
    : [];
  const placed = new Map<string, number>();
  if (whole) await removeFile(join(outputDir, sums));
  for (const name of older) await removeFile(join(outputDir, name));
  for (const name of files.length > names.length ? [...names, sums] : names) {
    placed.set(name, (await lstat(aside.at(name))).ino);
    await rename(aside.at(name), join(outputDir, name));
  }
  for (const [name, inode] of placed) {
    const there = await lstat(join(outputDir, name)).catch(() => undefined);
    if (there?.ino !== inode) return false;
  }
  return true;
}

/** Long enough for a process that was stopped for a moment, in milliseconds. */
const staleAfter = 10_000;

/** Waits until no other build hands out files of the target. */
async function takeLock(outputDir: string, identifier: string): Promise<() => Promise<void>> {
  const folder = await realpath(outputDir);
  try {
    return await lock(join(folder, `.${identifier}`), {
      lockfilePath: join(folder, `.${identifier}.lock`),
      realpath: false,
      stale: staleAfter,
      // A minute: others hold it for some hundredths of a second.
      retries: { retries: 400, minTimeout: 20, maxTimeout: 200, factor: 1.2, randomize: true },
      onCompromised: () => undefined,
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ELOCKED') throw error;
    throw refuse(outputDir, `is in use by another build: .${identifier}.lock is there`);
  }
}

/** A folder in the output folder that only this user can enter. */
interface Aside {
  readonly folder: string;
  readonly handle: FileHandle;
  /** Permissions that the user gives new files. */
  readonly mask: number;
  /** Path of a file in it, whatever is put in its own place meanwhile. */
  at(name: string): string;
}

const asidePrefix = (identifier: string): string => `.${identifier}+`;
/** What else lies in a folder aside for a moment. */
const probe = 'probe';

/** Makes a folder aside, named so that others can tell whether its build still runs. */
async function makeAside({ outputDir, identifier, owner }: OutputPlace): Promise<Aside> {
  const folder = await mkdtemp(join(outputDir, `${asidePrefix(identifier)}${owner}.`));
  const aside = await openAside(folder);
  if (aside === undefined) throw refuse(outputDir, 'is being changed by another program');
  try {
    const file = await open(aside.at(probe), 'wx', 0o777);
    try {
      await file.write('full?');
      return { ...aside, mask: (await file.stat()).mode & 0o777 };
    } finally {
      await file.close();
    }
  } catch (error) {
    await removeAside(aside, identifier);
    throw error;
  }
}

/** @returns undefined for what is not a folder of this user's */
async function openAside(folder: string): Promise<Aside | undefined> {
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
  const handle = await open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW).catch(() => undefined);
  if (handle === undefined) return undefined;
  if ((await handle.stat()).uid === process.geteuid?.()) {
    return { folder, handle, mask: 0, at: (name) => `/proc/self/fd/${handle.fd}/${name}` };
  }
  await handle.close();
  return undefined;
}

// By their names: what would delete all that it finds could be led elsewhere.
async function removeAside(aside: Aside, identifier: string): Promise<void> {
  for (const name of [...possibleNames(identifier), probe]) {
    await unlink(aside.at(name)).catch(() => undefined);
  }
  await aside.handle.close();
  await rmdir(aside.folder).catch(() => undefined);
}

const day = 24 * 60 * 60_000;

/** Removes what builds left that were killed while they handed out. */
async function removeLeftovers({ outputDir, identifier, owner }: OutputPlace): Promise<void> {
  const prefix = asidePrefix(identifier);
  for (const name of await readdir(outputDir)) {
    if (!name.startsWith(prefix) || name.startsWith(`${prefix}${owner}.`)) continue;
    const aside = await openAside(join(outputDir, name));
    if (aside === undefined) continue;
    // Of a build on another machine nobody here knows whether it runs.
    const old = Date.now() - (await aside.handle.stat()).mtimeMs > day;
    if (old || ownerEnded(name.slice(prefix.length), owner)) await removeAside(aside, identifier);
    else await aside.handle.close();
  }
}

async function removeFile(path: string): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

const refuse = (folder: string, what: string): InputError =>
  new InputError([{ input: 'output-dir', message: `'${folder}' ${what}.` }]);

const words: Readonly<Record<string, string>> = {
  EACCES: "can't be written by this user",
  EPERM: "can't be written by this user",
  EROFS: 'is on a read-only file system',
  EEXIST: 'is not a folder',
  ENOTDIR: 'is not a folder, or is below a file',
  EISDIR: 'has a folder where a file has to go',
  ELOOP: 'is a loop of links',
  ENAMETOOLONG: 'has a name that is too long',
  ENOENT: "can't be created",
};

/** Tells what the file system says of the output folder as an error of the user's. */
async function telling(outputDir: string, body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof FactoryError || code === undefined) throw error;
    if (code === 'ENOSPC' || code === 'EDQUOT') {
      throw new DiskSpaceError(
        `${outputDir} is full.`,
        'Free disk space there, or choose another output-dir.',
      );
    }
    throw refuse(outputDir, words[code] ?? `can't be used (${code})`);
  }
}
