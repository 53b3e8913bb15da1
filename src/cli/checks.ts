import { buildEnvironment } from '../base/environment.js';
import { makeFolder } from '../base/folders.js';
import type { Ports } from '../base/ports.js';
import type { InspectRequest } from '../pipeline/inspect.js';
import type { Answer, Context, Given } from './command.js';
import { cacheDirOf, engineOf } from './options.js';
import { cancellable } from './signals.js';

/** Runs a check of the finished tarball that a call names, with all that it needs of this machine. */
export async function inspect(
  given: Given,
  { root, invocation, logger, machine: open }: Context,
  check: (tarball: string, request: InspectRequest, ports: Ports) => Promise<Answer>,
): Promise<Answer> {
  const machine = await open();
  const cacheDir = cacheDirOf(given, invocation);
  await makeFolder(cacheDir, { mode: 0o700, input: '--cache-dir' });
  return cancellable(['The check was cancelled.', 'Run it again.'], async (signal) => {
    const request: InspectRequest = {
      project: await machine.openProject(root),
      host: await machine.inspectHost(invocation.env),
      engine: engineOf(given),
      workRoot: cacheDir,
      env: buildEnvironment(invocation.env),
    };
    return check(
      given.argument ?? '',
      request,
      machine.ports({ cacheDir, env: invocation.env, logger, signal }),
    );
  });
}
