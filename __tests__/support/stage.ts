import { mkdir } from 'node:fs/promises';
import type { RawInputs } from '../../src/config/inputs.js';
import { places } from '../../src/container/layout.js';
import { startSession } from '../../src/container/session.js';
import { resolveBuild } from '../../src/pipeline/resolve.js';
import { buildRequest } from './build.js';
import { fakePorts, recordingLogger } from './fakes.js';
import { fakeMachine, type MachineScript } from './machine.js';

const container = 'slurm-factory-stage';

/** What a stage is given: a plan, its folders, and the session of a fake machine. */
export async function stageBench(inputs: RawInputs = {}, script: MachineScript = {}) {
  const process = fakeMachine(script);
  const request = await buildRequest({ layers: [inputs] });
  const plan = await resolveBuild(request, fakePorts({ process }));
  for (const place of places) await mkdir(plan.hostLayout[place], { recursive: true });
  const started = {
    program: 'docker',
    kind: 'build',
    image: 'builder',
    name: container,
    host: request.host,
  } as const;
  const session = await startSession(started, plan.hostLayout, fakePorts({ process }));
  const { project } = request;
  return {
    process,
    request,
    project,
    plan,
    session,
    logger: recordingLogger(),
    /** The commands that ran in the session, without the engine's words around them. */
    commands: () =>
      process.calls.flatMap(({ command }) => {
        const start = command.indexOf(container) + 1;
        return command[1] === 'exec' ? [command.slice(start)] : [];
      }),
    /** Words of the engine for a command of the session, such as its folder. */
    engineWords: (program: string) =>
      process.calls
        .map(({ command }) => command)
        .filter((command) => command[command.indexOf(container) + 1] === program)
        .map((command) => command.slice(0, command.indexOf(container))),
  };
}
