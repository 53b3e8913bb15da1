#!/usr/bin/env node
// Writes docs/support.md from data/tried.yaml and the toolchains, out of the compiled source:
// `node scripts/write-support.mjs [--check]`. With --check nothing is written and the exit code is 1 when the page
// is not what they give.
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'yaml';

const root = resolve(import.meta.dirname, '..');
const path = resolve(root, 'docs/support.md');
const load = (module) =>
  import(`../build/src/${module}.js`).catch(() => {
    console.error('The source is not compiled. Run: npm run build');
    process.exit(1);
  });
const [{ openProject }, { parseTried, supportPage, triedPath }] = await Promise.all([
  load('pipeline/project'),
  load('targets/tried'),
]);

const project = await openProject(root);
const toolchains = await Promise.all(
  project.toolchains.map(async (id) => (await project.loadToolchain(id, 'amd64')).toolchain),
);
const names = (id) => {
  const record = parse(readFileSync(resolve(root, 'toolchains', id, 'packages.yaml'), 'utf8'));
  const read = record.read.flatMap((source) => source.names).length;
  return { read, all: read + (record.unseen?.length ?? 0) };
};
const series = [...new Set(project.releases.map((release) => release.series))];
const tried = parseTried(readFileSync(resolve(root, triedPath), 'utf8'));
const begin = '<!-- written by scripts/write-support.mjs -->\n';
const before = readFileSync(path, 'utf8');
const after = `${before.slice(0, before.indexOf(begin) + begin.length)}\n${supportPage({ tried, toolchains, names, series })}\n`;
if (before === after) {
  console.log('docs/support.md is up to date');
} else if (process.argv.includes('--check')) {
  console.error('docs/support.md is not what data/tried.yaml gives: run node scripts/write-support.mjs');
  process.exitCode = 1;
} else {
  writeFileSync(path, after);
  console.log('docs/support.md was written');
}
