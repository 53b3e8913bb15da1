import { constants } from 'node:fs';
import { access, lstat, mkdir, mkdtemp, open, rmdir, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, parse, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FolderError, InputError } from './errors.js';

/*
 * Node's `mkdir` with `recursive` never ends where the kernel says ENOENT for a folder whose parent is
 * there, as in /proc, and its loop runs outside of JavaScript, so that no signal ends it. Folders are made
 * one by one here.
 */

export interface FolderOptions {
  /** Rights of the folders that are made; the process's own where left out. */
  readonly mode?: number;
  /** Input or option that named the path; what is wrong with it is an `InputError` then. */
  readonly input?: string;
}

/**
 * Makes a folder and the folders above it, and makes sure that it can be written.
 * @throws InputError where an input named the path, else FolderError; FolderError where the machine is at fault
 */
export async function makeFolder(path: string, options: FolderOptions = {}): Promise<void> {
  const whole = resolve(path);
  try {
    await makeAll(whole, options.mode);
    await requireWritable(whole);
  } catch (error) {
    throw folderFault(path, error, options.input);
  }
}

/**
 * Makes sure that a file can be written where it is to be, before the work that it is about. Nothing is made.
 * @param input option that named it
 * @throws InputError
 */
export async function checkNewFile(path: string, input: string): Promise<void> {
  const whole = resolve(path);
  const folder = dirname(whole);
  const refuse = (message: string) => new InputError([{ input, message }]);
  if (path === '' || /\0/.test(path)) throw refuse('a file name is missing.');
  const there = await stat(whole).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw folderFault(path, error, input);
  });
  if (there?.isDirectory() === true || path.endsWith(sep)) throw refuse(`'${path}' is a folder, not a file.`);
  try {
    if (there !== undefined) return await access(whole, constants.W_OK);
    if ((await lstat(whole).catch(() => undefined))?.isSymbolicLink()) throw coded('EDANGLING', whole);
    if (!(await stat(folder)).isDirectory()) throw coded('ENOTDIR', folder);
    await requireWritable(folder);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw refuse(`the folder '${folder}' does not exist.`);
    throw folderFault(there === undefined ? folder : path, error, input);
  }
}

/**
 * What is wrong with a source mirror: a folder of this machine, by path or by file URL, that is not there,
 * is not a folder or can't be read. Mirrors elsewhere are not asked.
 * @param cwd folder that a relative path starts from
 * @returns a sentence; undefined where nothing is wrong
 */
export async function checkMirror(mirror: string, cwd: string): Promise<string | undefined> {
  const path = mirrorFolder(mirror, cwd);
  if (path === undefined) return undefined;
  if (path === '') return `'${mirror}' is not a file URL of a folder on this machine.`;
  try {
    if (!(await stat(path)).isDirectory()) throw coded('ENOTDIR', path);
    await access(path, constants.R_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return `the directory '${mirror}' does not exist.`;
    return sentence(mirror, error);
  }
}

/** Path of a mirror on this machine; undefined for one elsewhere, empty for a file URL that has no path here. */
export function mirrorFolder(mirror: string, cwd: string): string | undefined {
  if (/^file:\/\//i.test(mirror)) {
    try {
      return fileURLToPath(mirror);
    } catch {
      return '';
    }
  }
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(mirror) ? undefined : resolve(cwd, mirror);
}

// The folders above come first; a name that is there is looked at, not made.
async function makeAll(path: string, mode: number | undefined): Promise<void> {
  if (!isAbsolute(path) || path.includes('\0')) throw coded('EINVAL', path);
  if (await isFolder(path).catch(() => false)) return;
  const { root } = parse(path);
  const parts = path
    .slice(root.length)
    .split(sep)
    .filter((part) => part !== '');
  // Known before the first of them is made.
  const long = parts.some((part) => Buffer.byteLength(part) > 255);
  if (long || Buffer.byteLength(path) > 4095) throw coded('ENAMETOOLONG', path);
  let folder = root;
  let made = false;
  for (const part of parts) {
    const parent = folder;
    folder = join(folder, part);
    if (!made && (await isFolder(folder))) continue;
    made = await makeOne(folder, parent, mode);
  }
}

/** Whether a folder is there, links followed; an error where something else is. */
async function isFolder(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isDirectory()) return true;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    if ((await lstat(path).catch(() => undefined))?.isSymbolicLink()) throw coded('EDANGLING', path);
    return false;
  }
  throw coded('ENOTDIR', path);
}

