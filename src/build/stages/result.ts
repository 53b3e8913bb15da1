import { copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PackagingError } from '../../base/errors.js';
import type { Logger } from '../../base/ports.js';
import { manifestSchema } from '../../bundle/manifest.js';
import { signingKeyName } from '../../bundle/signature.js';
import { describeFile, verifySums } from '../../bundle/sums.js';
import type { CacheEntries } from '../../cache/entries.js';
import { resultKey } from '../../cache/keys.js';
import type { BuildPlan } from '../plan.js';
import { debugTarball, type Finished, resultFiles } from '../report.js';

/**
 * Looks for the target's finished tarballs and verifies them.
 * @returns undefined for a miss, a damaged entry included
 */
export async function restoreResult(
  plan: BuildPlan,
  entries: CacheEntries,
  logger: Logger,
): Promise<Finished | undefined> {
  const folder = join(plan.buildFolder, 'restored-result');
  await rm(folder, { recursive: true, force: true });
  const key = resultKey(plan.identifier, plan.contentKey);
  while (await entries.restore(key, folder)) {
    try {
      return await adoptResult(plan, folder);
    } catch (error) {
      logger.warning(`The cached result is not sound (${String(error)}); it is not used.`);
      entries.reject(key);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  logger.info('The result cache has nothing for this content key.');
  return undefined;
}

/** Copies verified files of a folder to the output folder and reads what the manifest says of them. */
export async function adoptResult(plan: BuildPlan, folder: string): Promise<Finished> {
  const names = resultFiles(plan.identifier);
  const summed = await verifySums(folder, names.sums);
  for (const name of Object.values(names)) {
    if (name === names.sums || summed.includes(name)) continue;
    throw new PackagingError(`${names.sums} does not list ${name}.`, 'Build again with cache: false.');
  }
  const files = [...summed, names.sums];
  const manifest = manifestSchema.parse(JSON.parse(await readFile(join(folder, names.manifest), 'utf8')));
  await mkdir(plan.outputDir, { recursive: true });
  await removeOlder(plan);
  for (const file of files) await place(join(folder, file), join(plan.outputDir, file));
  return {
    described: await Promise.all(files.map((file) => describeFile(join(plan.outputDir, file)))),
    runtimePackages: manifest.runtimePackages,
  };
}

// Signatures and debug files of an earlier build would not fit the new files.
async function removeOlder(plan: BuildPlan): Promise<void> {
  const { identifier, outputDir } = plan;
  const names = [...Object.values(resultFiles(identifier)), debugTarball(identifier)];
  const older = [...names, ...names.map((name) => `${name}.asc`), signingKeyName(identifier)];
  for (const name of older) await rm(join(outputDir, name), { force: true });
}

async function place(from: string, to: string): Promise<void> {
  const partial = `${to}.partial`;
  await copyFile(from, partial);
  await rename(partial, to);
}
