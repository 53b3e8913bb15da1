// Bundles src/ into dist/, and compiles the library into build/: `npm run build`.
// With --check nothing is written below dist/; exit 1 tells that it is not what the source gives.
// With --library only build/ is written, for npm pack.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { build } from 'esbuild';
import { bundledFolders, formatLicences, licenceOf } from './licenses.mjs';

const root = resolve(import.meta.dirname, '..');

/** What the actions' action.yml name: `dist/<name>/index.js`. They share what they have in common, in dist/shared. */
const actions = {
  main: 'src/entry/main.ts',
  post: 'src/entry/post.ts',
};
/** What package.json's `bin` names: one file each, which starts quicker than several. */
const programs = {
  cli: 'src/entry/cli.ts',
};

// CommonJS that is bundled into an ES module asks for Node's own modules by this name.
const require = `import { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);`;

/** Of package.json the bundles have the version alone, so that nothing else in it changes them. */
const versionOnly = {
  name: 'version-only',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]package\.json$/ }, ({ path }) => {
      if (path !== join(root, 'package.json')) return undefined;
      const { version } = JSON.parse(readFileSync(path, 'utf8'));
      return { contents: JSON.stringify({ version }), loader: 'json' };
    });
  },
};

/**
 * Neither minified nor with source maps: what runs can be read and reviewed, stack traces name functions, and
 * compressed it is half of what minified bundles without shared parts were.
 */
const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  charset: 'utf8',
  legalComments: 'none', // dist/licenses.txt has them
  plugins: [versionOnly],
  metafile: true,
  write: false,
  outdir: join(root, 'dist'),
};

/** Names of an entry's files: `{ 'main/index': 'src/entry/main.ts' }`. */
const named = (entries) =>
  Object.fromEntries(Object.entries(entries).map(([name, file]) => [`${name}/index`, file]));

/** All files of dist/ by their path below it, as bytes and mode. */
async function bundle() {
  const bundles = await Promise.all([
    build({
      ...common,
      entryPoints: named(actions),
      splitting: true,
      chunkNames: 'shared/[name]-[hash]',
      banner: { js: require },
    }),
    build({ ...common, entryPoints: named(programs), banner: { js: `#!/usr/bin/env node\n${require}` } }),
  ]);
  const files = new Map();
  for (const { outputFiles } of bundles) {
    for (const { path, contents } of outputFiles) {
      const name = path.slice(common.outdir.length + 1);
      files.set(name, {
        bytes: Buffer.from(contents),
        mode: programs[dirname(name)] === undefined ? 0o644 : 0o755,
      });
    }
  }
  const outputs = bundles.flatMap(({ metafile }) => Object.values(metafile.outputs));
  const inputs = outputs.flatMap((output) =>
    Object.keys(output.inputs).filter((file) => output.inputs[file].bytesInOutput > 0),
  );
  const licences = bundledFolders(inputs).map((folder) => licenceOf(join(root, folder)));
  files.set('licenses.txt', { bytes: Buffer.from(formatLicences(licences)), mode: 0o644 });
  return files;
}

/** Paths of all files below a folder, relative to it. */
const list = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));

/** Names of the files that are not as they would be written. */
function differing(files, folder) {
  const same = (name) => {
    const { bytes, mode } = files.get(name) ?? {};
    const file = join(folder, name);
    // Git keeps whether a file can be run, and no more of its mode.
    return bytes?.equals(readFileSync(file)) && ((statSync(file).mode ^ mode) & 0o100) === 0;
  };
  const there = list(folder);
  return [...files.keys()]
    .filter((name) => !there.includes(name))
    .concat(there.filter((name) => !same(name)))
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

const dist = join(root, 'dist');
if (process.argv.includes('--check')) {
  const wrong = differing(await bundle(), dist);
  if (wrong.length > 0) {
    console.error(`dist/ is not what the source gives: ${wrong.join(', ')}. Run: npm run build`);
    process.exit(1);
  }
  console.log('dist/ is what the source gives');
} else {
  compile();
  if (!process.argv.includes('--library')) write(await bundle(), dist);
}
