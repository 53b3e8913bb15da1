#!/usr/bin/env node
// Writes what is made from the tables of inputs, outputs and commands and the list of toolchains, out of the compiled source:
// `node scripts/write-inputs.mjs [--check]`. With --check nothing is written and the exit code is 1 when a
// file is not what the source gives.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

const root = resolve(import.meta.dirname, '..');
const load = (path) =>
  import(path).catch(() => {
    console.error('The source is not compiled. Run: npm run build');
    process.exit(1);
  });
const { publishedFiles } = await load('../build/src/action/published.js');
const { publishedCommands } = await load('../build/src/cli/reference.js');
const read = (path) => {
  try {
    return readFileSync(resolve(root, path), 'utf8');
  } catch {
    return '';
  }
};
// The formatter decides how JSON is laid out.
const isSame = (path, text) =>
  path.endsWith('.json')
    ? read(path) !== '' && isDeepStrictEqual(JSON.parse(read(path)), JSON.parse(text))
    : read(path) === text;

const toolchains = readdirSync(resolve(root, 'toolchains'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort();
const { version } = JSON.parse(read('package.json'));
const published = { ...publishedFiles(read, { toolchains }), ...publishedCommands(read, version) };
const stale = Object.entries(published).filter(([path, text]) => !isSame(path, text));
const names = stale.map(([path]) => path).join(', ');
if (process.argv.includes('--check') && stale.length > 0) {
  console.error(`${names}: out of date. Run: node scripts/write-inputs.mjs`);
  process.exit(1);
}
for (const [path, text] of stale) {
  writeFileSync(resolve(root, path), text);
  if (path.endsWith('.json')) {
    execFileSync('npx', ['--no-install', 'biome', 'format', '--write', path], { cwd: root, stdio: 'ignore' });
  }
}
console.log(stale.length === 0 ? 'what is made from the inputs is up to date' : `${names} was written`);
