import { z } from 'zod';
import { MissingRequirementError } from '../base/errors.js';
import type { Host } from '../base/host.js';
import { parseJson } from '../base/json.js';
import type { ProcessRunner } from '../base/ports.js';
import type { Network } from '../config/limit-inputs.js';

/**
 * A tenth of the memory stays for the machine itself: a build that takes too much is then ended within its
 * container, and neither the engine nor the runner is.
 */
const memoryShare = 0.9;

/** A build runs some hundred processes; with this many it is a mistake or an attack. */
const mostProcesses = 4096;

/** What a container may have besides its mounts. */
export interface Confinement {
  readonly program: EngineProgram;
  readonly host: Pick<Host, 'memory' | 'cpus'>;
  readonly allowance?: Allowance | undefined;
  /** Only what fetches gets one; this machine's own (`host`) only what asks a server on it. */
  readonly network: boolean | 'host';
  /** Folders in memory that it may write to, gone with it. */
  readonly scratch: readonly string[];
  /** What the engine can limit. */
  readonly limits: readonly Limit[];
}

/** What the inputs let a container have; what is undefined they leave to us or to the engine. */
export interface Allowance {
  /** Processors, and parts of one. */
  readonly cpus?: number | undefined;
  /** bytes */
  readonly memory?: number | undefined;
  /** bytes beside the memory */
  readonly swap?: number | undefined;
  readonly network?: Network | undefined;
}

/** Of an input's, the words by which an engine calls what it can limit. */
const limitOf = { cpus: 'cpu', memory: 'memory', swap: 'memory' } as const;

/** The program of an engine that runs containers. */
export type EngineProgram = 'docker' | 'podman';

export type Limit = 'cpu' | 'memory' | 'pids';

/**
 * What an engine can limit. Docker goes on with a warning where the kernel can't; Podman without root fails
 * when systemd has not given it the controller.
 */
export async function availableLimits(
  program: EngineProgram,
  process: ProcessRunner,
): Promise<readonly Limit[]> {
  const all: readonly Limit[] = ['cpu', 'memory', 'pids'];
  if (program === 'docker') return all;
  const asked = await process.run([program, 'info', '--format', '{{json .Host.CgroupControllers}}']);
  const controllers = z.array(z.string()).safeParse(parseJson(asked.stdout));
  return all.filter((limit) => controllers.success && controllers.data.includes(limit));
}

/**
 * Options of `docker run` and `podman run` that take from a container what a build does not need. /tmp is in
 * memory; the audit starts programs there.
 * @throws MissingRequirementError for a limit that was asked for and that the engine can't hold
 */
export function confinement(wanted: Confinement): string[] {
  const { program, network, scratch, limits } = wanted;
  return [
    ...['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
    '--read-only',
    ...['--tmpfs', '/tmp:rw,exec,nosuid,nodev,mode=1777,size=2g'],
    ...scratch.flatMap((folder) => ['--tmpfs', `${folder}:rw,nosuid,nodev,mode=1777,size=512m`]),
    // One name everywhere, so that none of this machine's gets into a build.
    ...(network === 'host' ? [] : ['--hostname', 'builder']),
    ...networkOptions(network),
    // Podman hands on its own proxy variables unless told otherwise.
    ...(program === 'podman' ? ['--http-proxy=false'] : []),
    ...(limits.includes('pids') ? ['--pids-limit', String(mostProcesses)] : []),
    ...resources(wanted),
  ];
}

function networkOptions(network: Confinement['network']): string[] {
  if (network === true) return [];
  return ['--network', network === 'host' ? 'host' : 'none'];
}

function resources({ program, host, allowance = {}, limits }: Confinement): string[] {
  for (const name of ['cpus', 'memory', 'swap'] as const) {
    if (allowance[name] === undefined || limits.includes(limitOf[name])) continue;
    throw new MissingRequirementError(
      `container-${name === 'cpus' ? 'cpu' : name}: ${program} can't limit that here: this user has no cgroup controller '${limitOf[name]}'.`,
      `Have it delegated (systemd: Delegate=cpu memory pids for user@.service), or leave the limit out.`,
    );
  }
  // More than there is, is no limit; an engine refuses more processors.
  const cpus = allowance.cpus === undefined ? undefined : Math.max(0.01, Math.min(allowance.cpus, host.cpus));
  const memory = Math.min(
    Math.floor(host.memory * memoryShare),
    allowance.memory ?? Number.POSITIVE_INFINITY,
  );
  const swap = allowance.swap === undefined ? [] : ['--memory-swap', String(memory + allowance.swap)];
  return [
    ...(cpus === undefined ? [] : ['--cpus', String(cpus)]),
    ...(limits.includes('memory') ? ['--memory', String(memory), ...swap] : []),
  ];
}

const proxyNames = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'];

/** The variables that Docker's own configuration may set, as empty ones: a proxy's address may hold a password. */
export const noProxy: Readonly<Record<string, string>> = Object.fromEntries(
  proxyNames.flatMap((name) => [name, name.toLowerCase()]).map((name) => [name, '']),
);
