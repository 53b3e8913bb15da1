import { BuildCacheError, InputError } from '../base/errors.js';
import type { Ports } from '../base/ports.js';
import { describeFault } from '../spack/shared.js';
import { buildCacheName } from '../targets/build-cache.js';
import { closing, openContext } from './context.js';
import { type BuildRequest, resolveBuild } from './resolve.js';
import { writeIndex } from './shared.js';
import { whileShared } from './sharing.js';
import { Stopwatch, sequence } from './stage.js';
import { makeFolders } from './stages/builder.js';
import { preflightStage } from './stages/preflight.js';
import { toolsStage } from './stages/tools.js';

const tools = sequence().add(preflightStage).add(toolsStage);

/** What has an index now. */
export interface Indexed {
  readonly buildCache: string;
}

/**
 * Writes the index of a build cache that machines share, which builds leave to this one: after them, once.
 * @throws InputError, BuildCacheError
 */
export async function runIndex(request: BuildRequest, ports: Ports): Promise<Indexed> {
  const watch = new Stopwatch(ports);
  const build = await watch.stage('resolve', () => resolveBuild(request, ports));
  const { shared } = build;
  if (shared === undefined) {
    throw new InputError([{ input: 'build-cache', message: 'there is none. Say which one.' }]);
  }
  if (!shared.push) {
    const message = 'this run may only read it, and an index is written. Give cache: true.';
    throw new InputError([{ input: 'build-cache', message }]);
  }
  const context = openContext(build, request, ports);
  await closing(context, async () => {
    const { builder } = await tools.run(context, watch, {});
    await makeFolders(build);
    await whileShared({ ...context, shared, builder, locked: false }, async (sharer) => {
      const fault = await writeIndex(shared, sharer, ports.logger);
      if (fault === undefined) return;
      throw new BuildCacheError(
        `The index of ${buildCacheName(shared.cache)} could not be written: ${describeFault(fault)}.`,
        'The packages are there; run this again once the cache answers.',
      );
    });
  });
  context.recorder.update({ succeeded: true });
  return { buildCache: buildCacheName(shared.cache) };
}