/** @returns whether it was made; another process may have been faster */
async function makeOne(path: string, parent: string, mode: number | undefined): Promise<boolean> {
  try {
    await mkdir(path, mode === undefined ? {} : { mode });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && (await isFolder(path))) return false;
    // The folder above is there: its file system makes none.
    if (codeOf(error) === 'ENOENT' && (await isFolder(parent))) throw coded('ENOPARENT', parent);
    throw error;
  }
}

// access(2) tells root that all is well, and does not know of a file system that is full or makes no files.
async function requireWritable(folder: string): Promise<void> {
  await access(folder, constants.W_OK | constants.X_OK);
  try {
    await tryFile(folder);
  } catch (error) {
    throw codeOf(error) === 'ENOENT' ? coded('ENOPARENT', folder) : error;
  }
}

async function tryFile(folder: string): Promise<void> {
  try {
    // A file without a name (O_TMPFILE): nobody sees it, and nothing is left after a kill.
    const file = await open(folder, constants.O_RDWR | constants.O_DIRECTORY | 0o20000000, 0o600);
    await file.close();
  } catch (error) {
    // Not every file system has those.
    if (!['ENOTSUP', 'EOPNOTSUPP', 'EISDIR', 'EINVAL'].includes(codeOf(error) ?? '')) throw error;
    await rmdir(await mkdtemp(join(folder, '.slurm-factory-')));
  }
}

/**
 * An error of the file system that nothing has looked for (a disk that fills up) as a `FolderError`; any
 * other one as it is.
 */
export function systemFault(error: unknown): unknown {
  const { syscall, code, path, message } = (error ?? {}) as Partial<NodeJS.ErrnoException>;
  if (!fileCalls.has(syscall ?? '') || !faults.has(code ?? '')) return error;
  return new FolderError(
    path === undefined ? `A file could not be written: ${message}.` : capital(sentence(path, error)),
    'Fix that, or choose other folders.',
    { cause: error },
  );
}

const faults = new Set([
  'ENOSPC',
  'EDQUOT',
  'EROFS',
  'EACCES',
  'EPERM',
  'EIO',
  'ENOTDIR',
  'ELOOP',
  'ENAMETOOLONG',
]);
const fileCalls = new Set(
  'open mkdir mkdtemp write rename unlink rmdir copyfile link symlink scandir stat lstat chmod utime cp'.split(
    ' ',
  ),
);
const machineCodes = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM', 'ESTALE']);

function folderFault(path: string, error: unknown, input: string | undefined): unknown {
  const code = codeOf(error);
  if (code === undefined) return error;
  const message = sentence(path, error);
  if (input !== undefined && !machineCodes.has(code)) return new InputError([{ input, message }]);
  return new FolderError(
    capital(message),
    machineCodes.has(code) ? 'Fix that, or choose another folder.' : 'Choose another folder.',
    { cause: error },
  );
}

function sentence(path: string, error: unknown): string {
  const { path: at = path } = error as NodeJS.ErrnoException;
  const where = resolve(at) === resolve(path) ? '' : ` ('${shortened(at)}')`;
  const what = {
    ENOTDIR: 'is a file, not a folder',
    EEXIST: 'is a file, not a folder',
    ELOOP: 'is a loop of links',
    EDANGLING: 'is a link to nothing',
    ENAMETOOLONG: 'is too long',
    EACCES: "can't be reached or written by this user",
    EPERM: "can't be reached or written by this user",
    EROFS: 'is on a file system that is read-only',
    ENOPARENT: 'is in a place where no file or folder can be created',
    ENOENT: 'is not there',
    ENOSPC: 'is on a file system that is full',
    EDQUOT: "is on a file system where this user's quota is used up",
    EINVAL: 'is not a valid path',
    ERR_INVALID_ARG_VALUE: 'is not a valid path',
  }[codeOf(error) ?? ''];
  return `'${shortened(path)}' ${what ?? `can't be used: ${(error as Error).message}`}${where}.`;
}

const shortened = (path: string): string => (path.length > 200 ? `${path.slice(0, 200)}…` : path);

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | undefined)?.code;

function coded(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code, path });
}
