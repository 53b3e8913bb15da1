import { setTimeout as sleep } from 'node:timers/promises';
import { formatBytes } from '../base/bytes.js';
import { ContainerError } from '../base/errors.js';
import type { Host } from '../base/host.js';
import { ownerLabel } from '../base/owner.js';
import type { Ports, ProcessRunner, RunOptions, RunResult } from '../base/ports.js';
import { availableLimits, type EngineProgram, type Limit } from './confinement.js';
import { type Mount, mountArgument } from './layout.js';
import { engineEnvironment, variableArguments } from './variables.js';

/** What a container is for; its label says so. */
export const containerKinds = ['build', 'fetch', 'share', 'audit', 'smoke'] as const;
/** What a container is for. */
export type ContainerKind = (typeof containerKinds)[number];

/** Label that says what a container is for. */
export const kindLabel = 'slurm-factory';
/** Label of a container that a user may want to look into after a failure. */
export const keepLabel = 'slurm-factory.keep';

/**
 * Name of a container.
 * @param work name of what it works for, letters, digits, '-' and '.'
 */
export function containerNameFor(work: string, kind: ContainerKind): string {
  return kind === 'build' ? `slurm-factory-${work}` : `slurm-factory-${work}-${kind}`;
}

/** All that a container is started with. It waits for `exec`, under an init. */
export interface ContainerPlan {
  readonly program: EngineProgram;
  readonly image: string;
  readonly kind: ContainerKind;
  readonly name: string;
  /** Name of the process that it is for. */
  readonly owner: string;
  readonly user: Pick<Host, 'uid' | 'gid'>;
  readonly mounts: readonly Mount[];
  /** Options that say what it may do, given what the engine can limit. */
  readonly rights: (limits: readonly Limit[]) => readonly string[];
  /**
   * Variables that are the same for everybody, by name; they are on the command line, as an engine reads some
   * of these names for itself.
   */
  readonly fixed: Readonly<Record<string, string>>;
  /** Variables whose values are on no command line. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether `keep` may be asked for; clean-up of other builds then leaves it alone. */
  readonly mayStay?: boolean;
}

export type ContainerPorts = Pick<Ports, 'process' | 'signal' | 'env'>;

export interface ExecOptions {
  readonly cwd?: string;
  /** Values are on no command line. */
  readonly env?: Readonly<Record<string, string>>;
  readonly onLine?: RunOptions['onLine'];
  /** New file on this machine for the command's standard output. */
  readonly stdoutFile?: string;
  /** It reads this process's standard input. */
  readonly stdin?: boolean;
  /** It gets a terminal. */
  readonly terminal?: boolean;
}

/** A container that runs. */
export interface Container {
  readonly name: string;
  /**
   * Runs a command in it.
   * @throws ContainerError when the container itself has ended meanwhile
   */
  exec(command: readonly [string, ...string[]], options?: ExecOptions): Promise<RunResult>;
  /**
   * From now on `stop` leaves it.
   * @returns the commands that enter and that remove it
   */
  keep(): { readonly enter: string; readonly remove: string };
  /** Bytes that it may use, where its kernel has ended a process in it for taking more; else undefined. */
  memoryExceeded(): Promise<number | undefined>;
  /** Ends and removes it; an aborted signal does the same. Safe to call twice. */
  stop(): Promise<void>;
}

/** Arguments of `docker run` / `podman run`. */
export function runArguments(plan: ContainerPlan, limits: readonly Limit[]): string[] {
  const { user } = plan;
  return [
    ...['run', '--detach', '--init', '--name', plan.name],
    ...['--label', `${kindLabel}=${plan.kind}`, '--label', `${ownerLabel}=${plan.owner}`],
    ...(plan.mayStay === true ? ['--label', `${keepLabel}=1`] : []),
    ...['--user', `${user.uid}:${user.gid}`],
    // Rootless Podman maps the caller to root; files must stay the caller's own.
    ...(plan.program === 'podman' && user.uid !== 0 ? ['--userns', 'keep-id'] : []),
    ...plan.rights(limits),
    ...plan.mounts.flatMap((mount) => ['--mount', mountArgument(mount)]),
    ...Object.entries(plan.fixed).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    // By name only: an engine that reads proxy settings itself has the same ones.
    ...variableArguments(plan.env),
    ...['--entrypoint', 'sleep', plan.image, 'infinity'],
  ];
}

/** Arguments of `docker exec` / `podman exec` for one command. */
export function execArguments(name: string, command: readonly string[], options: ExecOptions = {}): string[] {
  return [
    'exec',
    ...(options.stdin ? ['--interactive'] : []),
    ...(options.terminal ? ['--tty'] : []),
    ...(options.cwd === undefined ? [] : ['--workdir', options.cwd]),
    ...variableArguments(options.env ?? {}),
    name,
    ...command,
  ];
}

/**
 * Starts a container.
 * @throws ContainerError when it can't be started, the signal's reason once that is aborted; nothing of it is
 * left then
 */
