import { posix } from 'node:path';
import type { Expectation } from './expectation.js';
import type { Entry } from './facts.js';
import { type Breach, follow, leaves, type Tree } from './tree.js';

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

export function outside(tree: Tree, { top }: Expectation): Breach[] {
  const seen = new Set<string>();
  const repeated = tree.entries.filter(({ path }) => seen.size === seen.add(path).size);
  // One of a folder's files stands for all.
  const strangers = new Map(tree.outside.map(({ path }) => [path.split('/').slice(0, 2).join('/'), path]));
  return [
    ...[...strangers.values()].map((file) => ({ file, detail: `it does not lie below ${top}/` })),
    ...repeated.map(({ path }) => ({ file: path, detail: 'the archive has this path more than once' })),
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
  ];
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
    ({ target }) => `it points at ${target}, which is not there`,
  );
}

export function buildPaths(tree: Tree): Breach[] {
  return breaches(
    tree.entries,
    ({ forbidden }) => forbidden.length > 0,
    ({ forbidden }) => `it holds ${forbidden.join(' and ')}`,
  );
}

/** Where the target's own packages put interpreters. */
const systemFolders: readonly string[] = ['/bin', '/sbin', '/usr/bin', '/usr/sbin'];

export function scriptInterpreters(tree: Tree): Breach[] {
  return breaches(
    tree.entries,
    ({ script }) => script !== null && !systemFolders.includes(posix.dirname(script.split(/\s/)[0] ?? '')),
    ({ script }) => `its first line asks for '${script}'`,
  );
}
