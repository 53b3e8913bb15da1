import { z } from 'zod';
import type { Host } from '../base/host.js';
import { parseJson } from '../base/json.js';
import type { ProcessRunner } from '../base/ports.js';

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
  readonly host: Pick<Host, 'memory'>;
  /** Only what fetches gets it. */
  readonly network: boolean;
  /** Folders in memory that it may write to, gone with it. */
  readonly scratch: readonly string[];
  /** What the engine can limit. */
  readonly limits: readonly Limit[];
}

/** The program of an engine that runs containers. */
export type EngineProgram = 'docker' | 'podman';

export type Limit = 'memory' | 'pids';

/**
 * What an engine can limit. Docker goes on with a warning where the kernel can't; Podman without root fails
 * when systemd has not given it the controller.
 */
export async function availableLimits(
  program: EngineProgram,
  process: ProcessRunner,
): Promise<readonly Limit[]> {
  const all: readonly Limit[] = ['memory', 'pids'];
  if (program === 'docker') return all;
  const asked = await process.run([program, 'info', '--format', '{{json .Host.CgroupControllers}}']);
  const controllers = z.array(z.string()).safeParse(parseJson(asked.stdout));
  return all.filter((limit) => controllers.success && controllers.data.includes(limit));
}

/**
 * Options of `docker run` and `podman run` that take from a container what a build does not need. /tmp is in
 * memory; the audit starts programs there.
 */
export function confinement({ program, host, network, scratch, limits }: Confinement): string[] {
  const memory = Math.floor(host.memory * memoryShare);
  return [
    ...['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
    '--read-only',
    ...['--tmpfs', '/tmp:rw,exec,nosuid,nodev,mode=1777,size=2g'],
    ...scratch.flatMap((folder) => ['--tmpfs', `${folder}:rw,nosuid,nodev,mode=1777,size=512m`]),
    // One name everywhere, so that none of this machine's gets into a build.
    ...['--hostname', 'builder'],
    ...(network ? [] : ['--network', 'none']),
    // Podman hands on its own proxy variables unless told otherwise.
    ...(program === 'podman' ? ['--http-proxy=false'] : []),
    ...(limits.includes('pids') ? ['--pids-limit', String(mostProcesses)] : []),
    ...(limits.includes('memory') ? ['--memory', String(memory)] : []),
  ];
}

const proxyNames = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'];

/** The variables that Docker's own configuration may set, as empty ones: a proxy's address may hold a password. */
export const noProxy: Readonly<Record<string, string>> = Object.fromEntries(
  proxyNames.flatMap((name) => [name, name.toLowerCase()]).map((name) => [name, '']),
);
