import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from '@jest/globals';
import { ContainerError, DiskSpaceError } from '../../src/base/errors.js';
import { type Host, inspectHost } from '../../src/base/host.js';
import type { Ports } from '../../src/base/ports.js';
import type { Allowance } from '../../src/container/confinement.js';
import { type Container, startContainer } from '../../src/container/container.js';
import { layoutBelow } from '../../src/container/layout.js';
import { listAllContainers } from '../../src/container/list.js';
import { buildPlan, fetchPlan } from '../../src/container/session.js';
import { nodeProcess } from '../../src/local/process.js';
import type { ResolvedBuild } from '../../src/pipeline/resolve.js';
import { watchStorage } from '../../src/pipeline/storage.js';
import { docker, isHere, temporaryFolder } from '../support/prepare.js';

const e2e = (await isHere('Docker Engine')) ? test : test.skip;
const folder = temporaryFolder('limits');
const host: Host = await inspectHost(process.env);
const name = `slurm-factory-limits-${process.pid}`;
const signal = new AbortController().signal;
const ports: Pick<Ports, 'process' | 'signal' | 'env'> = { process: nodeProcess, signal, env: process.env };
let container: Container | undefined;

afterEach(async () => {
  await container?.stop();
  container = undefined;
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  expect(docker('ps', '--all', '--quiet', '--filter', `name=${name}`).trim()).toBe('');
});

/** A container as a build's, or as one that fetches, of a plain image. */
async function started(allowance: Allowance, fetches = false): Promise<Container> {
  const plan = { program: 'docker', image: 'debian:bookworm', name, host, allowance } as const;
  const mount = { source: folder, target: '/srv/build', readOnly: false };
  const made = fetches ? fetchPlan(plan, [mount]) : buildPlan({ ...plan, kind: 'build' }, [mount]);
  container = await startContainer(made, ports);
  return container;
}

/** Numbers of a container's own cgroup: its file of version 2, else that of version 1. */
const cgroup = async (two: string, one: string): Promise<string[]> => {
  const paths = [`/sys/fs/cgroup/${two}`, `/sys/fs/cgroup/${one}`];
  const read = await container?.exec(['cat', ...paths]);
  return read?.stdout.trim().split(/\s+/) ?? [];
};

e2e('processors, memory and swap are what the inputs say', async () => {
  await started({ cpus: 1.5, memory: 256e6, swap: 0 });
  const [memory] = await cgroup('memory.max', 'memory/memory.limit_in_bytes');
  // Whole pages.
  expect(256e6 - Number(memory)).toBeLessThan(4096);
  const [quota] = await cgroup('cpu.max', 'cpu/cpu.cfs_quota_us');
  expect(Number(quota)).toBe(Math.min(1.5, host.cpus) * 100_000);
  const asked = docker('inspect', '--format', '{{.HostConfig.MemorySwap}}', name);
  expect(asked.trim()).toBe('256000000');
  const [listed] = (await listAllContainers(host.owner, nodeProcess)).filter((one) => one.name === name);
  expect(listed).toMatchObject({ kind: 'build', engine: 'docker', state: 'running', orphaned: false });
  expect(Math.abs(Date.now() - (listed?.created.getTime() ?? 0))).toBeLessThan(60_000);
});

e2e('whoever takes more memory is ended, which is told; the container goes on', async () => {
  const { exec, memoryExceeded } = await started({ memory: 64e6, swap: 0 });
  expect(await memoryExceeded()).toBeUndefined();
  const greedy = 'x=$(head -c 300000000 /dev/zero | tr "\\0" a)';
  // A part of the command, as a compiler is of make.
  expect((await exec(['bash', '-c', `bash -c '${greedy}' || exit 2`])).exitCode).toBe(2);
  expect(await memoryExceeded()).toBe(64e6);
  const killed = exec(['bash', '-c', greedy]);
  await expect(killed).rejects.toThrow(ContainerError);
  await expect(killed).rejects.toThrow(/took more memory than the 64(?:\.0)? MB that it may have/);
  expect((await exec(['true'])).exitCode).toBe(0);
});

e2e.each([
  ['fetch', false, true],
  ['build', true, true],
  ['none', false, false],
] as const)(
  'with container-network: %s a build has one: %s, what fetches has one: %s',
  async (network, builds, fetches) => {
    for (const [fetching, expected] of [
      [false, builds],
      [true, fetches],
    ] as const) {
      const { exec, stop } = await started({ network }, fetching);
      const { stdout } = await exec(['sh', '-c', 'ls /sys/class/net']);
      expect(stdout.split('\n').some((device) => device.startsWith('eth'))).toBe(expected);
      await stop();
    }
  },
);

e2e('a build that fills more of the disk than it may is ended within seconds', async () => {
  const running = await started({});
  mkdirSync(join(folder, 'stage'));
  const build = { buildFolder: folder, options: { containerStorage: 50e6 } } as ResolvedBuild;
  const { exec, stop } = running;
  const session = {
    container: running,
    exec,
    stop,
    layout: layoutBelow(folder),
    python: '',
    caBundle: undefined,
  };
  const { session: watched } = watchStorage(build, session, ports);
  const start = performance.now();
  const failed = watched.exec(['sh', '-c', 'head -c 100000000 /dev/zero > /srv/build/stage/x; sleep 60']);
  await expect(failed).rejects.toThrow(DiskSpaceError);
  await expect(failed).rejects.toThrow(/has filled 100.* MB of the disk; container-storage lets it fill 50/);
  expect(performance.now() - start).toBeLessThan(15_000);
});
