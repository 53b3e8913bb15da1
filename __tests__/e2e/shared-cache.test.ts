import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from '@jest/globals';
import { readFiles } from '../support/fakes.js';
import { projectRoot, temporaryFolder, testCache } from '../support/prepare.js';
import { builtResult } from '../support/result.js';

/** Builds that share a cache folder, each the first process of a pid namespace: as in containers of their own. */

const version = '24.11.6';
const reference = await builtResult(version);
const folder = temporaryFolder('shared-cache');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = promisify(execFile);
const asRoot = reference !== undefined && process.getuid?.() === 0 ? test : test.skip;

asRoot(
  'six builds whose processes have the same number are all right, and nothing of them is left',
  async () => {
    const cache = join(folder, 'cache');
    mkdirSync(cache, { mode: 0o700 });
    cpSync(join(testCache, 'build-cache', 'entries'), join(cache, 'entries'), { recursive: true });
    const outputs = Array.from({ length: 6 }, (_, index) => join(folder, `output-${index}`));
    const done = await Promise.all(
      outputs.map((output) =>
        run('unshare', [
          ...['--pid', '--fork', '--mount-proc', process.execPath],
          ...[join(projectRoot, 'dist', 'cli', 'index.js'), 'build', version],
          ...['--engine', 'docker', '--toolchain', 'bookworm'],
          ...['--cache-dir', cache, '--output-dir', output],
        ]),
      ),
    );
    for (const { stderr } of done)
      expect(stderr).not.toMatch(/warning: (?!Slurm)|fails its checks|damaged|An earlier build/i);
    const [first, ...others] = await Promise.all(outputs.map((output) => readFiles(output)));
    expect(Object.keys(first ?? {}).length).toBeGreaterThanOrEqual(6);
    for (const files of others) expect(files).toEqual(first);
    // What every result has, is the one that was built first.
    const built = await readFiles(reference ?? '');
    for (const [name, text] of Object.entries(first ?? {})) expect(built[name]).toBe(text);
    expect(readdirSync(cache).filter((name) => name.startsWith('build-'))).toEqual([]);
    for (const place of ['records', 'transfer']) expect(readdirSync(join(cache, place))).toEqual([]);
  },
);
