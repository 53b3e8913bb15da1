import { posix } from 'node:path';
import { visible } from '../base/text.js';
import {
  furtherFolder,
  parseRelocationList,
  relocationList,
  relocationMark,
  relocationProgram,
} from '../targets/relocation.js';
import type { Expectation } from './expectation.js';
import type { Entry } from './inventory.js';
import { type Breach, follow, isFurther, leaves, type Tree } from './tree.js';

/** Checks of the archive, of modes, links and bytes. */

const octal = (mode: number): string => mode.toString(8).padStart(4, '0');

const breaches = (
  entries: readonly Entry[],
  isBroken: (entry: Entry) => boolean,
  detail: (entry: Entry) => string,
): Breach[] => entries.filter(isBroken).map((entry) => ({ file: entry.path, detail: detail(entry) }));

export function damage(tree: Tree, { top }: Expectation): Breach[] {
  return tree.damage === null ? [] : [{ file: top, detail: `it is damaged: ${tree.damage}` }];
}

/** Entries whose path, or a folder of whose path, is something else too. */
function misplaced(tree: Tree): Breach[] {
  return tree.entries.flatMap((entry) => {
    const parts = entry.path.split('/');
    const above = ['.', ...parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'))];
    const other = above.find(
      (path) => path !== entry.path && (tree.byPath.get(path)?.type ?? 'folder') !== 'folder',
    );
    if (other !== undefined)
      return [{ file: entry.path, detail: `it is below ${other}, which is not a folder` }];
    const isLost = entry.type === 'file' && entry.plain && entry.sha256 === null;
    return isLost ? [{ file: entry.path, detail: 'something else is in its place' }] : [];
  });
}

export function outside(tree: Tree, { top }: Expectation): Breach[] {
  const seen = new Set<string>();
  const repeated = tree.entries.filter(({ path }) => seen.size === seen.add(path).size);
  // One of a folder's files stands for all.
  const strangers = new Map(tree.outside.map(({ path }) => [path.split('/').slice(0, 2).join('/'), path]));
  return [
    ...[...strangers.values()].map((file) => ({ file, detail: `it is not below ${top}/` })),
    ...repeated.map(({ path }) => ({ file: path, detail: 'the archive has this path more than once' })),
    ...misplaced(tree),
  ];
}

export function oddEntries(tree: Tree): Breach[] {
  return [
    ...breaches(
      tree.entries,
      ({ type }) => type === 'hardlink' || type === 'other',
      ({ type, target }) =>
        type === 'hardlink' ? `it is a hard link to ${target}` : 'it is a device, a pipe or the like',
    ),
    ...breaches(
      tree.entries,
      ({ uid, gid }) => uid !== 0 || gid !== 0,
      ({ uid, gid }) => `it belongs to ${uid}:${gid}`,
    ),
    // Where an account has that name, tar takes it rather than the number.
    ...breaches(
      tree.entries,
      ({ owners }) => owners.some((name) => name !== 'root'),
      ({ owners }) => `it belongs to ${owners.join(' and ')}`,
    ),
  ];
}

export function strangeNames(tree: Tree): Breach[] {
  return breaches(
    tree.entries,
    ({ path, plain, target }) => !plain || visible(path) !== path || visible(target ?? '') !== (target ?? ''),
    () =>
      "its name, or what it points at, has characters that can't be displayed or parts that are not names",
  );
}

export function attributes(tree: Tree): Breach[] {
  return breaches(
    tree.entries,
    ({ attributes }) => attributes.length > 0,
    ({ attributes }) => `it has ${attributes.join(' and ')}`,
  );
}

export function staticLibraries(tree: Tree): Breach[] {
  return tree.entries.flatMap(({ path, type, archive }) => {
    if (type === 'folder' || isFurther(path)) return [];
    if (archive) return [{ file: path, detail: 'it is an archive of object files' }];
    return /\.l?a$/.test(path) ? [{ file: path, detail: 'it has the name of a static library' }] : [];
  });
}

export function setuid(tree: Tree): Breach[] {
  return breaches(
    tree.entries,
    ({ type, mode }) => type !== 'symlink' && (mode & 0o7000) !== 0,
    ({ mode }) => `its mode is ${octal(mode)}`,
  );
}

export function worldWritable(tree: Tree): Breach[] {
  return breaches(
    tree.entries,
    ({ type, mode }) => type !== 'symlink' && (mode & 0o002) !== 0,
    ({ mode }) => `its mode is ${octal(mode)}`,
  );
}

const isFar = ({ path, target }: Entry): boolean =>
  posix.isAbsolute(target ?? '') || leaves(posix.join(posix.dirname(path), target ?? ''));

export function farLinks(tree: Tree): Breach[] {
  return breaches(
    tree.entries,
    (entry) => entry.type === 'symlink' && isFar(entry),
    ({ target }) =>
      `it points ${posix.isAbsolute(target ?? '') ? 'at an absolute path' : 'out of the tarball'}: ${target}`,
  );
}

export function danglingLinks(tree: Tree): Breach[] {
  return breaches(
    tree.entries,
    (entry) => entry.type === 'symlink' && !isFar(entry) && follow(tree, entry.path) === undefined,
    ({ target }) => `it points at ${target}, which does not exist`,
  );
}

export function buildPaths(tree: Tree): Breach[] {
  return breaches(
    tree.entries,
    ({ forbidden }) => forbidden.length > 0,
    ({ forbidden }) => `it holds ${forbidden.join(' and ')}`,
  );
}

/** Files whose path has to be written on installation, and what is said of them. */
export function relocation(tree: Tree): Breach[] {
  const marked = tree.entries.filter((entry) => entry.marked).map(({ path }) => path);
  if (tree.list === undefined) {
    return marked.map((file) => ({ file, detail: `it has no path yet, and there is no ${relocationList}` }));
  }
  const list = parseRelocationList(tree.list);
  if (list === undefined) return [{ file: relocationList, detail: "it can't be read" }];
  const listed = new Map([...list.files].map(([path, kind]) => [posix.join(furtherFolder, path), kind]));
  const known = new Set(marked);
  return [
    ...(tree.byPath.has(relocationProgram)
      ? []
      : [{ file: relocationProgram, detail: 'it is missing, and there is a list for it' }]),
    ...marked
      .filter((path) => !listed.has(path))
      .map((file) => ({ file, detail: `it has no path yet, and ${relocationList} lacks it` })),
    ...[...listed.keys()]
      .filter((path) => !known.has(path))
      .map((file) => ({ file, detail: `${relocationList} has it, and it holds no path to be written` })),
    ...[...listed]
      .filter(([path, kind]) => kind === 'text' && isCompiled(tree.byPath.get(path)))
      .map(([file]) => ({ file, detail: `${relocationList} has it as a text` })),
  ];
}

const isCompiled = (entry: Entry | undefined): boolean =>
  entry !== undefined && (entry.elf !== null || entry.archive);

/** Where the target's own packages put interpreters. */
const systemFolders: readonly string[] = ['/bin', '/sbin', '/usr/bin', '/usr/sbin'];

/** Whether a script's interpreter is a file of further packages, by the path that it gets on installation. */
function isOfFurther(tree: Tree, script: string): boolean {
  const below = new RegExp(`^${relocationMark}_*/(\\S+)`).exec(script)?.[1];
  return below !== undefined && follow(tree, posix.join(furtherFolder, below))?.type === 'file';
}

export function scriptInterpreters(tree: Tree): Breach[] {
  return breaches(
    tree.entries,
    ({ path, script }) =>
      script !== null &&
      !systemFolders.includes(posix.dirname(script.split(/\s/)[0] ?? '')) &&
      !(isFurther(path) && isOfFurther(tree, script)),
    ({ script }) => `its first line asks for '${script}'`,
  );
}
