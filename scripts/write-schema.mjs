#!/usr/bin/env node
// Writes docs/manifest.schema.json from the compiled source: `node scripts/write-schema.mjs [--check]`.
// With --check nothing is written and the exit code is 1 when the file is not what the source gives.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';

const root = resolve(import.meta.dirname, '..');
const file = resolve(root, 'docs/manifest.schema.json');
const { manifestJsonSchema } = await import('../build/src/bundle/schema.js').catch(() => {
  console.error('The source is not compiled. Run: npm run build');
  process.exit(1);
});
const schema = manifestJsonSchema();

if (process.argv.includes('--check')) {
  if (!isDeepStrictEqual(JSON.parse(readFileSync(file, 'utf8')), schema)) {
    console.error('docs/manifest.schema.json is out of date. Run: node scripts/write-schema.mjs');
    process.exit(1);
  }
  console.log('docs/manifest.schema.json is what the source gives');
} else {
  writeFileSync(file, `${JSON.stringify(schema, undefined, 2)}\n`);
  // The formatter has its own mind about short lists.
  execFileSync('npx', ['--no-install', 'biome', 'format', '--write', file], { cwd: root, stdio: 'ignore' });
  console.log('docs/manifest.schema.json was written');
}
