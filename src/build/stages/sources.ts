import { join } from 'node:path';
import type { Logger, ProcessRunner } from '../../base/ports.js';
import type { CacheEntries } from '../../cache/entries.js';
import { cloneKey } from '../../cache/keys.js';
import { bareFolder, checkOut, type Pin } from '../../spack/checkout.js';
import type { BuildPlan } from '../plan.js';
import type { Recorder } from '../record.js';

/**
 * Brings Spack and its packages to this machine: what is here already, else from the cache, else from
 * their official addresses.
 * @throws SpackUnreachableError
 */
export async function bringSources(
  plan: BuildPlan,
  entries: CacheEntries,
  recorder: Recorder,
  ports: { readonly process: ProcessRunner; readonly logger: Logger },
): Promise<void> {
  const bring = async (pin: Pin, folder: string) => {
    const key = cloneKey(pin.name, pin.commit);
    const source = await checkOut(pin, folder, join(plan.buildFolder, 'clones'), ports.process, (bare) =>
      entries.restore(key, bare),
    );
    if (source === 'fetched') recorder.addSave({ key, directory: bareFolder(folder) });
    ports.logger.info(`${pin.url} at ${pin.commit.slice(0, 12)}: ${source}`);
  };
  await Promise.all([
    bring(plan.pins.spack, plan.hostLayout.spack),
    bring(plan.pins.packages, plan.hostLayout.packages),
  ]);
}
