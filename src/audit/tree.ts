import { posix } from 'node:path';
import { furtherFolder } from '../targets/relocation.js';
import type { Entry, Inventory, Load } from './inventory.js';

/** One place where a rule is broken. */
export interface Breach {
  /** Path below the tarball's top folder; the top folder's name for a rule on it as a whole. */
  readonly file: string;
  /** What is wrong there, half a sentence. */
  readonly detail: string;
}

/** A tarball's content below its top folder, all paths relative to that. */
export interface Tree {
  readonly damage: string | null;
  readonly entries: readonly Entry[];
  /** Entries by path; of those with the same path, the last one, as unpacking leaves it. */
  readonly byPath: ReadonlyMap<string, Entry>;
  /** Entries that are not below the top folder, by the archive's paths. */
  readonly outside: readonly Entry[];
  readonly loads: readonly Load[];
  readonly systemLibraries: Inventory['systemLibraries'];
  /** Text of the list of files that hold the mark; undefined where there is none. */
  readonly list: string | undefined;
}

/** Whether a file is one of the further packages', which are as their projects make them. */
export const isFurther = (path: string): boolean => path.startsWith(`${furtherFolder}/`);

/** Puts the facts in order for the rules. */
export function treeOf(facts: Inventory, top: string): Tree {
  const relative = (path: string) => path.replace(`${top}/`, '');
  const isInside = ({ path }: Entry) =>
    (path === top || path.startsWith(`${top}/`)) && !path.split('/').includes('..');
  const entries = facts.entries
    .filter(isInside)
    .map((entry) => ({ ...entry, path: entry.path === top ? '.' : relative(entry.path) }));
  return {
    damage: facts.damage,
    entries,
    byPath: new Map(entries.map((entry) => [entry.path, entry])),
    outside: facts.entries.filter((entry) => !isInside(entry)),
    loads: facts.loads.map((load) => ({
      ...load,
      file: relative(load.file),
      program: load.program === null ? null : relative(load.program),
      error: load.error === null ? null : load.error.replaceAll(`${top}/`, ''),
    })),
    systemLibraries: facts.systemLibraries,
    list: facts.list ?? undefined,
  };
}

/** Whether a relative path leaves the folder that it starts from. */
export function leaves(path: string): boolean {
  const normal = posix.normalize(path);
  return normal === '..' || normal.startsWith('../') || posix.isAbsolute(normal);
}

/** As many links in a row as Linux follows. */
const mostLinks = 40;

/**
 * The entry that a path leads to, links followed in its folders too.
 * @returns undefined when it leads nowhere, out of the tree, or in a circle
 */
export function follow(tree: Tree, path: string, links = 0): Entry | undefined {
  if (links > mostLinks) return undefined;
  const parts = posix.normalize(path).split('/');
  for (let count = 1; count <= parts.length; count++) {
    const head = parts.slice(0, count).join('/');
    if (leaves(head)) return undefined;
    const entry = tree.byPath.get(head);
    if (entry?.type === 'symlink' || entry?.type === 'hardlink') {
      const next = posix.join(posix.dirname(head), entry.target ?? '', ...parts.slice(count));
      return posix.isAbsolute(entry.target ?? '') ? undefined : follow(tree, next, links + 1);
    }
    if (count === parts.length) return entry;
  }
  return undefined;
}

/** The folders that a file's RUNPATH names; one that is not relative to `$ORIGIN` is left out. */
export function runpathFolders(path: string, runpath: readonly string[]): string[] {
  return runpath
    .map((folder) => /^\$(?:ORIGIN|\{ORIGIN\})(?=\/|$)(.*)$/.exec(folder)?.[1])
    .filter((rest) => rest !== undefined)
    .map((rest) => posix.join(posix.dirname(path), rest));
}
