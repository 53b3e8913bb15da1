// The linters of Python, shell, workflows and Dockerfiles, and pytest: `node scripts/tools.mjs` brings them, with the sums of
// tools-requirements.txt, into a virtual environment in the user's cache folder. Safe to run again.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const requirements = resolve(import.meta.dirname, 'tools-requirements.txt');

/** What could not be run, with the end of what it said. */
function run(command, args, options = {}) {
  const done = spawnSync(command, args, { encoding: 'utf8', timeout: 10 * 60_000, ...options });
  if (done.status === 0) return undefined;
  const said = (done.stderr || done.stdout || String(done.error ?? '')).trim().split('\n').at(-1);
  return `${command} ${args.slice(0, 3).join(' ')}: ${said}`;
}

/** Debian and Ubuntu have venv in a package of its own. */
function installVenv() {
  const root = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  for (const words of [
    ['apt-get', 'update', '-qq'],
    ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', 'python3-venv'],
  ]) {
    const [command, ...args] = [...root, ...words];
    const failure = run(command, args, { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
    if (failure !== undefined) return failure;
  }
  return undefined;
}

/**
 * Brings the tools, unless they are there.
 * @returns {{bin: string} | {missing: string}} the folder of the programs, or why there is none
 */
export function tools() {
  const text = readFileSync(requirements);
  const python = spawnSync('python3', ['--version'], { encoding: 'utf8' });
  if (python.status !== 0) return { missing: 'python3 is not there' };
  const id = createHash('sha256').update(text).update(python.stdout).digest('hex').slice(0, 16);
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const folder = join(cache, 'slurm-factory-tools', id);
  const done = join(folder, 'complete');
  if (existsSync(done)) return { bin: join(folder, 'bin') };
  console.error(`Installing hadolint, pytest, ruff, shellcheck and zizmor into ${folder}`);
  mkdirSync(dirname(folder), { recursive: true });
  const make = () => run('python3', ['-m', 'venv', '--clear', folder]);
  const failure =
    (make() && (installVenv() ?? make())) ??
    run(join(folder, 'bin', 'pip'), [
      ...['install', '--quiet', '--no-deps', '--only-binary', ':all:', '--require-hashes'],
      ...['--requirement', requirements],
    ]);
  if (failure !== undefined) {
    rmSync(folder, { recursive: true, force: true });
    return { missing: failure };
  }
  writeFileSync(done, '');
  return { bin: join(folder, 'bin') };
}

if (process.argv[1] === import.meta.filename) {
  const { bin, missing } = tools();
  if (missing !== undefined) {
    console.error(`The tools could not be installed: ${missing}`);
    process.exit(1);
  }
  console.log(bin);
}
