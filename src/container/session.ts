import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ContainerError } from '../base/errors.js';
import type { Host } from '../base/host.js';
import { ownerLabel } from '../base/owner.js';
import type { ProcessRunner, RunOptions, RunResult } from '../base/ports.js';
import { containerLayout, type Layout, layoutMounts, type Mount, mountArgument } from './layout.js';

/** Where the build's commands run: one container, or the machine itself. */
export interface Session {
  /** The build's folders as the commands see them. */
  readonly layout: Layout;
  /** Python that has Spack's and the audit's modules. */
  readonly python: string;
  /** Name of the container, for the post step; undefined on the machine itself. */
  readonly container: string | undefined;
  exec(command: readonly [string, ...string[]], options?: ExecOptions): Promise<RunResult>;
  /** Ends and removes the container. Safe to call twice. */
  stop(): Promise<void>;
}

export interface ExecOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly onLine?: RunOptions['onLine'];
}

/** All that a container is started with. */
export interface ContainerPlan {
  readonly program: 'docker' | 'podman';
  readonly image: string;
  readonly name: string;
  readonly host: Host;
  readonly mounts: readonly Mount[];
  readonly gpu: boolean;
}

const containerCa = '/etc/slurm-factory/ca-bundle.crt';

/**
 * Arguments of `docker run` / `podman run` for a container that waits for `exec`.
 * It gets the calling user, an init, the mounts that are named and the host's proxy settings; nothing else.
 */
export function runArguments(plan: ContainerPlan): string[] {
  const { host } = plan;
  const environment = { HOME: containerLayout.home, ...host.proxy, ...caEnvironment(host) };
  const mounts = host.caBundle
    ? [...plan.mounts, { source: host.caBundle, target: containerCa, readOnly: true }]
    : plan.mounts;
  return [
    'run',
    '--detach',
    '--init',
    '--name',
    plan.name,
    '--label',
    'slurm-factory=build',
    '--label',
    `${ownerLabel}=${host.owner}`,
    '--user',
    `${host.uid}:${host.gid}`,
    // Rootless Podman maps the caller to root; files must stay the caller's own.
    ...(plan.program === 'podman' && host.uid !== 0 ? ['--userns', 'keep-id'] : []),
    ...(plan.gpu ? ['--gpus', 'all'] : []),
    ...mounts.flatMap((mount) => ['--mount', mountArgument(mount)]),
    ...Object.entries(environment).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    '--entrypoint',
    'sleep',
    plan.image,
    'infinity',
  ];
}

function caEnvironment(host: Host): Record<string, string> {
  return host.caBundle === undefined
    ? {}
    : { SSL_CERT_FILE: containerCa, CURL_CA_BUNDLE: containerCa, GIT_SSL_CAINFO: containerCa };
}

/** `docker exec` arguments for one command. */
export function execArguments(name: string, command: readonly string[], options: ExecOptions = {}): string[] {
  return [
    'exec',
    ...(options.cwd === undefined ? [] : ['--workdir', options.cwd]),
    ...Object.entries(options.env ?? {}).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
    name,
    ...command,
  ];
}

/**
 * Starts a container over the host's layout.
 * @throws ContainerError when it can't be started; nothing of it is left then
 */
export async function startContainer(
  plan: Omit<ContainerPlan, 'mounts'>,
  hostLayout: Layout,
  process: ProcessRunner,
): Promise<Session> {
  const identity = await writeIdentity(join(hostLayout.home, '..', 'identity'), plan.host);
  const mounts = [...layoutMounts(hostLayout), ...identity];
  const started = await process.run([plan.program, ...runArguments({ ...plan, mounts })]);
  const stop = () => removeContainer(plan.program, plan.name, process);
  if (started.exitCode !== 0) {
    await stop();
    throw new ContainerError(
      `The container ${plan.name} did not start: ${started.stderr.trim()}`,
      `Check that \`${plan.program} run ${plan.image}\` works on this machine.`,
    );
  }
  return {
    layout: containerLayout,
    python: '/opt/slurm-factory/python/bin/python3',
    container: plan.name,
    stop,
    exec: async (command, options) => {
      const { onLine } = options ?? {};
      const result = await process.run(
        [plan.program, ...execArguments(plan.name, command, options)],
        onLine === undefined ? {} : { onLine },
      );
      if (result.exitCode !== 0) await requireRunning(plan, process);
      return result;
    },
  };
}

// Without its container every command fails, and blames what it was doing.
async function requireRunning(
  { program, name }: Pick<ContainerPlan, 'program' | 'name'>,
  process: ProcessRunner,
): Promise<void> {
  const asked = await process.run([program, 'inspect', '--format', '{{.State.Running}}', name]);
  if (asked.stdout.trim() === 'true') return;
  throw new ContainerError(
    `The container ${name} ended while a command ran in it: ${asked.stderr.trim() || 'it was stopped'}.`,
    `Check that ${program} runs and that the machine has memory left, then run this again; what was built is kept.`,
  );
}

/** Removes a container by name, running or not; one that is gone is no error. */
export async function removeContainer(
  program: 'docker' | 'podman',
  name: string,
  process: ProcessRunner,
): Promise<void> {
  await process.run([program, 'rm', '--force', '--volumes', name]);
}

/** A session on the machine itself, for a job that already runs in a container. */
export function machineSession(
  layout: Layout,
  python: string,
  process: ProcessRunner,
  env: Readonly<Record<string, string>>,
): Session {
  return {
    layout,
    python,
    container: undefined,
    stop: async () => {},
    exec: (command, options) =>
      // Spack must not build on when this process is killed.
      process.run(['setpriv', '--pdeathsig', 'TERM', ...command], {
        ...options,
        env: { ...env, HOME: layout.home, ...options?.env },
      }),
  };
}

// Spack asks for the user's passwd entry, which an image does not have for a runner's uid.
async function writeIdentity(folder: string, host: Host): Promise<Mount[]> {
  await mkdir(folder, { recursive: true });
  const home = containerLayout.home;
  const user = host.uid === 0 ? [] : [`builder:x:${host.uid}:${host.gid}:builder:${home}:/bin/sh`];
  const group = host.gid === 0 ? [] : [`builder:x:${host.gid}:`];
  await writeFile(join(folder, 'passwd'), ['root:x:0:0:root:/root:/bin/sh', ...user, ''].join('\n'));
  await writeFile(join(folder, 'group'), ['root:x:0:', ...group, ''].join('\n'));
  return ['passwd', 'group'].map((file) => ({
    source: join(folder, file),
    target: `/etc/${file}`,
    readOnly: true,
  }));
}
