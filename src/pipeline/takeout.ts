import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { copyPlain } from '../base/safe.js';

/**
 * Copies files out of a folder that a build writes to into one that it can't reach. No link is followed, so
 * nothing but the build's own files comes along.
 * @param files relative paths, regular files
 * @param limit bytes that each may have
 * @throws PlainFileError
 */
export async function takeOut(
  from: string,
  files: readonly string[],
  to: string,
  limit?: number,
): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const file of files) {
    await mkdir(dirname(join(to, file)), { recursive: true });
    await copyPlain(from, file, join(to, file), limit === undefined ? {} : { limit });
  }
}

/**
 * Writes a file into a folder that a build writes to: aside, then moved over the name, so that a link there is
 * replaced and not followed.
 * @param folder its parent is on the same file system and out of the build's reach
 */
export async function putIn(folder: string, name: string, text: string): Promise<void> {
  const aside = await mkdtemp(join(dirname(folder), 'put-'));
  try {
    await writeFile(join(aside, name), text);
    await rename(join(aside, name), join(folder, name));
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}
