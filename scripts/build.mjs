// Bundles src/ into dist/, and compiles the library into build/: `npm run build`.
// With --check nothing is written below dist/; exit 1 tells that it is not what the source gives.
// With --library only build/ is written, for npm pack.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { minifySync } from '@swc/core';
import { bundledFolders, formatLicences, licenceOf } from './licenses.mjs';

const root = resolve(import.meta.dirname, '..');

/**
 * What is bundled: `dist/<name>/index.js` of `src/entry/<name>.ts`. Main and post step of an action are one
 * bundle, which asks the runner's state which of them it is.
 */
const entries = {
  /** Named by action.yml. */
  build: { program: false },
  /** Named by plan/action.yml. */
  plan: { program: false },
  /** Named by publish/action.yml. */
  publish: { program: false },
  /** Named by package.json's `bin`. */
  cli: { program: true },
};

const ncc = join(root, 'node_modules/@vercel/ncc/dist/ncc/cli.js');

/**
 * swc does in seconds what ncc's own minifier takes a minute for. Classes and functions keep their names, for stack
 * traces; source maps would double the size, and whoever reviews dist/ has the check that it is what src/ gives.
 */
const smaller = {
  module: true,
  compress: { module: true, toplevel: true, keep_classnames: true, keep_fnames: true },
  mangle: { keepClassNames: true, keepFnNames: true },
};

/** Bundles one compiled entry. */
function bundleEntry(name) {
  const out = mkdtempSync(join(tmpdir(), 'slurm-factory-ncc-'));
  const stats = `${out}.json`;
  const words = ['build', `build/src/entry/${name}.js`, '--out', out, '--quiet', '--stats-out', stats];
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, [ncc, ...words], { cwd: root, stdio: 'inherit' });
    child.once('error', fail);
    child.once('exit', (code) => {
      if (code !== 0) return fail(new Error(`ncc ended with ${code}`));
      const files = list(out).map((file) => {
        const bytes = readFileSync(join(out, file));
        const code = file.endsWith('.js') ? minifySync(bytes.toString('utf8'), smaller).code : undefined;
        return [`${name}/${file}`, code === undefined ? bytes : Buffer.from(code)];
      });
      const folders = bundledFolders(JSON.parse(readFileSync(stats, 'utf8')));
      rmSync(out, { recursive: true });
      rmSync(stats);
      done({ files, folders });
    });
  });
}

/** All files of dist/ by their path below it, as bytes and mode; from what is compiled in build/. */
async function bundle() {
  const names = Object.keys(entries);
  const bundles = await Promise.all(names.map(bundleEntry));
  const files = new Map();
  for (const [index, { files: made }] of bundles.entries()) {
    for (const [name, bytes] of made) {
      const isProgram = entries[names[index]].program && name.endsWith('/index.js');
      const shebang = isProgram && !bytes.toString('utf8', 0, 2).startsWith('#!');
      files.set(name, {
        bytes: shebang ? Buffer.concat([Buffer.from('#!/usr/bin/env node\n'), bytes]) : bytes,
        mode: isProgram ? 0o755 : 0o644,
      });
    }
  }
  const folders = [...new Set(bundles.flatMap((made) => made.folders))].sort();
  files.set('licenses.txt', { bytes: Buffer.from(formatLicences(folders.map(licenceOf))), mode: 0o644 });
  return files;
}

/** Paths of all files below a folder, relative to it. */
const list = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));

/** Names of the files in dist/ that are not as they would be written. */
function differing(expected, folder) {
  const there = new Map(
    list(folder).map((name) => {
      const file = join(folder, name);
      return [name, { bytes: readFileSync(file), mode: statSync(file).mode }];
    }),
  );
  const found = sumsOf(there);
  return [...new Set([...Object.keys(expected), ...there.keys()])]
    .filter((name) => expected[name] !== found[name])
    .sort();
}

function write(files, folder) {
  rmSync(folder, { recursive: true, force: true });
  for (const [name, { bytes, mode }] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), bytes);
    chmodSync(join(folder, name), mode);
  }
}

/** Compiles the library, without what an older version of it had. */
function compile() {
  rmSync(join(root, 'build'), { recursive: true, force: true });
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc')], {
    cwd: root,
    stdio: 'inherit',
  });
}

const cache = join(root, 'node_modules', '.cache', 'slurm-factory');

/**
 * File that keeps the sums of what bundling gave, named by the sum of all that decides it: bundling takes most of a
 * check's time. A clean clone has none, and bundles.
 */
function keptSums() {
  const sources = [...list(join(root, 'build')).map((file) => join('build', file)), 'package-lock.json'];
  const hash = createHash('sha256').update(process.version);
  for (const file of [...sources, 'scripts/build.mjs', 'scripts/licenses.mjs'].sort()) {
    hash.update(`${file}\0`).update(readFileSync(join(root, file)));
  }
  return join(cache, `dist-${hash.digest('hex')}.json`);
}

function keepSums(sums) {
  const kept = keptSums();
  mkdirSync(cache, { recursive: true });
  for (const old of list(cache)) if (old.startsWith('dist-')) rmSync(join(cache, old), { force: true });
  writeFileSync(`${kept}.${process.pid}`, JSON.stringify(sums));
  renameSync(`${kept}.${process.pid}`, kept);
}

/** Sums of dist/ as the compiled source gives it. */
async function expectedSums() {
  try {
    return JSON.parse(readFileSync(keptSums(), 'utf8'));
  } catch {
    // Not bundled yet.
  }
  const sums = sumsOf(await bundle());
  keepSums(sums);
  return sums;
}

const sumsOf = (files) =>
  Object.fromEntries(
    [...files].map(([name, { bytes, mode }]) => [
      name,
      // Git keeps whether a file can be run, and no more of its mode.
      `${createHash('sha256').update(bytes).digest('hex')} ${(mode & 0o100) === 0 ? 'file' : 'program'}`,
    ]),
  );

const dist = join(root, 'dist');
if (process.argv.includes('--check')) {
  const wrong = differing(await expectedSums(), dist);
  if (wrong.length > 0) {
    console.error(`dist/ is not what the source gives: ${wrong.join(', ')}. Run: npm run build`);
    process.exit(1);
  }
  console.log('dist/ is what the source gives');
} else {
  compile();
  if (!process.argv.includes('--library')) {
    const files = await bundle();
    write(files, dist);
    keepSums(sumsOf(files));
  }
}
