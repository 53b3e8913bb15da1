import { matches } from '../base/text.js';
import type { Expectation } from './expectation.js';
import type { Load } from './inventory.js';
import type { Promised } from './plugins.js';
import { type Breach, follow, isFurther, type Tree } from './tree.js';

/** Checks of what the target promises. */

/** The files of a pattern that are there, as `[path, path of the file itself]`. */
export function promisedFiles(tree: Tree, pattern: string): [string, string][] {
  const paths = pattern.includes('*')
    ? [...tree.byPath.keys()].filter((path) => matches(pattern, path))
    : [pattern].filter((path) => tree.byPath.has(path));
  return paths.flatMap((path): [string, string][] => {
    const file = follow(tree, path);
    return file?.type === 'file' ? [[path, file.path]] : [];
  });
}

export function missing(tree: Tree, { promised }: Expectation): Breach[] {
  return promised.flatMap(({ feature, needs, files }) =>
    files
      .filter((pattern) => promisedFiles(tree, pattern).length === 0)
      .map((pattern) => ({
        file: pattern,
        detail: `it is missing: the target promises ${feature} (look at ${needs})`,
      })),
  );
}

export function unloadable(tree: Tree, { promised }: Expectation): Breach[] {
  const promisedBy = new Map<string, Promised>();
  for (const promise of promised) {
    for (const pattern of promise.files) {
      for (const [, file] of promisedFiles(tree, pattern)) promisedBy.set(file, promise);
    }
  }
  return tree.loads.flatMap((load) => {
    // Those of further packages may want to be loaded by a program of theirs.
    if (isFurther(load.file) && load.program !== null) return [];
    const problem = problemOf(load, promisedBy.get(load.file));
    return problem === undefined ? [] : [{ file: load.file, detail: problem }];
  });
}

/** What keeps a file from its work; undefined when nothing does. */
function problemOf(load: Load, promise: Promised | undefined): string | undefined {
  if (load.binding === 'failed') return `it does not load: ${load.error ?? 'no reason was given'}`;
  // Slurm binds a plugin's functions when they are called; what nobody promised may lack some.
  if (promise === undefined) return undefined;
  const { missing } = load;
  return missing.length === 0 ? undefined : `no program of the tarball has its symbols ${missing.join(', ')}`;
}
