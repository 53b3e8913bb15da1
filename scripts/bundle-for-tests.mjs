// Jest's global setup of the unit tests: one small file of each library that consists of many, see jest.config.js.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { minify } from '@swc/core';

const root = resolve(import.meta.dirname, '..');
const ncc = join(root, 'node_modules/@vercel/ncc/dist/ncc/cli.js');
const folder = join(root, 'node_modules', '.cache', 'slurm-factory');
/** CommonJS stays CommonJS, for the names of its exports. */
const libraries = {
  zod: ['mjs', "export * from 'zod';"],
  yaml: ['cjs', "module.exports = require('yaml');"],
};

export default async function setup() {
  mkdirSync(folder, { recursive: true });
  for (const [name, [extension, text]] of Object.entries(libraries)) {
    const { version } = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'));
    const file = join(folder, `${name}.${extension}`);
    const banner = `/* ${name} ${version}, made small */\n`;
    if (head(file).startsWith(banner)) continue;
    // Aside first: another run may read it, or make it, too.
    const aside = mkdtempSync(join(folder, 'making-'));
    const entry = join(aside, `entry.${extension}`);
    writeFileSync(entry, text);
    const out = join(aside, 'out');
    execFileSync(process.execPath, [ncc, 'build', entry, '--out', out, '--quiet'], { cwd: root });
    const made = readFileSync(join(out, `index.${extension}`), 'utf8');
    // Each of the hundred test files reads it anew.
    const { code } = await minify(made, { module: extension === 'mjs', compress: true, mangle: true });
    writeFileSync(join(aside, 'made'), banner + code);
    renameSync(join(aside, 'made'), file);
    rmSync(aside, { recursive: true });
  }
}

function head(file) {
  try {
    return readFileSync(file, 'utf8').slice(0, 100);
  } catch {
    return '';
  }
}
