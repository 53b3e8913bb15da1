#!/usr/bin/env node
// Writes the JSON Schemas of docs/ from the compiled source: `node scripts/write-schema.mjs [--check]`.
// With --check nothing is written and the exit code is 1 when a file is not what the source gives.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

const root = resolve(import.meta.dirname, '..');
const load = (module) =>
  import(`../build/src/${module}.js`).catch(() => {
    console.error('The source is not compiled. Run: npm run build');
    process.exit(1);
  });
const { manifestJsonSchema } = await load('bundle/schema');
const { indexJsonSchema } = await load('publish/index-file');
const schemas = {
  'docs/manifest.schema.json': manifestJsonSchema(),
  'docs/index.schema.json': indexJsonSchema(),
};

function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

for (const [path, schema] of Object.entries(schemas)) {
  const file = resolve(root, path);
  if (isDeepStrictEqual(read(file), schema)) {
    console.log(`${path} is what the source gives`);
  } else if (process.argv.includes('--check')) {
    console.error(`${path} is out of date. Run: node scripts/write-schema.mjs`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, `${JSON.stringify(schema, undefined, 2)}\n`);
    // The formatter has its own mind about short lists.
    execFileSync('npx', ['--no-install', 'biome', 'format', '--write', file], { cwd: root, stdio: 'ignore' });
    console.log(`${path} was written`);
  }
}
