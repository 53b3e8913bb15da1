import { basename, dirname, join, relative, resolve } from 'node:path';
import { PackagingError } from '../base/errors.js';
import { copyPlain } from '../base/safe.js';
import { listPlain } from '../base/walk.js';
import { fileName, looksHandedOut, resultFiles, targetOfFile } from '../bundle/catalogue.js';
import { ownersOf } from '../bundle/check.js';
import { Problems } from '../bundle/problems.js';
import { formatTarget } from '../targets/identifier.js';

/** How deep results are looked for: artifacts are downloaded into folders of their own. */
const deepest = 3;

/** The files of results below a folder. */
export interface FoundResults {
  /** Path below the folder by the file's name. */
  readonly paths: ReadonlyMap<string, string>;
  /** Targets whose smoke test failed: of such a build there is the test's report, and no result. */
  readonly failed: readonly string[];
}

/**
 * Finds the files of results in a folder and in folders of it, whichever file lies where.
 * @param except absolute paths of folders that are not looked into
 * @throws PackagingError when a target is there twice, or none is
 */
export async function findResults(root: string, except: readonly string[] = []): Promise<FoundResults> {
  const paths = await listPlain(root, {
    enter: (folder) => folder.split('/').length < deepest && !except.includes(resolve(root, folder)),
  });
  const found = new Map<string, string>();
  const twice = new Map<string, string[]>();
  for (const path of paths.filter((name) => looksHandedOut(basename(name)))) {
    const name = basename(path);
    const other = found.get(name);
    if (other === undefined) found.set(name, path);
    else twice.set(name, [...(twice.get(name) ?? [other]), path]);
  }
  if (twice.size > 0) throw new PackagingError(tellTwice(twice), 'Leave one of each, and publish again.');
  const failed = reportsAlone([...found.keys()]);
  for (const identifier of failed) found.delete(fileName(identifier, 'smoke'));
  if (found.size === 0) {
    throw new PackagingError(
      `${relative('', root) || '.'} has no results: no <target>-SHA256SUMS is in it or in a folder of it.`,
      'Name the folder that the builds or the download of their artifacts left them in.',
    );
  }
  return { paths: found, failed };
}

/** Targets of whose files only the smoke test's report is there. */
function reportsAlone(names: readonly string[]): string[] {
  const tested = names.flatMap((name) => targetOfFile(name, 'smoke') ?? []).map(formatTarget);
  return tested.filter((identifier) =>
    Object.values(resultFiles(identifier)).every((name) => !names.includes(name)),
  );
}

/** A line for each target; its files lie in the same two places mostly. */
function tellTwice(twice: ReadonlyMap<string, readonly string[]>): string {
  const problems = new Problems();
  const owners = ownersOf([...twice.keys()]);
  const owned = new Set([...owners.values()].flat());
  const lines: [string, readonly string[]][] = [...owners].map(([identifier, names]) => [
    identifier,
    names.flatMap((name) => twice.get(name) ?? []),
  ]);
  for (const [name, places] of twice) if (!owned.has(name)) lines.push([name, places]);
  for (const [what, places] of lines) {
    const folders = [...new Set(places.map((path) => dirname(path)))];
    problems.add(
      `${what} is there ${folders.length === 2 ? 'twice' : 'several times'}: in ${folders.join(', ')}`,
    );
  }
  return problems.text;
}

/** Copies what was found into one folder, which only this user may write. */
export async function copyResults(
  root: string,
  { paths }: Pick<FoundResults, 'paths'>,
  folder: string,
): Promise<void> {
  for (const [name, path] of paths) await copyPlain(root, path, join(folder, name), { mode: 0o644 });
}
