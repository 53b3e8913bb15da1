import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Logger, ProgressEvent } from '../base/ports.js';
import type { BuildReport } from '../pipeline/report.js';
import type { EarlierBuild } from './progress.js';

/*
 * Times of earlier builds, for the bar of the next one: a file in the folder of the caches. Nothing else is decided by
 * it, so a file that is damaged or another version's is none.
 */

const schema = z.object({
  version: z.literal(1),
  builds: z.record(
    z.string(),
    z.object({
      stages: z.record(z.string(), z.number().nonnegative().max(1e6)),
      files: z.number().int().nonnegative().max(1e7),
    }),
  ),
});

/** Kinds of builds that are kept: `24.11`, a series of Slurm. */
const mostBuilds = 50;

const fileIn = (cacheDir: string): string => join(cacheDir, 'timings.json');

const seriesOf = (release: string): string => release.split('.').slice(0, 2).join('.');

async function read(cacheDir: string): Promise<z.infer<typeof schema>['builds']> {
  try {
    return schema.parse(JSON.parse(await readFile(fileIn(cacheDir), 'utf8'))).builds;
  } catch {
    return {};
  }
}

/** The last build from source of a release's series on this machine, else of any; undefined where there is none. */
export async function earlierBuild(cacheDir: string, release: string): Promise<EarlierBuild | undefined> {
  const builds = await read(cacheDir);
  const own = seriesOf(release);
  return Object.hasOwn(builds, own) ? builds[own] : Object.values(builds).at(-1);
}

/**
 * Keeps how long a build from source took; others say nothing of what one takes.
 * @param files that were compiled
 */
export async function keepTimings(
  cacheDir: string,
  { cacheHit, slurmVersion, timings }: Pick<BuildReport, 'cacheHit' | 'slurmVersion' | 'timings'>,
  files: number,
  logger: Logger,
): Promise<void> {
  if (cacheHit !== 'none' || files === 0) return;
  const file = fileIn(cacheDir);
  const partial = `${file}.${randomBytes(6).toString('hex')}.partial`;
  try {
    const { [seriesOf(slurmVersion)]: _, ...others } = await read(cacheDir);
    const stages = Object.fromEntries(
      timings.map(({ stage, seconds }) => [stage, Math.round(seconds * 10) / 10]),
    );
    const kept = [...Object.entries(others), [seriesOf(slurmVersion), { stages, files }] as const];
    const builds = Object.fromEntries(kept.slice(-mostBuilds));
    await writeFile(partial, JSON.stringify({ version: 1, builds }), { flag: 'wx', mode: 0o600 });
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    logger.debug(`The times of the build are not kept: ${String(error)}`);
  }
}

/** Counts the files that a build compiles, and hands its events on. */
export function countFiles(told?: (event: ProgressEvent) => void) {
  let files = 0;
  return {
    progress: (event: ProgressEvent) => {
      if (event.what === 'compiled' && event.name === 'slurm') files = Math.max(files, event.files);
      told?.(event);
    },
    files: () => files,
  };
}
