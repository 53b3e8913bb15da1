// Whether each folder of src/ imports only those that it may: `node scripts/check-arrows.mjs`.
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, resolve } from 'node:path';

/** What each folder may import, from the top to the bottom: a row names rows below it only. */
export const arrows = {
  entry: ['action', 'cli'],
  // The files of src/ itself: the library's exports.
  '.': [
    'api',
    'local',
    'pipeline',
    'plan',
    'audit',
    'smoke',
    'bundle',
    'cache',
    'container',
    'config',
    'targets',
    'base',
  ],
  action: ['local', 'pipeline', 'plan', 'smoke', 'publish', 'bundle', 'cache', 'config', 'targets', 'base'],
  cli: [
    'api',
    'local',
    'pipeline',
    'plan',
    'audit',
    'smoke',
    'publish',
    'bundle',
    'cache',
    'config',
    'targets',
    'base',
  ],
  api: [
    'local',
    'pipeline',
    'audit',
    'smoke',
    'bundle',
    'spack',
    'cache',
    'container',
    'config',
    'targets',
    'base',
  ],
  local: ['pipeline', 'publish', 'bundle', 'cache', 'container', 'config', 'targets', 'base'],
  pipeline: [
    'plan',
    'audit',
    'smoke',
    'bundle',
    'spack',
    'cache',
    'container',
    'config',
    'targets',
    'distro',
    'base',
  ],
  plan: ['config', 'targets', 'base'],
  audit: ['spack', 'container', 'targets', 'distro', 'base'],
  smoke: ['bundle', 'spack', 'container', 'targets', 'distro', 'base'],
  publish: ['bundle', 'targets', 'base'],
  bundle: ['spack', 'targets', 'distro', 'base'],
  spack: ['container', 'targets', 'distro', 'base'],
  cache: ['config', 'targets', 'base'],
  container: ['config', 'targets', 'distro', 'base'],
  config: ['targets', 'base'],
  targets: ['distro', 'base'],
  distro: ['base'],
  base: [],
};

const imported = /(?:\bfrom|\bimport)\s*\(?\s*'(\.{1,2}\/[^']+)'/g;
const folderOf = (file) => (file.includes('/') ? file.slice(0, file.indexOf('/')) : '.');

/**
 * What is wrong with a table and the imports of some files, a sentence each.
 * @param {Record<string, string[]>} table as `arrows`
 * @param {Record<string, string>} files texts by path below src/, with `/` between folders
 */
export function wrongArrows(table, files) {
  const rows = Object.keys(table);
  const inTable = rows.flatMap((row, index) =>
    table[row]
      .filter((other) => rows.indexOf(other) <= index)
      .map((other) => `The table lets ${row} import ${other}, which is no row below it.`),
  );
  const inFiles = Object.entries(files).flatMap(([file, text]) => {
    const folder = folderOf(file);
    if (table[folder] === undefined)
      return [`src/${file}: ${folder} has no row in scripts/check-arrows.mjs.`];
    const others = [...text.matchAll(imported)].map(([, path]) => posix.join(posix.dirname(file), path));
    return [...new Set(others.filter((path) => !path.startsWith('..')).map(folderOf))]
      .filter((other) => other !== folder && !table[folder].includes(other))
      .map(
        (other) =>
          `src/${file} imports ${other}; ${folder} may import ${table[folder].join(', ') || 'nothing'}.`,
      );
  });
  return [...inTable, ...inFiles];
}

if (process.argv[1] === import.meta.filename) {
  const src = resolve(import.meta.dirname, '..', 'src');
  const files = readdirSync(src, { recursive: true }).filter((file) => file.endsWith('.ts'));
  const wrong = wrongArrows(
    arrows,
    Object.fromEntries(files.map((file) => [file, readFileSync(join(src, file), 'utf8')])),
  );
  for (const sentence of wrong) console.error(sentence);
  if (wrong.length > 0) process.exit(1);
  console.log('The imports of src/ go the way that they may');
}
