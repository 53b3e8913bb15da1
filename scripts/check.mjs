// All that needs no test run: `npm run check`. Some checks at a time, the output of those that fail, and a line each.
// Where the tools of Python, shell and Dockerfiles can't be had, their checks are left out, with a warning; in CI that fails.
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { tools } from './tools.mjs';

const root = resolve(import.meta.dirname, '..');
const module = (path) => [process.execPath, join(root, 'node_modules', path)];
const script = (name, ...args) => [process.execPath, join(root, 'scripts', name), ...args];
const tracked = (...patterns) =>
  spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard', ...patterns], {
    cwd: root,
    encoding: 'utf8',
  })
    .stdout.split('\0')
    .filter((name) => name !== '');

/** What is made from the source, and has to be what the source gives. */
const generators = readdirSync(import.meta.dirname).filter((name) => /^(write|refresh)-.*\.mjs$/.test(name));

/** `[name, command, name of the check that has to be done before]` */
const checks = [
  ['compile', script('build.mjs', '--library')],
  ['types', [...module('typescript/bin/tsc'), '-p', '__tests__']],
  ['dist', script('build.mjs', '--check'), 'compile'],
  ['biome', [...module('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings']],
  ['arrows', script('check-arrows.mjs')],
  ...generators.map((name) => [name.replace('.mjs', ''), script(name, '--check'), 'compile']),
];

const found = tools();
if (found.missing !== undefined) {
  console.error(
    `${process.env.CI ? 'FAIL' : 'skipped'}: hadolint, pytest, ruff, shellcheck, zizmor: ${found.missing}`,
  );
  if (process.env.CI) process.exitCode = 1;
} else {
  const tool = (name) => join(found.bin, name);
  checks.push(
    ['hadolint', script('lint-dockerfiles.mjs', tool('hadolint')), 'compile'],
    ['pytest', [tool('pytest')]],
    ['ruff', [tool('ruff'), 'check', '--quiet', '--no-cache']],
    ['shellcheck', [tool('shellcheck'), ...tracked('*.sh', '.ci/run')]],
    [
      'zizmor',
      [
        ...[tool('zizmor'), '--offline', '--quiet', '--config', '.github/zizmor.yml', '.github'],
        ...tracked('action.yml', '*/action.yml', 'docs/examples/*.yml'),
      ],
    ],
  );
}

function run([name, [command, ...args]]) {
  const started = performance.now();
  return new Promise((ended) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    const add = (chunk) => {
      text += chunk;
    };
    child.stdout.on('data', add);
    child.stderr.on('data', add);
    child.once('error', (error) => add(`${error.message}\n`));
    child.once('close', (code) => {
      const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(6);
      if (code !== 0) process.stderr.write(text);
      console.log(`${seconds} s  ${code === 0 ? '' : 'FAIL '}${name}`);
      if (code !== 0) process.exitCode = 1;
      ended(name);
    });
  });
}

const done = new Set();
const running = new Map();
while (checks.length > 0 || running.size > 0) {
  const next = checks.findIndex(([, , before]) => before === undefined || done.has(before));
  if (next !== -1 && running.size < Math.max(2, availableParallelism())) {
    const [check] = checks.splice(next, 1);
    running.set(check[0], run(check));
    continue;
  }
  const name = await Promise.race(running.values());
  running.delete(name);
  done.add(name);
}
console.log(`${(performance.now() / 1000).toFixed(1).padStart(6)} s  in all`);
