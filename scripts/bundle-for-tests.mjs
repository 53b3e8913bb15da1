// Jest's global setup of the unit tests: one file of each library that consists of many, see jest.config.js.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const folder = join(root, 'node_modules', '.cache', 'slurm-factory');
/** CommonJS stays CommonJS, for the names of its exports. */
const libraries = { zod: ['esm', 'mjs'], yaml: ['cjs', 'cjs'] };

export default async function setup() {
  mkdirSync(folder, { recursive: true });
  for (const [name, [format, extension]] of Object.entries(libraries)) {
    const { version } = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'));
    const file = join(folder, `${name}.${extension}`);
    const banner = `/* ${name} ${version} */`;
    if (head(file).startsWith(banner)) continue;
    const made = await build({
      absWorkingDir: root,
      stdin: {
        contents: format === 'cjs' ? `module.exports = require('${name}')` : `export * from '${name}'`,
        resolveDir: root,
      },
      bundle: true,
      platform: 'node',
      format,
      target: 'node20',
      banner: { js: banner },
      write: false,
    });
    // Another run may read it.
    writeFileSync(`${file}.${process.pid}`, made.outputFiles[0].contents);
    renameSync(`${file}.${process.pid}`, file);
  }
}

function head(file) {
  try {
    return readFileSync(file, 'utf8').slice(0, 100);
  } catch {
    return '';
  }
}
