import { lstat, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { listFiles } from '../base/files.js';
import type { Ports } from '../base/ports.js';
import { removeKeyring } from '../bundle/gpg.js';
import { CacheEntries } from '../cache/entries.js';
import { usedKeys } from '../cache/ledger.js';
import type { Seal } from '../cache/seal.js';
import { removeContainer } from '../container/container.js';
import { saveCcache } from './ccache.js';
import { collectLogs } from './logs.js';
import { leavingFolder, savePackages } from './packages.js';
import { type Pruned, pruneCaches } from './prune.js';
import type { PostRecord } from './record.js';
import type { CacheReport } from './summary.js';

/**
 * What follows every build, a failed, cancelled or killed one too: the container goes, complete cache
 * entries are saved, older ones make room for them, build logs of a failure are uploaded, and the build's
 * folder goes. What is not the folder that its name says is left alone.
 * @param seal of this run's secret; without the build's own nothing is saved for a build that had one
 * @returns what became of the cache entries, those of the build itself among them
 */
export async function afterBuild(record: PostRecord, ports: Ports, seal?: Seal): Promise<CacheReport> {
  const entries = new CacheEntries(ports.cache, record.policy, ports.logger, record.transfer, {
    damaged: record.damaged ?? [],
    seal,
    within: record.buildFolder,
  });
  const uses = () => [...record.cacheUses, ...entries.ledger];
  let pruned: Pruned | undefined;
  await attempt('remove the containers', ports, async () => {
    for (const cleanup of record.cleanups) {
      if (cleanup.what !== 'container' || (record.kept && cleanup.kind === 'build')) continue;
      await removeContainer(cleanup.program, cleanup.name, ports.process);
    }
  });
  await attempt('remove the signing key', ports, async () => {
    for (const cleanup of record.cleanups) {
      if (cleanup.what !== 'keyring') continue;
      await requireOwn(cleanup.folder);
      await removeKeyring(ports.process, cleanup.folder, ports.env);
    }
  });
  await attempt('save the caches', ports, () =>
    ports.logger.group('Save the caches', async () => {
      await requireOwn(record.buildFolder);
      await saveCaches(record, entries, ports);
      pruned = await pruneCaches(record, usedKeys(uses()), ports);
    }),
  );
  if (!record.succeeded) await attempt('keep the build logs', ports, () => uploadLogs(record, ports));
  for (const folder of [...(record.kept ? [] : [record.buildFolder]), record.transfer]) {
    await attempt(`remove ${folder}`, ports, async () => {
      await requireOwn(dirname(folder));
      await requireOwn(folder);
      await rm(folder, { recursive: true, force: true });
    });
  }
  return { uses: [...uses(), ...(pruned?.uses ?? [])], stored: pruned?.bytes, budget: record.cacheBudget };
}

/** Refuses a link, a file and a folder of another user; what is not there is no fault. */
async function requireOwn(folder: string): Promise<void> {
  const found = await lstat(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  if (found === undefined) return;
  if (!found.isDirectory()) throw new Error(`${folder} is not a folder`);
  if (found.uid !== process.getuid?.()) throw new Error(`${folder} belongs to another user`);
}

// One step that fails must not keep the next ones from their work.
async function attempt(what: string, { logger }: Ports, step: () => Promise<void>): Promise<void> {
  await step().catch((error: unknown) => logger.warning(`Could not ${what}: ${String(error)}`));
}

async function saveCaches(record: PostRecord, entries: CacheEntries, ports: Ports): Promise<void> {
  if (!record.policy.save) ports.logger.info('This run saves nothing to the caches.');
  const leaving = leavingFolder(record.buildFolder);
  for (const save of record.saves) {
    switch (save.what) {
      case 'files':
        await entries.save(save.key, save.directory, save.files);
        break;
      case 'packages':
        await savePackages(save, leaving, entries, ports.logger);
        break;
      case 'ccache':
        await saveCcache(save, leaving, entries, ports);
        break;
    }
  }
}

async function uploadLogs(record: PostRecord, ports: Ports): Promise<void> {
  await requireOwn(record.buildFolder);
  const folder = join(record.buildFolder, 'logs');
  await collectLogs(record.buildStage, folder);
  const files = await listFiles(folder);
  if (files.length === 0 || !record.upload) return;
  try {
    const uploaded = await ports.artifacts.uploadFolder(
      `${record.identifier}-logs`,
      folder,
      record.retentionDays,
    );
    ports.logger.info(`Build logs: ${uploaded.url}`);
  } catch (error) {
    ports.logger.warning(`The build logs could not be uploaded: ${String(error)}`);
  }
}
