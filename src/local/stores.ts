import { randomUUID } from 'node:crypto';
import { cp, lstat, lutimes, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ArtifactStore, CacheInventory, CacheStore, StoredEntry } from '../base/ports.js';
import { ContentError, listContent, placeFile } from '../cache/content.js';

/**
 * A cache store in a local directory: one folder an entry, put there whole by one rename. A link is neither
 * an entry nor part of one.
 * @param scratch folder on the same file system for entries that are not whole yet
 */
export function directoryCache(root: string, scratch: string = root): CacheStore {
  return {
    inventory: directoryInventory(root, scratch),
    find: (key, prefixes) => findEntry(root, key, prefixes),
    async restore(key, prefixes, directory) {
      const found = await findEntry(root, key, prefixes);
      if (found === undefined) return undefined;
      await touch(join(root, found));
      // What is wrong with it, who asked for it finds: nothing of it has arrived then.
      await copyContent(join(root, found), directory).catch((error: unknown) => {
        if (!(error instanceof ContentError)) throw error;
      });
      return found;
    },
    async save(key, directory) {
      if (await isEntry(root, key)) return 'exists';
      await mkdir(root, { recursive: true, mode: 0o700 });
      await mkdir(scratch, { recursive: true, mode: 0o700 });
      const partial = join(scratch, `.partial-${randomUUID()}`);
      try {
        await mkdir(partial, { mode: 0o700 });
        await copyContent(directory, partial);
        await removeForeign(join(root, key));
        await rename(partial, join(root, key));
        return 'saved';
      } catch (error) {
        // Another build may have been faster; its entry has the same content.
        if (await isEntry(root, key)) return 'exists';
        throw error;
      } finally {
        await rm(partial, { recursive: true, force: true });
      }
    },
    async replace(key, directory) {
      const damaged = join(root, `.partial-${randomUUID()}`);
      await rename(join(root, key), damaged).catch((error: NodeJS.ErrnoException) => {
        // Another build has taken it away already.
        if (error.code !== 'ENOENT') throw error;
      });
      try {
        await this.save(key, directory);
      } finally {
        await rm(damaged, { recursive: true, force: true });
      }
    },
  };
}

/** What such a directory holds; an entry was last used when its folder was made or touched. */
function directoryInventory(root: string, scratch: string): CacheInventory {
  return {
    async list(prefixes) {
      const names = await readdir(root).catch(() => [] as string[]);
      const wanted = names.filter((name) => prefixes.some((prefix) => name.startsWith(prefix)));
      const entries = await Promise.all(wanted.map((name) => describeEntry(root, name)));
      return entries.filter((entry) => entry !== undefined);
    },
    async remove({ id }) {
      await mkdir(scratch, { recursive: true, mode: 0o700 });
      // Another build finds it whole or not at all.
      const partial = join(scratch, `.partial-${randomUUID()}`);
      const there = await rename(join(root, id), partial).then(
        () => true,
        async (error: unknown) => {
          if (await isEntry(root, id)) throw error;
          return false;
        },
      );
      if (there) await rm(partial, { recursive: true, force: true });
    },
    usage: async () => undefined,
  };
}

/** Copies an entry's files; no link is followed. */
async function copyContent(from: string, to: string): Promise<void> {
  await lstat(from);
  const { names } = await listContent(from);
  for (const name of names) await placeFile({ root: from }, { root: to }, name);
}

// A link at an entry's name is none: it could lead anywhere.
const isEntry = (root: string, key: string): Promise<boolean> =>
  lstat(join(root, key)).then(
    (found) => found.isDirectory(),
    () => false,
  );

// Nothing but a folder is ours; a folder would keep its place.
async function removeForeign(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found !== undefined && !found.isDirectory()) await rm(path, { force: true });
}

// Another build may remove it meanwhile.
async function describeEntry(root: string, name: string): Promise<StoredEntry | undefined> {
  const folder = join(root, name);
  try {
    const found = await lstat(folder);
    if (!found.isDirectory()) return undefined;
    // What is none that a build made counts as nothing, and may go.
    const { bytes } = await listContent(folder).catch((error: unknown) => {
      if (error instanceof ContentError) return { bytes: 0 };
      throw error;
    });
    return { id: name, key: name, size: bytes, lastUse: found.mtimeMs };
  } catch (error) {
    if (await isEntry(root, name)) throw error;
    return undefined;
  }
}

// A directory that can be read but not written serves as well; its entries keep their time.
async function touch(folder: string): Promise<void> {
  const now = new Date();
  await lutimes(folder, now, now).catch(() => {});
}

async function findEntry(
  root: string,
  key: string,
  prefixes: readonly string[],
): Promise<string | undefined> {
  if (await isEntry(root, key)) return key;
  const names = await readdir(root).catch(() => [] as string[]);
  for (const prefix of prefixes) {
    const near = names.filter((name) => name.startsWith(prefix));
    const entries = await Promise.all(near.map((name) => describeEntry(root, name)));
    const [newest] = entries.filter((entry) => entry !== undefined).sort((a, b) => b.lastUse - a.lastUse);
    if (newest !== undefined) return newest.key;
  }
  return undefined;
}

/**
 * The artifact store of the command line: files stay where they are, folders are kept.
 * @param root where folders are kept, by name; an older one of that name goes
 */
export function localArtifacts(root: string): ArtifactStore {
  return {
    uploadFolder: async (name, folder) => {
      const kept = join(root, name);
      await rm(kept, { recursive: true, force: true });
      await cp(folder, kept, { recursive: true });
      return { name, url: pathToFileURL(kept).href };
    },
  };
}
