// How long the bundles take from the start of the process to their first line.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const rounds = 9;

/** Milliseconds by Node version; versions that are not on this machine are left out. */
export async function measureStartup(root, work, candidates) {
  // A wrong input ends the action right after its first lines.
  const wrong = { INPUT_TOOLCHAIN: 'none-such', RUNNER_TEMP: work, GITHUB_WORKSPACE: work };
  const figures = {};
  for (const node of candidates.filter((candidate) => existsSync(candidate))) {
    const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
    figures[version] = {
      node: await median(node, ['--eval', 'console.log(1)'], {}, work),
      main: await median(node, [join(root, 'dist', 'build', 'index.js')], wrong, work),
      cliVersion: await median(node, [join(root, 'dist', 'cli', 'index.js'), 'version'], {}, work),
    };
  }
  return figures;
}

async function median(node, words, env, cwd) {
  const times = [];
  for (let round = 0; round < rounds; round++) times.push(await firstLine(node, words, env, cwd));
  return times.sort((a, b) => a - b)[(rounds - 1) / 2];
}

function firstLine(node, words, env, cwd) {
  return new Promise((done, fail) => {
    let first;
    const start = performance.now();
    const child = spawn(node, words, {
      cwd,
      env: { PATH: process.env.PATH, HOME: cwd, ...env },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    child.stdout.on('data', () => {
      first ??= performance.now() - start;
    });
    child.on('error', fail);
    child.on('close', () =>
      first === undefined ? fail(new Error(`${words.join(' ')} wrote nothing`)) : done(first),
    );
  });
}
