import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { broughtPackages, type Manifest } from '../../src/bundle/manifest.js';
import { parseSums } from '../../src/bundle/sums.js';
import { CacheEntries } from '../../src/cache/entries.js';
import { resultKey } from '../../src/cache/keys.js';
import { directoryCache } from '../../src/local/stores.js';
import type { Gpu } from '../../src/targets/gpus.js';
import type { Dependencies } from '../../src/targets/identifier.js';
import { runCli } from './cli.js';
import { recordingLogger } from './fakes.js';
import { isHere, sourceMirror, testCache } from './prepare.js';

/** The build cache that slow tests share. */
export const buildCacheFolder = join(testCache, 'build-cache');

/**
 * Keeps a result that a workflow built for the tests which need one: content keys are the same on the command
 * line.
 * @param folder the workflow's output folder
 */
export async function keepResult(folder: string, target: string, contentKey: string): Promise<void> {
  const store = directoryCache(join(buildCacheFolder, 'entries'));
  const policy = { restore: false, save: true, scopes: ['open'] };
  const entries = new CacheEntries(store, policy, recordingLogger(), join(buildCacheFolder, 'kept'));
  await saveResult(entries, folder, target, contentKey);
}

/** Saves the result in a folder as a build of it does. */
export async function saveResult(
  entries: CacheEntries,
  folder: string,
  target: string,
  contentKey: string,
): Promise<void> {
  const sums = `${target}-SHA256SUMS`;
  const files = parseSums(readFileSync(join(folder, sums), 'utf8')).map(({ name }) => name);
  const manifest = readManifestFile(folder, target);
  const brought = manifest.libraries === undefined ? undefined : broughtPackages(manifest);
  await entries.save(resultKey(target, contentKey, brought), folder, [...files, sums]);
}

const readManifestFile = (folder: string, target: string): Manifest =>
  JSON.parse(readFileSync(join(folder, `${target}-manifest.json`), 'utf8'));

/**
 * A finished result of this source, built with Docker the first time it is asked for, and taken from the
 * result cache from then on: its key changes with everything that decides its bytes.
 * @returns the folder with the target's files; undefined, with a word, where it can't be built
 */
export async function builtResult(
  version: string,
  dependencies: Dependencies = 'bundled',
  gpu: Gpu = 'none',
): Promise<string | undefined> {
  if (!(await isHere('upstream', 'Docker Engine'))) return undefined;
  const folder = join(testCache, 'results', `${version}-${dependencies}-${gpu}`);
  const done = runCli([
    'build',
    version,
    ...['--engine', 'docker', '--toolchain', 'bookworm', '--dependencies', dependencies, '--gpu', gpu],
    ...['--source-mirror', await sourceMirror([version])],
    ...['--cache-dir', buildCacheFolder, '--output-dir', folder],
  ]);
  if (done.exitCode !== 0) throw new Error(`the build failed:\n${done.stderr.slice(-8000)}`);
  return folder;
}
