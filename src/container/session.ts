import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildEnvironment } from '../base/environment.js';
import type { Host } from '../base/host.js';
import type { ProcessRunner, RunResult } from '../base/ports.js';
import { type Allowance, confinement, type EngineProgram, noProxy } from './confinement.js';
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
  shareMounts,
  shareScratch,
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
  /** What the inputs let it have. */
  readonly allowance?: Allowance;
  /** Whether a user may want to look into it after a failure. */
  readonly mayStay?: boolean;
}

const containerCa = '/etc/slurm-factory/ca-bundle.crt';

/**
 * Starts a container over the host's layout, without any network unless the inputs say otherwise.
 * @throws ContainerError when it can't be started; nothing of it is left then
 */
export async function startSession(
  plan: SessionPlan & { readonly kind: Exclude<ContainerKind, 'fetch' | 'share' | 'smoke'> },
  hostLayout: Layout,
  ports: ContainerPorts,
): Promise<Session> {
  const identity = await writeIdentity(join(hostLayout.home, '..', 'identity'), plan.host);
  const caBundle = isOnline(plan) && plan.host.caBundle !== undefined ? containerCa : undefined;
  return inContainer(buildPlan(plan, [...layoutMounts(hostLayout), ...identity]), ports, caBundle);
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

/** What a session that works with a shared build cache has beside the layout's folders. */
export interface Sharing {
  /** Its own folder on this machine, with `environment`, `scope` and `stage`. */
  readonly own: string;
  readonly mounts: readonly Mount[];
  /** The network that leads to the cache; none where it is a folder. */
  readonly network: boolean | 'host';
}

/**
 * Starts a container that works with a build cache which machines share: it has the cache's network and the store,
 * and runs nothing that a package brings.
 * @throws ContainerError as `startSession`
 */
export async function startShare(
  plan: SessionPlan,
  hostLayout: Layout,
  { own, mounts, network }: Sharing,
  ports: ContainerPorts,
): Promise<Session> {
  const identity = await writeIdentity(join(hostLayout.home, '..', 'sharer'), plan.host);
  const all = [...shareMounts(hostLayout, own), ...mounts, ...identity];
  const started = planFor({ ...plan, kind: 'share' }, all, network, shareScratch);
  return inContainer(started, ports, plan.host.caBundle === undefined ? undefined : containerCa);
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

/** A container that builds or audits: as the calling user; only a build that asks for it has the network. */
export const buildPlan = (
  plan: SessionPlan & Pick<ContainerPlan, 'kind'>,
  mounts: readonly Mount[],
): ContainerPlan => planFor(plan, mounts, isOnline(plan), []);

/** A container that fetches: it has the network, the host's proxy settings and its CA bundle. */
export const fetchPlan = (plan: SessionPlan, mounts: readonly Mount[]): ContainerPlan =>
  planFor({ ...plan, kind: 'fetch' }, mounts, plan.allowance?.network !== 'none', fetchScratch);

const isOnline = ({ kind, allowance }: SessionPlan & Pick<ContainerPlan, 'kind'>): boolean =>
  kind === 'build' && allowance?.network === 'build';

function planFor(
  plan: SessionPlan & Pick<ContainerPlan, 'kind'>,
  mounts: readonly Mount[],
  network: boolean | 'host',
  scratch: readonly string[],
): ContainerPlan {
  const { host, program, allowance } = plan;
  const ca = network !== false ? host.caBundle : undefined;
  const trust = ca === undefined ? [] : [{ source: ca, target: containerCa, readOnly: true }];
  return {
    ...plan,
    owner: host.owner,
    user: host,
    mounts: [...mounts, ...trust],
    rights: (limits) => confinement({ program, host, allowance, limits, network, scratch }),
    fixed: {
      HOME: containerLayout.home,
      ...(network !== false ? {} : noProxy),
      ...(ca === undefined ? {} : caEnvironment),
    },
    env: network !== false ? host.proxy : {},
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
