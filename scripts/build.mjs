// Compiles src/ and bundles each entry with ncc: `node scripts/build.mjs [--check]`.
// With --check nothing is written; exit 1 tells that dist/ is not what the source gives.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

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
for (const entry of entries) {
  const bundled = mkdtempSync(join(tmpdir(), 'slurm-factory-ncc-'));
  npx('ncc', 'build', join('build', 'src', 'entry', `${entry}.js`), '--out', bundled, '--minify', '--quiet');
  rmSync(join(target, entry), { recursive: true, force: true });
  cpSync(bundled, join(target, entry), { recursive: true });
  rmSync(bundled, { recursive: true });
}

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
