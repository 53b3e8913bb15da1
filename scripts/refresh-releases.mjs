#!/usr/bin/env node
// Rewrites the version lines of the Slurm recipe from data/slurm-releases.json, newest first.
// With --check nothing is written and the exit code is 1 when they differ.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const recipe = at('spack-repo/spack_repo/slurm_factory/packages/slurm/package.py');
const BEGIN = '    # releases: begin (scripts/refresh-releases.mjs)\n';
const END = '    # releases: end\n';

/** One version() call, wrapped the way black does at 99 columns. */
function versionCall({ spack, archiveSha256 }) {
  const line = `    version("${spack}", sha256="${archiveSha256}")\n`;
  if (line.length <= 100) return line;
  return `    version(\n        "${spack}", sha256="${archiveSha256}"\n    )\n`;
}

function render(text, releases) {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`${recipe}: the release markers are missing`);
  const lines = Object.values(releases).flat().reverse().map(versionCall);
  return text.slice(0, begin + BEGIN.length) + lines.join('') + text.slice(end);
}

const { releases } = JSON.parse(readFileSync(at('data/slurm-releases.json'), 'utf8'));
const before = readFileSync(recipe, 'utf8');
const after = render(before, releases);
if (before === after) {
  console.log("The recipe's releases are up to date.");
} else if (process.argv.includes('--check')) {
  console.error(
    "The recipe's releases differ from data/slurm-releases.json: run node scripts/refresh-releases.mjs",
  );
  process.exitCode = 1;
} else {
  writeFileSync(recipe, after);
  console.log("The recipe's releases were rewritten.");
}
