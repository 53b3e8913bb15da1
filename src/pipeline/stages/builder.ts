import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger, Ports } from '../../base/ports.js';
import { camelCase } from '../../config/inputs.js';
import { limitInputs } from '../../config/limit-inputs.js';
import type { Allowance } from '../../container/confinement.js';
import { tellEngine } from '../../container/engine.js';
import { ensureImage, imageTag } from '../../container/image.js';
import { places } from '../../container/layout.js';
import { removeStaleContainers } from '../../container/list.js';
import { ensurePackages, ensurePython } from '../../container/machine.js';
import { machineSession, type Session, startFetcher, startSession } from '../../container/session.js';
import { containerOf } from '../confine.js';
import { loadImage } from '../mirror.js';
import type { Recorder } from '../record.js';
import type { BuildRequest, ResolvedBuild } from '../resolve.js';
import { type StartShare, shareInContainer, shareOnMachine } from './sharer.js';

type BuilderPorts = Pick<Ports, 'process' | 'logger' | 'env' | 'signal'>;

/** How what a build runs in is started, once its folders are there. */
export interface Builder {
  readonly start: (recorder: Recorder) => Promise<Session>;
  /** Starts what sources are fetched in: with the network, the proxy settings and the CA bundle. */
  readonly startFetcher: (recorder: Recorder) => Promise<Session>;
  /** Starts what works with a build cache that machines share: with the network that leads there. */
  readonly startShare: StartShare;
}

/** Makes what the build runs in. */
export async function prepareBuilder(
  build: ResolvedBuild,
  request: BuildRequest,
  ports: BuilderPorts,
): Promise<Builder> {
  const { engine } = build;
  if (engine instanceof Error) throw engine;
  tellEngine(engine, ports.logger);
  if (engine.kind === 'none') return onMachine(build, request, ports);
  const program = engine.kind;
  const context = join(build.buildFolder, 'image-context');
  await loadImage(build.mirror, program, imageTag(build.image), ports);
  const { tag, reused, base } = await ensureImage(program, build.image, request.host, context, ports);
  ports.logger.info(
    `Builder image: ${tag}${reused ? ', here already' : ''}${base === undefined ? '' : `, made from ${base}`}`,
  );
  await removeStaleContainers(program, request.host.owner, ports);
  const { host, keepContainer = false } = request;
  const allowance = allowanceOf(build);
  // Recorded before they start, so that the post step knows them whatever happens.
  return {
    start: async (recorder) => {
      const name = containerOf(build.buildFolder);
      recorder.addCleanup({ what: 'container', kind: 'build', program, name });
      const mayStay = keepContainer;
      const started = { program, image: tag, kind: 'build' as const, name, host, allowance, mayStay };
      return startSession(started, build.hostLayout, ports);
    },
    startFetcher: async (recorder) => {
      const name = containerOf(build.buildFolder, 'fetch');
      recorder.addCleanup({ what: 'container', kind: 'fetch', program, name });
      const stage = join(build.buildFolder, 'fetch-stage');
      await mkdir(stage, { recursive: true });
      return startFetcher({ program, image: tag, name, host, allowance }, build.hostLayout, stage, ports);
    },
    startShare: shareInContainer(build, request, { program, image: tag, host, allowance }, ports),
  };
}

const allowanceOf = ({ options }: ResolvedBuild): Allowance => ({
  cpus: options.containerCpu,
  memory: options.containerMemory,
  swap: options.containerSwap,
  network: options.containerNetwork,
});

// What was asked for and does not hold has to be said.
function tellUnlimited({ options }: ResolvedBuild, logger: Logger): void {
  const values: Readonly<Record<string, unknown>> = { ...options };
  const asked = Object.entries(limitInputs).filter(
    ([name, input]) => String(values[camelCase(name)] ?? '') !== input.default,
  );
  if (asked.length === 0) return;
  const names = asked.map(([name]) => name).join(', ');
  logger.warning(`${names}: limits are of containers; with engine none nothing is limited.`);
}

async function onMachine(build: ResolvedBuild, request: BuildRequest, ports: BuilderPorts): Promise<Builder> {
  const { host, env } = request;
  tellUnlimited(build, ports.logger);
  await ensurePackages(build.toolchain, host, request.installMissing, ports);
  const python = await ensurePython(request.workRoot, build.image, host.caBundle, ports);
  return {
    start: async () => machineSession(build.hostLayout, python, ports.process, env),
    startFetcher: async () => machineSession(build.hostLayout, python, ports.process, env, host),
    startShare: shareOnMachine(build, request, ports),
  };
}

/** Makes the build's own folders. */
export async function makeFolders(build: ResolvedBuild): Promise<void> {
  for (const place of places) await mkdir(build.hostLayout[place], { recursive: true });
}
