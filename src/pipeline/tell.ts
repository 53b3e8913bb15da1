import { NoEngineError } from '../base/errors.js';
import type { Logger } from '../base/ports.js';
import type { BuildPlan } from './plan.js';

/** Says what builds. Where nobody asked for a build on the machine itself, that is a warning. */
export function tellEngine({ engine, options, toolchain }: BuildPlan, logger: Logger): void {
  // The error is thrown once something has to be built, and says more.
  if (engine instanceof NoEngineError) return;
  if (engine.kind !== 'none') {
    logger.info(`Container engine: ${engine.kind} ${engine.version}`);
    return;
  }
  if (options.engine === 'none') logger.info(`No container: this machine builds, it runs ${toolchain.name}`);
  else {
    logger.warning(
      `Neither Docker nor Podman answers, so this machine itself builds, without a container: it runs ${toolchain.name}. ` +
        'Recipes and build scripts can read and write what this user can. ' +
        'Start an engine, or choose engine none to build without one.',
    );
  }
}
