import { join } from 'node:path';
import type { Logger, ProcessRunner } from '../../base/ports.js';
import { checkOut, type Pin } from '../../spack/checkout.js';
import type { ResolvedBuild } from '../resolve.js';

/**
 * Brings Spack and its packages to this machine: what is here already, else from their official addresses.
 * No cache keeps them: over a network it would bring the same bytes, while the image is made.
 * @throws SpackUnreachableError
 */
export async function bringSources(
  build: ResolvedBuild,
  ports: { readonly process: ProcessRunner; readonly logger: Logger },
): Promise<void> {
  const bring = async (pin: Pin, folder: string) => {
    const source = await checkOut(pin, folder, join(build.buildFolder, 'clones'), ports.process);
    ports.logger.info(`${pin.url} at ${pin.commit.slice(0, 12)}: ${source}`);
  };
  await Promise.all([
    bring(build.pins.spack, build.hostLayout.spack),
    bring(build.pins.packages, build.hostLayout.recipes),
  ]);
}
