import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildEnvironment } from '../base/environment.js';
import type { Host } from '../base/host.js';
import type { ProcessRunner, RunResult } from '../base/ports.js';
import type { EngineProgram } from './confinement.js';
import { confinement, noProxy } from './confinement.js';
import {
  type Container,
  type ContainerKind,
  type ContainerPlan,
  type ContainerPorts,
  type ExecOptions,
  startContainer,
} from './container.js';
import {
  containerLayout,
  fetchMounts,
  fetchScratch,
  type Layout,
  layoutMounts,
  type Mount,
} from './layout.js';

/** Where the build's commands run: one container, or the machine itself. */
export interface Session {
  /** The build's folders as the commands see them. */
  readonly layout: Layout;
  /** Python that has Spack's and the audit's modules. */
  readonly python: string;
  /** Its container; undefined on the machine itself. */
  readonly container: Container | undefined;
  /** File with the certificate authorities that its commands should trust; undefined for its system's own. */
  readonly caBundle: string | undefined;
  exec(command: readonly [string, ...string[]], options?: ExecOptions): Promise<RunResult>;
  /** Ends and removes the container, unless it is kept. Safe to call twice; an aborted signal does the same. */
  stop(): Promise<void>;
}

/** What a session's container is started with, but for its mounts and rights. */
export interface SessionPlan {
  readonly program: EngineProgram;
  readonly image: string;
  readonly name: string;
  readonly host: Host;
  /** Whether a user may want to look into it after a failure. */
  readonly mayStay?: boolean;
}

const containerCa = '/etc/slurm-factory/ca-bundle.crt';

/**
 * Starts a container over the host's layout, without any network.
 * @throws ContainerError when it can't be started; nothing of it is left then
 */
export async function startSession(
  plan: SessionPlan & { readonly kind: Exclude<ContainerKind, 'fetch' | 'smoke'> },
  hostLayout: Layout,
  ports: ContainerPorts,
): Promise<Session> {
  const identity = await writeIdentity(join(hostLayout.home, '..', 'identity'), plan.host);
  return inContainer(buildPlan(plan, [...layoutMounts(hostLayout), ...identity]), ports);
}

/**
 * Starts a container that has the network and may write but what it fetches.
 * @param stage folder for what is on its way
 * @throws ContainerError as `startSession`
 */
export async function startFetcher(
  plan: SessionPlan,
  hostLayout: Layout,
  stage: string,
  ports: ContainerPorts,
): Promise<Session> {
  const identity = await writeIdentity(join(hostLayout.home, '..', 'fetcher'), plan.host);
  const mounts = [...fetchMounts(hostLayout, stage), ...identity];
  const caBundle = plan.host.caBundle === undefined ? undefined : containerCa;
  return inContainer(fetchPlan(plan, mounts), ports, caBundle);
}

async function inContainer(plan: ContainerPlan, ports: ContainerPorts, caBundle?: string): Promise<Session> {
  const container = await startContainer(plan, ports);
  return {
    layout: containerLayout,
    python: '/opt/slurm-factory/python/bin/python3',
    ...{ container, caBundle },
    exec: container.exec,
    stop: container.stop,
  };
}

/** A container that builds or audits: as the calling user, without network and proxy settings. */
export function buildPlan(
  plan: SessionPlan & Pick<ContainerPlan, 'kind'>,
  mounts: readonly Mount[],
): ContainerPlan {
  const { host, program } = plan;
  return {
    ...plan,
    owner: host.owner,
    user: host,
    mounts,
    rights: (limits) => confinement({ program, host, limits, network: false, scratch: [] }),
    fixed: { HOME: containerLayout.home, ...noProxy },
    env: {},
  };
}

/** A container that fetches: it has the network, the host's proxy settings and its CA bundle. */
export function fetchPlan(plan: SessionPlan, mounts: readonly Mount[]): ContainerPlan {
  const { host, program } = plan;
  const ca = host.caBundle;
  const trust = ca === undefined ? [] : [{ source: ca, target: containerCa, readOnly: true }];
  return {
    ...plan,
    kind: 'fetch',
    owner: host.owner,
    user: host,
    mounts: [...mounts, ...trust],
    rights: (limits) => confinement({ program, host, limits, network: true, scratch: fetchScratch }),
    fixed: { HOME: containerLayout.home, ...(ca === undefined ? {} : caEnvironment) },
    env: host.proxy,
  };
}

const caEnvironment = {
  SSL_CERT_FILE: containerCa,
  CURL_CA_BUNDLE: containerCa,
  GIT_SSL_CAINFO: containerCa,
};

/**
 * A session on the machine itself, for a job that already runs in a container.
 * @param process bound to the build's signal: an abort ends all that runs
 * @param env the caller's environment, of which `buildEnvironment` lets a little through
 * @param fetching proxy settings and the file with certificate authorities, for what fetches
 */
export function machineSession(
  layout: Layout,
  python: string,
  process: ProcessRunner,
  env: Readonly<Record<string, string>>,
  fetching: Pick<Host, 'proxy' | 'caBundle'> = { proxy: {}, caBundle: undefined },
): Session {
  return {
    layout,
    python,
    container: undefined,
    caBundle: fetching.caBundle,
    stop: async () => {},
    exec: (command, options) =>
      // Spack must not build on when this process is killed.
      process.run(['setpriv', '--pdeathsig', 'TERM', ...command], {
        ...options,
        env: { ...buildEnvironment(env), ...fetching.proxy, HOME: layout.home, ...options?.env },
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
