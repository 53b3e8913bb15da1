// Makes the API docs of the library in docs/api, which git ignores: `npm run api-docs [-- --check]`.
// With --check nothing is written; what is exported without a docstring, or named without being exported, is an error.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const folder = resolve(import.meta.dirname, 'api-docs');
const typedoc = join(folder, 'node_modules', 'typedoc', 'bin', 'typedoc');
const run = (command, args) => execFileSync(command, args, { cwd: folder, stdio: 'inherit' });

// It has a lock of its own: nothing else of the project needs it.
if (!existsSync(typedoc)) run('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts']);
const checked = process.argv.includes('--check') ? ['--emit', 'none'] : [];
run(process.execPath, [typedoc, '--options', 'typedoc.json', '--treatWarningsAsErrors', ...checked]);
