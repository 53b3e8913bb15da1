import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { exists, listFiles } from '../base/files.js';

/**
 * Gathers the build logs that Spack left below its stage, each named after its package.
 * @returns paths of the copies
 */
export async function collectLogs(stage: string, target: string): Promise<string[]> {
  await mkdir(target, { recursive: true });
  if (!(await exists(stage))) return [];
  const logs = (await listFiles(stage)).filter((file) =>
    /(?:^|\/)(?:spack-stage-[^/]*\.log|spack-build-out\.txt|config\.log)$/.test(file),
  );
  return Promise.all(
    logs.map(async (file) => {
      const copy = join(target, logName(file));
      await copyFile(join(stage, file), copy);
      return copy;
    }),
  );
}

/** Name of a log among the kept ones, from its path below the stage: the package's folder and the file. */
export function logName(file: string): string {
  const parts = file.split('/').map((part) => part.replace(/^spack-stage-/, ''));
  // Spack's stage has a folder for each user.
  if (parts.length > 1) parts.shift();
  return parts
    .filter((part) => part !== 'spack-src')
    .join('-')
    .replace(/(?:\.txt|\.log)$/, '.log');
}
