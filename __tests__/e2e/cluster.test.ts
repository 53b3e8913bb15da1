import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type Block,
  type Condition,
  fixedParts,
  isPrinted,
  type Machine,
  machines,
  readPage,
} from '../support/cluster-page.js';
import { docker, temporaryFolder } from '../support/prepare.js';
import { builtResult } from '../support/result.js';

/**
 * docs/cluster.md, each command of it, in three containers: the cluster is one by auth/slurm in the end. With
 * SLURM_FACTORY_TEST_CLUSTER=1 one by munge, too, and one with systemd and cgroups, which not every engine allows.
 */

const result = await builtResult('24.11.6');
const real = result === undefined ? describe.skip : describe;
const page = readPage();
const folder = temporaryFolder('cluster');
const unique = process.pid;
const image = `sf-cluster:${unique}`;
const network = `sf-cluster-${unique}`;
const container = (machine: Machine): string => `sf-${machine}-${unique}`;
const minutes = 60_000;

const has = (block: Block, condition: Condition): boolean => block.conditions.includes(condition);

/**
 * What the page takes for granted: sshd on all machines, names, and keys for root and for users who are made later.
 * systemd-analyze is for the test itself.
 */
function dockerfile(): string {
  const packages = page.blocks.filter((block) => has(block, 'with apt')).map(({ script }) => script);
  writeFileSync(join(folder, 'packages.sh'), `set -eu\n${packages.join('\n')}`);
  return `FROM debian:bookworm
ENV DEBIAN_FRONTEND=noninteractive
RUN printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d && apt-get update -qq
COPY packages.sh /
RUN sh /packages.sh && apt-get install -y --no-install-recommends openssh-client openssh-server systemd
RUN mkdir -p /run/sshd /etc/skel/.ssh && ssh-keygen -q -t ed25519 -N '' -f /etc/skel/.ssh/id_ed25519 && \\
  cp /etc/skel/.ssh/id_ed25519.pub /etc/skel/.ssh/authorized_keys && chmod -R go= /etc/skel/.ssh && \\
  cp -a /etc/skel/.ssh /root/ && \\
  echo "${machines.join(',')} $(cat /etc/ssh/ssh_host_ed25519_key.pub)" >/etc/ssh/ssh_known_hosts
`;
}

/** Commands on a machine, as root types them after a login. */
function on(machine: Machine, commands: string, env: readonly string[] = []) {
  const words = ['bash', '-c', 'exec bash -lec "$0" 2>&1', commands];
  const settings = env.flatMap((setting) => ['--env', setting]);
  const done = spawnSync(
    'docker',
    ['exec', '--workdir', '/files', ...settings, container(machine), ...words],
    {
      encoding: 'utf8',
      timeout: minutes,
    },
  );
  return { exitCode: done.status, said: done.stdout + done.stderr };
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** One way through the page. */
interface Way {
  readonly skipped: readonly Condition[];
  /** Whether systemd runs in the containers. */
  readonly systemd: boolean;
}

/** Runs a block; what is to print something gets a while, as nodes register and jobs end. */
async function run(block: Block, machine: Machine, { systemd }: Way): Promise<void> {
  // systemctl enables units without a systemd, but can't start any.
  const isOffline = has(block, 'with systemd') && !systemd;
  const env = isOffline ? ['SYSTEMD_OFFLINE=1'] : [];
  const script = isOffline ? block.script.replaceAll(' --now', '') : block.script;
  const end = Date.now() + 20_000;
  for (;;) {
    const { exitCode, said } = on(machine, script, env);
    const { prints } = block;
    const fits = exitCode === 0 && (prints === undefined || isPrinted(said, prints));
    if (fits) return;
    if (prints === undefined || Date.now() > end)
      expect({ machine, script, exitCode, said }).toEqual({ machine, script, exitCode: 0, said: prints });
    await pause(250);
  }
}

function start(machine: Machine, { systemd }: Way): void {
  const rights =
    '--cap-add SYS_ADMIN --cap-add SYS_NICE --security-opt seccomp=unconfined --security-opt apparmor=unconfined ' +
    '--cgroupns private --tmpfs /run --tmpfs /tmp --env container=docker';
  // The engine mounts cgroups to be read only.
  const boot = `for at in $(awk '$5 ~ "^/sys/fs/cgroup" { print $5 }' /proc/self/mountinfo); do
      mount -o remount,bind,rw "$at"; done; exec /lib/systemd/systemd`;
  docker(
    ...['run', '--detach', '--name', container(machine), '--hostname', machine],
    ...['--network', network, '--network-alias', machine],
    ...['--mount', `type=bind,source=${result},target=/files,readonly`],
    ...(systemd ? rights.split(' ') : ['--init']),
    ...[image, 'bash', '-c', systemd ? boot : '/usr/sbin/sshd && exec sleep infinity'],
  );
}

/** Follows the page. */
async function follow(way: Way): Promise<void> {
  for (const machine of machines) start(machine, way);
  if (way.systemd) for (const machine of machines) on(machine, 'systemctl is-system-running --wait || :');
  for (const block of page.blocks) {
    if (block.conditions.some((condition) => condition === 'with apt' || way.skipped.includes(condition)))
      continue;
    for (const machine of block.machines) await run(block, machine, way);
  }
}

const remove = () => spawnSync('docker', ['rm', '--force', '--volumes', ...machines.map(container)]);

real('docs/cluster.md makes a cluster', () => {
  beforeAll(() => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'Dockerfile'), dockerfile());
    docker('build', '--quiet', '--network', 'host', '--tag', image, folder);
    docker('network', 'create', network);
  }, 10 * minutes);

  afterEach(() => {
    remove();
  });
  afterAll(() => {
    spawnSync('docker', ['network', 'rm', network]);
    spawnSync('docker', ['rmi', '--force', image]);
    rmSync(folder, { recursive: true, force: true });
  });

  test(
    'each command, and by auth/slurm',
    async () => {
      await follow({ skipped: [], systemd: false });
      // All its units and drop-ins are there by now.
      const verify = 'systemd-analyze verify --man=no /etc/systemd/system/s*.service';
      expect(on('controller', verify)).toEqual({ exitCode: 0, said: '' });
      const words = page.logs.flatMap(fixedParts).join('\n');
      const look = 'while read -r text; do grep -rqF -e "$text" /opt/slurm || echo "$text"; done';
      expect(on('controller', `${look} <<'END'\n${words}\nEND`)).toEqual({ exitCode: 0, said: '' });
    },
    5 * minutes,
  );

  if (process.env['SLURM_FACTORY_TEST_CLUSTER'] !== '1') return;

  test('by munge', () => follow({ skipped: ['with auth/slurm'], systemd: false }), 5 * minutes);

  test(
    'by munge, with systemd and cgroups',
    async () => {
      await follow({ skipped: ['with auth/slurm', 'without systemd', 'without cgroups'], systemd: true });
      const session = 'salloc --quiet --nodelist=node1 ssh node1 cat /proc/self/cgroup';
      expect(on('controller', `su - alice -c '${session}'`).said).toMatch(/\/job_\d+\/step_extern/);
    },
    5 * minutes,
  );
});
