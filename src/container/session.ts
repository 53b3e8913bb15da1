import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildEnvironment } from '../base/environment.js';
import { ContainerError } from '../base/errors.js';
import type { Host } from '../base/host.js';
import { ownerLabel } from '../base/owner.js';
import type { ProcessRunner, RunOptions, RunResult } from '../base/ports.js';
import { availableLimits, confinement, type Limit, noProxy } from './confinement.js';
import {
  containerLayout,
  fetchMounts,
  fetchScratch,
  type Layout,
  layoutMounts,
  type Mount,
  mountArgument,
} from './layout.js';
import { withProxy } from './proxy.js';

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
  /** New file on this machine for the command's standard output. */
  readonly stdoutFile?: string;
}

/** All that a container is started with. */
export interface ContainerPlan {
  readonly program: 'docker' | 'podman';
  readonly image: string;
  readonly name: string;
  readonly host: Host;
  readonly mounts: readonly Mount[];
  /** Whether it fetches: it then has the network, the host's proxy settings and its CA bundle. */
  readonly fetches: boolean;
  readonly limits: readonly Limit[];
}

const containerCa = '/etc/slurm-factory/ca-bundle.crt';

/**
 * Arguments of `docker run` / `podman run` for a container that waits for `exec`. It gets the calling user, an
 * init, the mounts that are named and what `confinement` leaves it. Proxy settings are named without their
 * values, which the engine's process has in its environment.
 */
export function runArguments(plan: ContainerPlan): string[] {
  const { host, fetches } = plan;
  const mounts =
    fetches && host.caBundle
      ? [...plan.mounts, { source: host.caBundle, target: containerCa, readOnly: true }]
      : plan.mounts;
  const environment = { HOME: containerLayout.home, ...(fetches ? caEnvironment(host) : noProxy) };
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
    ...confinement({ ...plan, network: fetches, scratch: fetches ? fetchScratch : [] }),
    ...mounts.flatMap((mount) => ['--mount', mountArgument(mount)]),
    ...Object.entries(environment).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    ...(fetches ? Object.keys(host.proxy).flatMap((name) => ['--env', name]) : []),
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

/** What a session's container is started with, but for its mounts. */
export type SessionPlan = Omit<ContainerPlan, 'mounts' | 'fetches' | 'limits'>;

/**
 * Starts a container over the host's layout, without any network.
 * @throws ContainerError when it can't be started; nothing of it is left then
 */
export async function startContainer(
  plan: SessionPlan,
  hostLayout: Layout,
  process: ProcessRunner,
): Promise<Session> {
  const identity = await writeIdentity(join(hostLayout.home, '..', 'identity'), plan.host);
  return start({ ...plan, mounts: [...layoutMounts(hostLayout), ...identity], fetches: false }, process, {});
}

/**
 * Starts a container that has the network and may write but what it fetches.
 * @param stage folder for what is on its way
 * @param env environment of the engine's process
 * @throws ContainerError as `startContainer`
 */
export async function startFetcher(
  plan: SessionPlan,
  hostLayout: Layout,
  stage: string,
  process: ProcessRunner,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Session> {
  const identity = await writeIdentity(join(hostLayout.home, '..', 'fetcher'), plan.host);
  const mounts = [...fetchMounts(hostLayout, stage), ...identity];
  return start({ ...plan, mounts, fetches: true }, process, {
    env: withProxy(env, plan.host.proxy),
  });
}

async function start(
  plan: Omit<ContainerPlan, 'limits'>,
  process: ProcessRunner,
  runOptions: Pick<RunOptions, 'env'>,
): Promise<Session> {
  const limits = await availableLimits(plan.program, process);
  const started = await process.run([plan.program, ...runArguments({ ...plan, limits })], runOptions);
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
      const { onLine, stdoutFile } = options ?? {};
      const result = await process.run([plan.program, ...execArguments(plan.name, command, options)], {
        ...(onLine === undefined ? {} : { onLine }),
        ...(stdoutFile === undefined ? {} : { stdoutFile }),
      });
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

/**
 * A session on the machine itself, for a job that already runs in a container.
 * @param env the caller's environment, of which `buildEnvironment` lets a little through
 * @param proxy proxy settings, for what fetches
 */
export function machineSession(
  layout: Layout,
  python: string,
  process: ProcessRunner,
  env: Readonly<Record<string, string>>,
  proxy: Readonly<Record<string, string>> = {},
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
        env: { ...buildEnvironment(env), ...proxy, HOME: layout.home, ...options?.env },
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
