// Compiles src/ and bundles each entry with ncc: `node scripts/build.mjs [--check]`.
// dist/licenses.txt has the licences of what is bundled.
// With --check nothing is written; exit 1 tells that dist/ is not what the source gives.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { bundledFolders, formatLicences, licenceOf } from './licenses.mjs';

const root = resolve(import.meta.dirname, '..');
const entries = ['main', 'post', 'cli'];
const check = process.argv.includes('--check');
const target = check ? mkdtempSync(join(tmpdir(), 'slurm-factory-dist-')) : join(root, 'dist');

const npx = (...words) => execFileSync('npx', ['--no-install', ...words], { cwd: root, stdio: 'inherit' });
const list = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();

rmSync(join(root, 'build'), { recursive: true, force: true });
npx('tsc');
const packages = new Set();
for (const entry of entries) {
  const bundled = mkdtempSync(join(tmpdir(), 'slurm-factory-ncc-'));
  const stats = `${bundled}.json`;
  const source = join('build', 'src', 'entry', `${entry}.js`);
  npx('ncc', 'build', source, '--out', bundled, '--minify', '--quiet', '--stats-out', stats);
  for (const folder of bundledFolders(JSON.parse(readFileSync(stats, 'utf8')))) packages.add(folder);
  rmSync(stats);
  rmSync(join(target, entry), { recursive: true, force: true });
  cpSync(bundled, join(target, entry), { recursive: true });
  rmSync(bundled, { recursive: true });
}
writeFileSync(join(target, 'licenses.txt'), formatLicences([...packages].map(licenceOf)));

if (check) {
  const dist = join(root, 'dist');
  const differing = [...new Set([...list(target), ...list(dist)])].filter((file) => {
    try {
      return !readFileSync(join(target, file)).equals(readFileSync(join(dist, file)));
    } catch {
      return true;
    }
  });
  rmSync(target, { recursive: true });
  if (differing.length > 0) {
    console.error(`dist/ is not what the source gives: ${differing.join(', ')}. Run: npm run build`);
    process.exit(1);
  }
  console.log('dist/ is what the source gives');
}
