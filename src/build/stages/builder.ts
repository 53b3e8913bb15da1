import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger, ProcessRunner } from '../../base/ports.js';
import { ensureImage } from '../../container/image.js';
import { places } from '../../container/layout.js';
import { ensurePackages, ensurePython } from '../../container/machine.js';
import { machineSession, type Session, startContainer } from '../../container/session.js';
import { removeStaleContainers } from '../../container/stale.js';
import { type BuildPlan, type BuildRequest, containerName } from '../plan.js';
import type { Recorder } from '../record.js';

interface BuilderPorts {
  readonly process: ProcessRunner;
  readonly logger: Logger;
}

/** Makes what the build runs in; returns how it is started, once its folders are there. */
export async function prepareBuilder(
  plan: BuildPlan,
  request: BuildRequest,
  ports: BuilderPorts,
): Promise<(recorder: Recorder) => Promise<Session>> {
  const { engine } = plan;
  if (engine instanceof Error) throw engine;
  if (engine.kind === 'none') {
    await ensurePackages(plan.toolchain, request.host, request.installMissing, ports);
    const python = await ensurePython(
      request.workRoot,
      plan.image.requirements,
      request.host.caBundle,
      ports,
    );
    return async () => machineSession(plan.hostLayout, python, ports.process, request.env);
  }
  const program = engine.kind;
  const context = join(plan.buildFolder, 'image-context');
  const image = await ensureImage(program, plan.image, request.host, context, ports);
  ports.logger.info(
    `Builder image: ${image.tag}${image.reused ? ', here already' : `, made from ${image.base}`}`,
  );
  await removeStaleContainers(program, request.host.owner, ports);
  return async (recorder) => {
    const name = containerName(plan);
    // Recorded before the start, so that the post step knows it whatever happens.
    recorder.update({ container: { program, name } });
    const gpu = plan.target.gpu === 'cuda' && request.host.hasGpu;
    return startContainer(
      { program, image: image.tag, name, host: request.host, gpu },
      plan.hostLayout,
      ports.process,
    );
  };
}

/** Makes the build's own folders. */
export async function makeFolders(plan: BuildPlan): Promise<void> {
  for (const place of places) await mkdir(plan.hostLayout[place], { recursive: true });
}
