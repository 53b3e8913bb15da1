import { createHash } from 'node:crypto';
import { closeSync, constants, lstatSync, openSync, type Stats } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { PackagingError } from './errors.js';

/** A file that is missing, or that is not a regular file at the place that its name says. */
export class PlainFileError extends PackagingError {
  override readonly name: string = 'PlainFileError';
  constructor(
    readonly path: string,
    /** Continues a sentence that begins with the file's name: `is a symbolic link`. */
    readonly reason: string,
    readonly missing = false,
  ) {
    super(`${path} ${reason}.`, 'Put a regular file there.');
  }
}

/** Size in bytes and lower-case hex sha256 of what was read. */
export interface ReadSum {
  readonly size: number;
  readonly sha256: string;
}

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY, O_DIRECTORY } = constants;
const pieceBytes = 1 << 20;

/**
 * Opens a regular file for reading without following any link below `root`, whoever may write there and
 * whatever is exchanged meanwhile. `root` itself may be reached through links. Never waits for a FIFO and
 * opens no device.
 * @param path parts below `root` with `/` between them; no `..`
 * @throws PlainFileError
 */
export async function openPlain(root: string, path: string): Promise<FileHandle> {
  const parts = path.split('/');
  const name = parts.at(-1) ?? '';
  if (parts.some((part) => part === '' || part === '.' || part === '..') || path.includes('\0')) {
    throw new PlainFileError(path, 'is not a path below its folder');
  }
  // The way there takes microseconds: a thread for each of its steps would cost ten times that.
  let folder = orPlainError(root, () => openSync(root, O_RDONLY | O_DIRECTORY));
  try {
    for (const part of parts.slice(0, -1)) {
      const next = orPlainError(path, () => openSync(at(folder, part), O_RDONLY | O_NOFOLLOW | O_DIRECTORY));
      closeSync(folder);
      folder = next;
    }
    // Opening a device may already do something, so it is looked at first.
    requireFile(
      path,
      orPlainError(path, () => lstatSync(at(folder, name))),
    );
    const file = await open(at(folder, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY).catch(
      (error: unknown) => {
        throw asPlainError(path, error);
      },
    );
    try {
      requireFile(path, await file.stat());
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  } finally {
    closeSync(folder);
  }
}

// A name below an open folder, whatever is put at the folder's path meanwhile: Node has no openat(2).
const at = (folder: number, name: string) => `/proc/self/fd/${folder}/${name}`;

function orPlainError<T>(path: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw asPlainError(path, error);
  }
}

function requireFile(path: string, stats: Stats): void {
  if (!stats.isFile()) throw new PlainFileError(path, kindOf(stats));
}

/** What something is that is not a regular file: `is a folder`. */
function kindOf(stats: Stats): string {
  if (stats.isSymbolicLink()) return 'is a symbolic link';
  if (stats.isDirectory()) return 'is a folder';
  if (stats.isFIFO()) return 'is a FIFO';
  if (stats.isSocket()) return 'is a socket';
  return 'is a device';
}

function asPlainError(path: string, error: unknown): PlainFileError {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return new PlainFileError(path, 'is missing', true);
  // With O_DIRECTORY a link that is not followed is "no directory", else it is a "loop".
  if (code === 'ENOTDIR' || code === 'ELOOP')
    return new PlainFileError(path, 'is not a file below plain folders');
  return new PlainFileError(path, `can't be read (${code ?? String(error)})`);
}

/** The pieces of an open file; ends with an error when it has more bytes than when it was opened. */
async function* pieces(file: FileHandle, path: string, limit: number): AsyncGenerator<Buffer> {
  const { size } = await file.stat();
  if (size > limit)
    throw new PlainFileError(path, `has ${size} bytes, more than the ${limit} that are allowed`);
  const buffer = Buffer.allocUnsafe(Math.min(pieceBytes, size + 1));
  for (let seen = 0; ; ) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
    seen += bytesRead;
    if (seen > size || (bytesRead === 0 && seen < size)) {
      throw new PlainFileError(path, 'changed while it was read');
    }
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

async function withPlain<T>(root: string, path: string, body: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await openPlain(root, path);
  try {
    return await body(file);
  } finally {
    await file.close();
  }
}

/**
 * The bytes of a small file, opened as `openPlain` does.
 * @param limit bytes that it may have
 * @throws PlainFileError
 */
export async function readPlain(root: string, path: string, limit: number): Promise<Buffer> {
  return withPlain(root, path, async (file) => {
    const read: Buffer[] = [];
    for await (const piece of pieces(file, path, limit)) read.push(Buffer.from(piece));
    return Buffer.concat(read);
  });
}

/**
 * Size and sum of a file, opened as `openPlain` does.
 * @param limit bytes that it may have
 * @throws PlainFileError
 */
export async function sha256Plain(
  root: string,
  path: string,
  limit = Number.MAX_SAFE_INTEGER,
): Promise<ReadSum> {
  return withPlain(root, path, async (file) => {
    const hash = createHash('sha256');
    let size = 0;
    for await (const piece of pieces(file, path, limit)) {
      hash.update(piece);
      size += piece.length;
    }
    return { size, sha256: hash.digest('hex') };
  });
}

/**
 * Copies a file, opened as `openPlain` does, to a path where nothing may be, not even a link. What a copy
 * that fails has written is removed.
 * @param destination its folder is trusted
 * @param options mode of the copy, default 0600 without the umask's bits; bytes that the file may have
 * @returns size and sum of the bytes that were copied
 * @throws PlainFileError for the source, and what the file system says of the destination
 */
export async function copyPlain(
  root: string,
  path: string,
  destination: string,
  options: { readonly mode?: number; readonly limit?: number } = {},
): Promise<ReadSum> {
  const { mode = 0o600, limit = Number.MAX_SAFE_INTEGER } = options;
  return withPlain(root, path, async (file) => {
    const copy = await open(destination, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      const hash = createHash('sha256');
      let size = 0;
      for await (const piece of pieces(file, path, limit)) {
        hash.update(piece);
        size += piece.length;
        await copy.writeFile(piece);
      }
      await copy.chmod(mode);
      await copy.close();
      return { size, sha256: hash.digest('hex') };
    } catch (error) {
      await copy.close().catch(() => undefined);
      await unlink(destination);
      throw error;
    }
  });
}
