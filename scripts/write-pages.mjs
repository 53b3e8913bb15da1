#!/usr/bin/env node
// Writes the pages of docs/ that are made of data, below a mark in each, out of the compiled source:
// `node scripts/write-pages.mjs [--check]`. With --check nothing is written and the exit code is 1 when a page is not
// what the data give.
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'yaml';

const root = resolve(import.meta.dirname, '..');
const load = (module) =>
  import(`../build/src/${module}.js`).catch(() => {
    console.error('The source is not compiled. Run: npm run build');
    process.exit(1);
  });
const [
  { openProject },
  { parseTried, supportPage, triedPath },
  { featuresPage },
  { planTargets },
  { scalePage },
] = await Promise.all([
  load('pipeline/project'),
  load('targets/tried'),
  load('targets/features-page'),
  load('pipeline/planning'),
  load('plan/scale-page'),
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
/** The matrix of docs/scale.md: four releases, three distributions, CPU and GPU, two architectures. */
const matrix = {
  releases: '26.05 25.11 25.05 24.11',
  toolchains: 'bookworm noble rockylinux9',
  archs: 'amd64 arm64',
  gpus: 'none cuda',
  'dependency-kinds': 'bundled system',
  // Both of glibc 2.34.
  exclude: 'toolchain=rockylinux9,dependencies=bundled',
};
const place = { project, cwd: root, workRoot: root, transfer: root, trigger: {}, today: '2026-11-28' };
const scale = [];
for (const sharing of ['none', 'compiles', 'all']) {
  const layers = [{ origin: 'option', values: { ...matrix, sharing } }];
  // Nothing of it is asked for: all refs are commits, and nothing is looked for in a cache.
  const { plan, shared } = await planTargets({ ...place, layers }, {});
  scale.push({ sharing, plan, schedule: shared });
}
const pages = {
  'docs/support.md': supportPage({ tried, toolchains, names, series }),
  'docs/features.md': featuresPage(project.features, toolchains),
  'docs/scale.md': scalePage(scale, await project.measured()),
};

const begin = '<!-- written by scripts/write-pages.mjs -->\n';
for (const [path, text] of Object.entries(pages)) {
  const file = resolve(root, path);
  const before = readFileSync(file, 'utf8');
  const after = `${before.slice(0, before.indexOf(begin) + begin.length)}\n${text}\n`;
  if (before === after) {
    console.log(`${path} is up to date`);
  } else if (process.argv.includes('--check')) {
    console.error(`${path} is not what its data give: run node scripts/write-pages.mjs`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, after);
    console.log(`${path} was written`);
  }
}
