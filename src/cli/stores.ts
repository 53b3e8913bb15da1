import { randomUUID } from 'node:crypto';
import { cp, mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { exists, listFiles } from '../base/files.js';
import type { ArtifactStore, CacheInventory, CacheStore, StoredEntry } from '../base/ports.js';

/**
 * A cache store in a local directory: one folder an entry, put there whole by one rename.
 * @param scratch folder on the same file system for entries that are not whole yet
 */
export function directoryCache(root: string, scratch: string = root): CacheStore {
  return {
    inventory: directoryInventory(root, scratch),
    async restore(key, prefixes, directory) {
      const found = await findEntry(root, key, prefixes);
      if (found === undefined) return undefined;
      await touch(join(root, found));
      await cp(join(root, found), directory, { recursive: true, verbatimSymlinks: true });
      return found;
    },
    async save(key, directory) {
      if (await exists(join(root, key))) return 'exists';
      await mkdir(root, { recursive: true });
      await mkdir(scratch, { recursive: true });
      const partial = join(scratch, `.partial-${randomUUID()}`);
      try {
        await cp(directory, partial, { recursive: true, verbatimSymlinks: true });
        await rename(partial, join(root, key));
        return 'saved';
      } catch (error) {
        // Another build may have been faster; its entry has the same content.
        if (await exists(join(root, key))) return 'exists';
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
      await mkdir(scratch, { recursive: true });
      // Another build finds it whole or not at all.
      const partial = join(scratch, `.partial-${randomUUID()}`);
      const there = await rename(join(root, id), partial).then(
        () => true,
        async (error: unknown) => {
          if (await exists(join(root, id))) throw error;
          return false;
        },
      );
      if (there) await rm(partial, { recursive: true, force: true });
    },
    usage: async () => undefined,
  };
}

// Another build may remove it meanwhile.
async function describeEntry(root: string, name: string): Promise<StoredEntry | undefined> {
  const folder = join(root, name);
  try {
    const files = await listFiles(folder);
    const sizes = await Promise.all(files.map(async (file) => (await stat(join(folder, file))).size));
    const size = sizes.reduce((sum, bytes) => sum + bytes, 0);
    return { id: name, key: name, size, lastUse: (await stat(folder)).mtimeMs };
  } catch (error) {
    if (await exists(folder)) throw error;
    return undefined;
  }
}

// A directory that can be read but not written serves as well; its entries keep their time.
async function touch(folder: string): Promise<void> {
  const now = new Date();
  await utimes(folder, now, now).catch(() => {});
}

async function findEntry(
  root: string,
  key: string,
  prefixes: readonly string[],
): Promise<string | undefined> {
  if (await exists(join(root, key))) return key;
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
    uploadFile: async (file, _, outputDir) => {
      const place = outputDir === undefined ? file : join(outputDir, basename(file));
      return { name: basename(file), url: pathToFileURL(resolve(place)).href };
    },
    uploadFolder: async (name, folder) => {
      const kept = join(root, name);
      await rm(kept, { recursive: true, force: true });
      await cp(folder, kept, { recursive: true });
      return { name, url: pathToFileURL(kept).href };
    },
  };
}
