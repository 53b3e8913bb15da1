// How long the bundles take from the start of the process to their first line.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from './bench.js';
import type { CaseFigures } from './results.js';

/**
 * Milliseconds by Node's version.
 * @param nodes paths of Node programs; those that are not on this machine are left out
 */
export async function measureStartup(
  { root, work }: Bench,
  nodes: readonly string[],
): Promise<CaseFigures['startup']> {
  // A wrong input ends the action right after its first lines.
  const wrong = { INPUT_TOOLCHAIN: 'none-such', RUNNER_TEMP: work, GITHUB_WORKSPACE: work };
  const figures: Record<string, CaseFigures['startup'][string]> = {};
  for (const node of nodes.filter((candidate) => existsSync(candidate))) {
    const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
    figures[version] = {
      node: await firstLine(node, ['--eval', 'console.log(1)'], {}, work),
      main: await firstLine(node, [join(root, 'dist', 'build', 'index.js')], wrong, work),
      cliVersion: await firstLine(node, [join(root, 'dist', 'cli', 'index.js'), 'version'], {}, work),
    };
  }
  return figures;
}

function firstLine(
  node: string,
  words: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd: string,
): Promise<number> {
  return new Promise((done, fail) => {
    let first: number | undefined;
    const start = performance.now();
    const child = spawn(node, words, {
      cwd,
      env: { PATH: process.env['PATH'], HOME: cwd, ...env },
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
