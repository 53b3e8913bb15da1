import { buildEnvironment } from '../base/environment.js';
import { makeFolder } from '../base/folders.js';
import type { Ports } from '../base/ports.js';
import type { InspectRequest } from '../pipeline/inspect.js';
import type { Answer, Context, Given } from './command.js';
import { engineLayer, engineOf } from './options.js';
import { levelOf, openLog, settleOrRefuse } from './settings.js';
import { cancellable } from './signals.js';

/** Runs a check of the finished tarball that a call names, with all that it needs of this machine. */
export async function inspect(
  given: Given,
  context: Context,
  check: (tarball: string, request: InspectRequest, ports: Ports) => Promise<Answer>,
): Promise<Answer> {
  const { root, invocation } = context;
  const machine = await context.machine();
  const settled = await settleOrRefuse(given, context, engineLayer(given));
  const { cacheDir, buildDir, spackCache, layers } = settled;
  await makeFolder(cacheDir, { mode: 0o700, input: '--cache-dir' });
  await makeFolder(buildDir, { mode: 0o700, input: '--build-dir' });
  const { logger, close } = await openLog(context.logger, levelOf(given, settled), settled);
  return cancellable(['The check was cancelled.', 'Run it again.'], async (signal) => {
    const request: InspectRequest = {
      project: await machine.openProject(root),
      host: await machine.inspectHost(invocation.env),
      engine: engineOf(layers),
      workRoot: buildDir,
      env: buildEnvironment(invocation.env),
    };
    return check(
      given.argument ?? '',
      request,
      machine.ports({ ...{ cacheDir, buildDir, spackCache }, env: invocation.env, logger, signal }),
    );
  }).finally(close);
}
