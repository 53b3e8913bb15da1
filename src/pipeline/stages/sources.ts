import { join } from 'node:path';
import type { Logger, ProcessRunner } from '../../base/ports.js';
import { checkOut, type Pin } from '../../spack/checkout.js';
import { hasOwnRecipes } from '../key.js';
import { copyRepos } from '../own.js';
import type { Project } from '../project.js';
import type { ResolvedBuild } from '../resolve.js';
import { addSource, copyRecipes } from '../source.js';

/**
 * Brings Spack and its packages to this machine: what is here already, else from their official addresses. For a
 * source of Slurm's own, our recipes are copied with what they have to know of it, and for further repositories
 * these lie beside the copy.
 * No cache keeps them: over a network it would bring the same bytes, while the image is made.
 * @throws SpackUnreachableError
 */
export async function bringSources(
  build: ResolvedBuild,
  { overlay }: Pick<Project, 'overlay'>,
  ports: { readonly process: ProcessRunner; readonly logger: Logger },
): Promise<void> {
  const bring = async (pin: Pin, folder: string) => {
    const source = await checkOut(pin, folder, join(build.buildFolder, 'clones'), ports.process);
    ports.logger.info(`${pin.mirror ?? pin.url} at ${pin.commit.slice(0, 12)}: ${source}`);
  };
  await Promise.all([
    bring(build.pins.spack, build.hostLayout.spack),
    bring(build.pins.packages, build.hostLayout.recipes),
    hasOwnRecipes(build) ? makeRecipes(overlay, build) : undefined,
  ]);
}

async function makeRecipes(
  from: string,
  { hostLayout: { overlay }, addition, own }: ResolvedBuild,
): Promise<void> {
  await copyRecipes(from, overlay);
  if (addition !== undefined) await addSource(overlay, addition);
  await copyRepos(own.repos, overlay);
}
