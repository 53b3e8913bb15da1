import { randomUUID } from 'node:crypto';
import { cp, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { exists } from '../base/files.js';
import type { ArtifactStore, CacheStore } from '../base/ports.js';

/** A cache store in a local directory: one folder an entry, put there whole by one rename. */
export function directoryCache(root: string): CacheStore {
  return {
    async restore(key, prefixes, directory) {
      const found = await findEntry(root, key, prefixes);
      if (found === undefined) return undefined;
      await cp(join(root, found), directory, { recursive: true, verbatimSymlinks: true });
      return found;
    },
    async save(key, directory) {
      if (await exists(join(root, key))) return 'exists';
      await mkdir(root, { recursive: true });
      const partial = join(root, `.partial-${randomUUID()}`);
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

async function findEntry(
  root: string,
  key: string,
  prefixes: readonly string[],
): Promise<string | undefined> {
  if (await exists(join(root, key))) return key;
  const names = await readdir(root).catch(() => [] as string[]);
  for (const prefix of prefixes) {
    const found = names.filter((name) => name.startsWith(prefix)).sort();
    if (found.length > 0) return found.at(-1);
  }
  return undefined;
}

/**
 * The artifact store of the command line: files stay where they are, folders are kept.
 * @param root where folders are kept, by name; an older one of that name goes
 */
export function localArtifacts(root: string): ArtifactStore {
  return {
    uploadFile: async (file) => ({ name: basename(file), url: pathToFileURL(resolve(file)).href }),
    uploadFolder: async (name, folder) => {
      const kept = join(root, name);
      await rm(kept, { recursive: true, force: true });
      await cp(folder, kept, { recursive: true });
      return { name, url: pathToFileURL(kept).href };
    },
  };
}
