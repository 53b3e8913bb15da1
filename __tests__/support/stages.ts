import { type BuildContext, openContext } from '../../src/pipeline/context.js';
import { resolveBuild } from '../../src/pipeline/resolve.js';
import { Stopwatch, sequence } from '../../src/pipeline/stage.js';
import { sessionStage } from '../../src/pipeline/stages/session.js';
import { toolsStage } from '../../src/pipeline/stages/tools.js';
import { buildRequest, type RequestChange } from './build.js';
import { fakePorts, memoryCache } from './fakes.js';
import { fakeMachine, type MachineScript } from './machine.js';

/** A build whose inputs are resolved, on a fake machine; its stages can be run one by one. */
export async function openedBuild(
  given: { script?: MachineScript; request?: RequestChange; cache?: ReturnType<typeof memoryCache> } = {},
) {
  const process = fakeMachine(given.script);
  const ports = fakePorts({ process, cache: given.cache ?? memoryCache() });
  const request = await buildRequest(given.request);
  const context: BuildContext = openContext(await resolveBuild(request, ports), request, ports);
  return { context, ports, process, watch: new Stopwatch(ports) };
}

/** The same with its session started. */
export async function startedBuild(given: Parameters<typeof openedBuild>[0] = {}) {
  const opened = await openedBuild(given);
  const begin = sequence().add(toolsStage).add(sessionStage);
  return { ...opened, ...(await begin.run(opened.context, opened.watch, {})) };
}
