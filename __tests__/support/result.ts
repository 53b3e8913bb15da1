import { join } from 'node:path';
import { runCli } from './cli.js';
import { prepareMachine, sourceMirror, testCache, unreachableUpstreams } from './prepare.js';

/**
 * A finished result of this source, built with Docker the first time it is asked for, and taken from the
 * result cache from then on: its key changes with everything that decides its bytes.
 * @returns the folder with the target's files; undefined, with a word, where upstream can't be reached
 */
export async function builtResult(version: string): Promise<string | undefined> {
  const missing = await unreachableUpstreams();
  if (missing.length > 0) {
    console.warn(`skipped, these upstream addresses can't be reached: ${missing.join(', ')}`);
    return undefined;
  }
  await prepareMachine();
  const folder = join(testCache, 'results', version);
  const done = runCli([
    'build',
    version,
    ...['--engine', 'docker', '--toolchain', 'bookworm'],
    ...['--source-mirror', await sourceMirror([version])],
    ...['--cache-dir', join(testCache, 'build-cache'), '--output-dir', folder],
  ]);
  if (done.exitCode !== 0) throw new Error(`the build failed:\n${done.stderr.slice(-8000)}`);
  return folder;
}
