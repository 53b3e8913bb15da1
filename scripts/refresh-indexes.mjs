#!/usr/bin/env node
// Writes data/spack-indexes.json.gz: Spack's own indexes of the pinned packages, which it would else make on each
// machine by loading all of them. With --check nothing is made: only that they are of the pins is looked at.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import { runGit } from './refresh/git.mjs';

const { values } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    // Where it is written.
    output: { type: 'string', default: resolve(import.meta.dirname, '..', 'data', 'spack-indexes.json.gz') },
  },
});
const root = resolve(import.meta.dirname, '..');
const { spack, packages } = JSON.parse(readFileSync(join(root, 'data', 'pins.json'), 'utf8'));

/** A clone of a pin without what was before it. */
function clone(folder, { git, commit }) {
  mkdirSync(folder);
  const inside = (...args) => runGit('-C', folder, ...args);
  inside('init', '--quiet');
  inside('fetch', '--quiet', '--depth', '1', '--no-tags', '--', git, commit);
  inside('checkout', '--quiet', '--detach', commit);
}

/** Spack's indexes by their paths below its cache. */
function makeIndexes(folder) {
  clone(join(folder, 'spack'), spack);
  clone(join(folder, 'packages'), packages);
  const scope = join(folder, 'scope');
  mkdirSync(scope);
  const builtin = join(folder, 'packages', 'repos', 'spack_repo', 'builtin');
  // JSON is YAML.
  writeFileSync(join(scope, 'repos.yaml'), JSON.stringify({ 'repos:': { builtin } }));
  writeFileSync(join(scope, 'config.yaml'), JSON.stringify({ config: { misc_cache: join(folder, 'misc') } }));
  const script = join(root, 'scripts', 'refresh', 'spack_indexes.py');
  const words = [join(folder, 'spack', 'bin', 'spack'), '-C', scope, 'python', script];
  const own = { SPACK_DISABLE_LOCAL_CONFIG: '1', SPACK_USER_CACHE_PATH: join(folder, 'user') };
  const env = { ...process.env, ...own, PYTHONHASHSEED: '0', PYTHONDONTWRITEBYTECODE: '1' };
  const done = spawnSync('python3', words, { env, stdio: ['ignore', 'inherit', 'inherit'] });
  if (done.status !== 0) throw new Error('Spack has made no indexes.');
  const names = ['patches', 'providers', 'tags'].flatMap((kind) =>
    readdirSync(join(folder, 'misc', kind)).map((name) => `${kind}/${name}`),
  );
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, 'misc', name), 'utf8')]));
}

if (values.check) {
  const found = JSON.parse(gunzipSync(readFileSync(values.output)).toString());
  if (found.spack !== spack.commit || found.packages !== packages.commit) {
    console.error('data/spack-indexes.json.gz is of other pins: run node scripts/refresh-indexes.mjs');
    process.exit(1);
  }
  console.log("Spack's indexes are of the pins");
} else {
  const folder = mkdtempSync(join(tmpdir(), 'slurm-factory-indexes-'));
  try {
    const files = makeIndexes(folder);
    const text = JSON.stringify({ spack: spack.commit, packages: packages.commit, files });
    const bytes = gzipSync(text, { level: 9 });
    writeFileSync(values.output, bytes);
    console.log(`${values.output}: ${Object.keys(files).length} indexes, ${bytes.length} bytes`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
