import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { listFiles } from '../base/files.js';
import type { Ports } from '../base/ports.js';
import { removeKeyring } from '../bundle/gpg.js';
import { completePackages } from '../cache/buildcache.js';
import { CacheEntries } from '../cache/entries.js';
import { packageKey } from '../cache/keys.js';
import { removeContainer } from '../container/session.js';
import { collectLogs } from './logs.js';
import type { PostRecord } from './record.js';

/**
 * What follows every build, a failed, cancelled or killed one too: the container goes, complete cache
 * entries are saved, build logs of a failure are uploaded, and the build's folder goes.
 */
export async function afterBuild(record: PostRecord, ports: Ports): Promise<void> {
  await attempt('remove the containers', ports, async () => {
    for (const container of [record.container, record.smoke]) {
      if (container !== undefined) await removeContainer(container.program, container.name, ports.process);
    }
  });
  await attempt('remove the signing key', ports, async () => {
    if (record.keyring !== undefined) await removeKeyring(ports.process, record.keyring, ports.env);
  });
  await attempt('save the caches', ports, () =>
    ports.logger.group('Save the caches', () => saveCaches(record, ports)),
  );
  if (!record.succeeded) await attempt('keep the build logs', ports, () => uploadLogs(record, ports));
  await attempt('remove the build folder', ports, () =>
    rm(record.buildFolder, { recursive: true, force: true }),
  );
}

// One step that fails must not keep the next ones from their work.
async function attempt(what: string, { logger }: Ports, step: () => Promise<void>): Promise<void> {
  await step().catch((error: unknown) => logger.warning(`Could not ${what}: ${String(error)}`));
}

async function saveCaches(record: PostRecord, ports: Ports): Promise<void> {
  const entries = new CacheEntries(ports.cache, record.policy, ports.logger, record.transfer, {
    damaged: record.damaged ?? [],
  });
  if (!record.policy.save) ports.logger.info('This run saves nothing to the caches.');
  for (const { key, directory, files } of record.saves) await entries.save(key, directory, files);
  const { packages } = record;
  if (packages === undefined) return;
  for (const cached of await completePackages(packages.directory)) {
    if (packages.restored.includes(cached.hash)) continue;
    const key = packageKey(packages.place, cached.name, cached.hash);
    ports.logger.info(`${cached.name}: ${(cached.size / 1e6).toFixed(1)} MB`);
    await entries.save(key, packages.directory, cached.files);
  }
}

async function uploadLogs(record: PostRecord, ports: Ports): Promise<void> {
  const folder = join(record.buildFolder, 'logs');
  await collectLogs(record.stage, folder);
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
