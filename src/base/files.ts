import { createHash } from 'node:crypto';
import { readdir, readFile, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';

/** sha256 of a text or of bytes, lower-case hex. */
export function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Relative paths of all regular files below a folder, sorted by code unit, `/` between parts. */
export async function listFiles(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
}

/**
 * One digest over the names and bytes of a folder's files; the same wherever the folder lies.
 * Compiled Python files, which Spack writes beside its packages, do not count.
 */
export async function digestFolder(root: string): Promise<string> {
  const files = (await listFiles(root)).filter((file) => !file.includes('__pycache__'));
  const lines = await Promise.all(
    files.map(async (file) => `${sha256(await readFile(join(root, file)))}  ${file}`),
  );
  return sha256(lines.join('\n'));
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Free bytes of the file system that a folder lies in. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