export async function startContainer(plan: ContainerPlan, ports: ContainerPorts): Promise<Container> {
  const { program, name } = plan;
  const { process, signal, env } = ports;
  signal.throwIfAborted();
  const limits = await availableLimits(program, process);
  await runDetached(plan, limits, ports);
  let stopped: Promise<void> | undefined;
  let kept = false;
  const stop = async () => {
    signal.removeEventListener('abort', onAbort);
    if (!kept) stopped ??= removeContainer(program, name, process);
    await stopped;
  };
  // What goes wrong with it, the one who stops it learns.
  const onAbort = () => void stop().catch(() => {});
  signal.addEventListener('abort', onAbort, { once: true });
  return {
    name,
    stop,
    keep: () => {
      kept = true;
      return { enter: `${program} exec -it ${name} bash`, remove: `${program} rm --force --volumes ${name}` };
    },
    exec: async (command, options = {}) => {
      const { onLine, stdoutFile, env: values } = options;
      const result = await process.run([program, ...execArguments(name, command, options)], {
        ...(values === undefined ? {} : { env: engineEnvironment(env, values) }),
        ...(onLine === undefined ? {} : { onLine }),
        ...(stdoutFile === undefined ? {} : { stdoutFile }),
      });
      if (result.exitCode !== 0) await requireRunning(plan, process);
      // The command itself was killed; who kills a part of it is asked by whoever knows the command.
      if (result.exitCode === 137) {
        const limit = await memoryExceeded(plan, process);
        if (limit !== undefined) throw outOfMemory(name, limit);
        await staysRunning(plan, process);
      }
      return result;
    },
    memoryExceeded: () => memoryExceeded(plan, process),
  };
}

async function runDetached(
  plan: ContainerPlan,
  limits: readonly Limit[],
  { process, signal, env }: ContainerPorts,
): Promise<void> {
  const { program, name, image } = plan;
  try {
    const started = await process.run([program, ...runArguments(plan, limits)], {
      env: engineEnvironment(env, plan.env),
    });
    signal.throwIfAborted();
    if (started.exitCode === 0) return;
    throw new ContainerError(
      `The container ${name} did not start: ${started.stderr.trim()}`,
      `Check that \`${program} run ${image}\` works on this machine.`,
      { containerId: name },
    );
  } catch (error) {
    await removeContainer(program, name, process).catch(() => {});
    throw error;
  }
}

// Without its container every command fails, and blames what it was doing.
async function requireRunning(
  { program, name }: Pick<ContainerPlan, 'program' | 'name'>,
  process: ProcessRunner,
): Promise<void> {
  const format = '{{.State.Running}} {{.State.OOMKilled}} {{.HostConfig.Memory}}';
  const asked = await process.run([program, 'inspect', '--format', format, name]);
  const [running, killed, limit] = asked.stdout.trim().split(' ');
  if (running === 'true') return;
  if (killed === 'true') throw outOfMemory(name, Number(limit));
  throw new ContainerError(
    `The container ${name} ended while a command ran in it: ${asked.stderr.trim() || 'it was stopped'}.`,
    `Check that ${program} runs and that the machine has memory left, then run this again; what was built is kept.`,
    { containerId: name },
  );
}

/** The engine calls a container running for a moment after it was killed. */
async function staysRunning(
  plan: Pick<ContainerPlan, 'program' | 'name'>,
  process: ProcessRunner,
): Promise<void> {
  for (let ask = 0; ask < 5; ask++) {
    await sleep(100);
    await requireRunning(plan, process);
  }
}

// The kernel counts in the container's cgroup whom it ended there; Docker only tells it of a container that ended.
const counters = ['/sys/fs/cgroup/memory.events', '/sys/fs/cgroup/memory/memory.oom_control'];

async function memoryExceeded(
  { program, name }: Pick<ContainerPlan, 'program' | 'name'>,
  process: ProcessRunner,
): Promise<number | undefined> {
  const counted = await process.run([program, 'exec', name, 'cat', ...counters]);
  if (!/^oom_kill [1-9]/m.test(counted.stdout)) return undefined;
  const asked = await process.run([program, 'inspect', '--format', '{{.HostConfig.Memory}}', name]);
  return Number(asked.stdout.trim()) || 0;
}

/** What a user does about a container that took more memory than it may have. */
export const memoryHint =
  'Run fewer jobs (the input jobs), or give it more: container-memory, on a machine that has it.';

const outOfMemory = (name: string, limit: number): ContainerError =>
  new ContainerError(
    `The container ${name} took more memory than the ${formatBytes(limit)} that it may have, and was ended for it.`,
    memoryHint,
    { containerId: name },
  );

/** Removes a container by name, running or not, after a cancel too; one that is gone is no error. */
export async function removeContainer(
  program: EngineProgram,
  name: string,
  process: ProcessRunner,
): Promise<void> {
  await process.run([program, 'rm', '--force', '--volumes', name], { signal: null });
}
