import { basename } from 'node:path';
import type { EngineProgram } from '../container/confinement.js';
import { type Limit, noProxy } from '../container/confinement.js';
import type { ContainerPlan } from '../container/container.js';
import { formatTarget, type Target } from '../targets/identifier.js';
import { cgroup2Rights, mostMemory, mostProcesses, rights } from './rights.js';

/** What a smoke test's container is for. */
export interface SmokePlan {
  readonly program: EngineProgram;
  readonly name: string;
  readonly image: string;
  /** Name of the process that the container is for. */
  readonly owner: string;
  /** Folder of the smoke scripts on this machine. */
  readonly scripts: string;
  /** Absolute paths of the result's files on this machine. */
  readonly files: readonly string[];
  /** The machine has cgroup v2. */
  readonly cgroup2: boolean;
  /** What gives it the machine's GPUs, where the target is for them. */
  readonly gpuOptions: readonly string[];
}

/** What is tested in it. */
export interface SmokeRun {
  readonly target: Target;
  readonly prefix: string;
  /** Texts that no installed file may hold. */
  readonly forbidden: readonly string[];
  readonly checks: readonly string[];
}

/** Address of the node, from the range that is set aside for documentation. */
const address = '192.0.2.1';

const root = '/smoke';

/**
 * The container has no network, sees the result's files and the scripts alone, both read-only, and keeps of
 * root's rights those of `rights`.
 */
export function smokeContainer({ scripts, files, cgroup2, gpuOptions, ...plan }: SmokePlan): ContainerPlan {
  return {
    ...plan,
    kind: 'smoke',
    user: { uid: 0, gid: 0 },
    mounts: [
      { source: scripts, target: `${root}/scripts`, readOnly: true },
      ...files.map((file) => ({ source: file, target: `${root}/files/${basename(file)}`, readOnly: true })),
    ],
    rights: (limits: readonly Limit[]) => [
      ...['--network', 'none', '--hostname', 'node1', '--add-host', `node1:${address}`],
      ...['--security-opt', 'no-new-privileges', '--cap-drop', 'ALL'],
      ...rights.flatMap(({ capability }) => ['--cap-add', capability]),
      ...(cgroup2 ? cgroup2Rights : []),
      ...(limits.includes('pids') ? ['--pids-limit', String(mostProcesses)] : []),
      ...(limits.includes('memory') ? ['--memory', String(mostMemory)] : []),
      ...gpuOptions,
    ],
    fixed: noProxy,
    env: {},
  };
}

/** The command that tests, within the container. */
export function smokeCommand({ target, prefix, checks, forbidden }: SmokeRun): [string, ...string[]] {
  return [
    ...(['bash', `${root}/scripts/smoke.sh`] as const),
    ...['--target', formatTarget(target), '--files', `${root}/files`],
    ...['--prefix', prefix, '--modules', '/srv/modulefiles', '--address', address],
    ...['--checks', checks.join(',')],
    ...forbidden.flatMap((text) => ['--forbidden', text]),
  ];
}
