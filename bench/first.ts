// The first build on a new machine: it has an engine, the distribution's own image and Slurm's archive, and
// nothing that a build has made.
import { execFileSync } from 'node:child_process';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pin } from '../src/spack/checkout.js';
import { archiveBelow, folderBytes, type Prepared, withNewBase } from './bench.js';
import { runBuild } from './ours.js';
import type { FirstFigures } from './results.js';

export async function measureFirst(bench: Prepared): Promise<FirstFigures> {
  const folder = join(bench.work, 'first');
  const cacheDir = join(folder, 'cache');
  await mkdir(folder);
  try {
    const { figures, output } = await withNewBase(bench, (base) =>
      runBuild(bench, {
        name: 'first',
        cacheDir,
        // Its own clones, beside its own caches.
        buildDir: cacheDir,
        options: ['--container-image', base],
      }),
    );
    await rm(output, { recursive: true });
    if (figures.cacheHit !== 'none') throw new Error(`the machine was not new: ${figures.cacheHit}`);
    return { ...figures, fromFiles: await bytesFromFiles(bench) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What came out of files of this machine, and comes over a network elsewhere. */
async function bytesFromFiles(bench: Prepared): Promise<FirstFigures['fromFiles']> {
  const { plan, settings, release, work } = bench;
  const pins = [plan.pins.spack, plan.pins.packages].filter(isLocal);
  const folder = join(work, 'packs');
  const clones = await Promise.all(
    pins.map(async (pin) => {
      fetchBare(pin, join(folder, pin.name));
      return folderBytes(join(folder, pin.name, 'objects'));
    }),
  );
  await rm(folder, { recursive: true, force: true });
  const archive = await stat(archiveBelow(settings.mirror, release.archiveSha256));
  return { clones: clones.reduce((sum, bytes) => sum + bytes, 0), archive: archive.size };
}

const git = (...words: readonly string[]): string =>
  execFileSync('git', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();

/** Whether git's settings have a folder of this machine in the place of an address. */
const isLocal = ({ url }: Pin): boolean => /^(?:file:\/\/)?\//.test(git('ls-remote', '--get-url', url));

/** Fetches a commit as a build does, into a bare repository that stays. */
export function fetchBare({ url, commit }: Pin, folder: string): void {
  git('init', '--quiet', '--bare', folder);
  git('-C', folder, 'fetch', '--quiet', '--depth', '1', '--no-tags', '--', url, commit);
}
