import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { copyPlain } from '../base/safe.js';
import { listPlain } from '../base/walk.js';

/** bytes of one log; Slurm's has 2 million */
export const mostLogBytes = 1 << 28;
/** A build of everything that Slurm needs leaves some hundred. */
const mostLogs = 1000;

/**
 * Gathers the build logs that Spack left below its stage, each named after its package. A build writes there:
 * no link is followed, and what is no plain file of a log's size is left out.
 * @returns paths of the copies
 */
export async function collectLogs(stage: string, target: string): Promise<string[]> {
  await mkdir(target, { recursive: true });
  const logs = (await listPlain(stage)).filter((file) =>
    /(?:^|\/)(?:spack-stage-[^/]*\.log|spack-build-out\.txt|config\.log)$/.test(file),
  );
  const copies = await Promise.all(
    logs.slice(0, mostLogs).map(async (file) => {
      const copy = join(target, logName(file));
      return copyPlain(stage, file, copy, { mode: 0o644, limit: mostLogBytes }).then(
        () => [copy],
        () => [],
      );
    }),
  );
  return copies.flat();
}

/** Name of a log among the kept ones, from its path below the stage: the package's folder and the file. */
export function logName(file: string): string {
  const parts = file.split('/').map((part) => part.replace(/^spack-stage-/, ''));
  // Spack's stage has a folder for each user.
  if (parts.length > 1) parts.shift();
  return parts
    .filter((part) => part !== 'spack-src')
    .join('-')
    .replace(/(?:\.txt|\.log)$/, '.log')
    .replace(/[^\w.+=@-]/g, '_')
    .slice(-200);
}
