import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ContainerError, InputError } from '../base/errors.js';
import type { Host } from '../base/host.js';
import type { Ports } from '../base/ports.js';
import { lastLine } from '../base/text.js';
import type { EngineProgram } from '../container/confinement.js';
import { startContainer } from '../container/container.js';
import type { Engine } from '../container/engine.js';
import { engineEnvironment } from '../container/variables.js';
import { paddingFolder } from '../spack/environment.js';
import { type ModuleSystem, moduleSystems } from '../spack/modules.js';
import { gpuOptions } from '../targets/gpus.js';
import { formatTarget } from '../targets/identifier.js';
import { relocationMark } from '../targets/relocation.js';
import type { FittedToolchain } from '../targets/toolchains.js';
import { smokeCommand, smokeContainer } from './container.js';
import { imageArguments, promisedChecks, type SmokeImage, smokeImage } from './plan.js';
import { completeChecks, parseCheck, type SmokeCheck, SmokeError, type SmokeReport } from './report.js';
import type { SmokeSubject } from './subject.js';

/** What a smoke test is made of. */
export interface SmokeRequest {
  readonly subject: SmokeSubject;
  readonly toolchain: FittedToolchain;
  readonly engine: Engine;
  readonly host: Pick<Host, 'proxy' | 'devices' | 'owner'>;
  /** Image that takes the place of the toolchain's base. */
  readonly containerImage?: string | undefined;
  /** Folder of the smoke scripts, `scripts/inside/smoke` of the project. */
  readonly scripts: string;
  /** A folder for the image's context; made here, and removed. */
  readonly context: string;
  /** Name of the container; the post step can remove it by this. */
  readonly name: string;
  /** Where to install within the container; a random folder without one. */
  readonly prefix?: string | undefined;
  /** Kinds of module files that the result promises; without it, both. */
  readonly modules?: readonly ModuleSystem[];
  /** Texts that no installed file may hold; without them, the padding of the build's prefix, and what stands for that of packages. */
  readonly forbidden?: readonly string[];
}

type SmokePorts = Pick<Ports, 'process' | 'logger' | 'signal' | 'env'>;

/**
 * Runs a real one-node cluster out of the tarball, in a fresh container of the target's distribution.
 * @returns the report of a test in which no check failed
 * @throws SmokeError with the report when a check failed, ContainerError, InputError, ConfigurationError
 */
export async function smokeTest(request: SmokeRequest, ports: SmokePorts): Promise<SmokeReport> {
  const { engine, subject } = request;
  const prefix = request.prefix ?? `/srv/${randomBytes(6).toString('hex')}`;
  refuseStrangePrefix(prefix);
  const target = formatTarget(subject.target);
  if (engine.kind === 'none') {
    const detail = 'There is no container engine, and a smoke test takes a fresh container.';
    ports.logger.notice(`The smoke test is skipped. ${detail}`);
    return { target, prefix, checks: [{ name: 'smoke', status: 'skipped', seconds: 0, detail }] };
  }
  const image = smokeImage(request.toolchain, subject.runtimePackages, request.containerImage);
  await ensureSmokeImage(engine.kind, image, request, ports);
  const checks = await runContainer(engine.kind, image.tag, prefix, request, ports);
  const report = { target, prefix, checks };
  if (checks.some((check) => check.status === 'failed')) throw new SmokeError(report);
  return report;
}

async function runContainer(
  program: EngineProgram,
  image: string,
  prefix: string,
  request: SmokeRequest,
  ports: SmokePorts,
): Promise<SmokeCheck[]> {
  const { name, subject, scripts, host } = request;
  const { target, files } = subject;
  const checks = promisedChecks(target, request.toolchain, request.modules ?? moduleSystems, subject.further);
  const cgroup2 = await hasCgroup2(program, ports.process);
  const container = await startContainer(
    smokeContainer({
      program,
      name,
      image,
      owner: host.owner,
      scripts,
      files,
      cgroup2,
      gpuOptions: gpuOptions(target.gpu, host.devices),
    }),
    ports,
  );
  const reported: SmokeCheck[] = [];
  const forbidden = request.forbidden ?? [paddingFolder, relocationMark];
  try {
    const ran = await container.exec(smokeCommand({ target, prefix, checks, forbidden }), {
      onLine: (line, stream) => {
        const check = stream === 'stdout' ? parseCheck(line) : undefined;
        if (check === undefined) return ports.logger.debug(line);
        reported.push(check);
        ports.logger.info(describe(check));
      },
    });
    if (reported.length === 0) {
      throw new ContainerError(
        `The smoke test did not run: ${lastLine(ran.stderr) || `exit code ${ran.exitCode}`}`,
        `Check that \`${program} run ${image}\` works on this machine.`,
      );
    }
    return completeChecks(checks, reported, `exit code ${ran.exitCode}`);
  } finally {
    await container.stop();
  }
}

function describe({ name, status, seconds, detail }: SmokeCheck): string {
  return `${name}: ${status} (${seconds.toFixed(2)} s)${status === 'failed' ? '\n' : ' '}${detail}`;
}

async function ensureSmokeImage(
  program: EngineProgram,
  image: SmokeImage,
  { host, context, toolchain }: SmokeRequest,
  { process, logger, env }: SmokePorts,
): Promise<void> {
  const has = async (name: string) => (await process.run([program, 'image', 'inspect', name])).exitCode === 0;
  if (await has(image.tag)) return;
  // The builder image has brought the base already. A pinned one may lie there by name only, where no
  // registry answered; the engine pulls what it has not.
  const local = image.base.replace(/@sha256:[0-9a-f]+$/, '');
  const pulled =
    local === image.base || (await has(image.base)) || (await pull(program, image.base, process));
  await mkdir(context, { recursive: true });
  try {
    await writeFile(join(context, 'Dockerfile'), image.dockerfile);
    const lines: string[] = [];
    const built = await process.run(
      [program, ...imageArguments(image, pulled ? image.base : local, host.proxy, context)],
      {
        env: engineEnvironment(env, host.proxy),
        onLine: (line) => {
          lines.push(line);
          logger.debug(line);
        },
      },
    );
    if (built.exitCode !== 0) {
      throw new ContainerError(
        `The image for smoke tests on ${toolchain.name} could not be made: ${lines
          .filter((line) => line.trim() !== '')
          .slice(-3)
          .join('\n')}`,
        'Most often a package server could not be reached.',
      );
    }
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}

async function pull(program: string, base: string, process: Ports['process']): Promise<boolean> {
  return (await process.run([program, 'pull', '--quiet', base])).exitCode === 0;
}

async function hasCgroup2(program: EngineProgram, process: Ports['process']): Promise<boolean> {
  const format = { docker: '{{.CgroupVersion}}', podman: '{{.Host.CgroupsVersion}}' }[program];
  const { stdout } = await process.run([program, 'info', '--format', format]);
  return /^v?2$/.test(stdout.trim());
}

// Slurm's configuration and the test's own scripts take a path as it is.
function refuseStrangePrefix(prefix: string): void {
  if (/^(\/[A-Za-z0-9._+-]+)+$/.test(prefix)) return;
  throw new InputError([
    {
      input: 'prefix',
      message: `'${prefix}' is not an absolute path of letters, digits, '.', '_', '+', '-'.`,
    },
  ]);
}
