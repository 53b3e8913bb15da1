import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { docker, hostTarget, isHere, projectRoot, temporaryFolder, testCache } from '../support/prepare.js';
import { builtResult } from '../support/result.js';
import { buildSelfContained, testsSelfContained } from '../support/self-contained.js';

/** A tarball that brings its libraries, those of the distribution or Spack's, on machines that have none of them. */

const release = testsSelfContained ? '24.11.7' : '24.11.6';
const built = (await isHere('Debian 13')) ? await builtTarball() : undefined;
const { target = '', folder: result } = built ?? {};
const real = result === undefined ? describe.skip : describe;

const minutes = 60_000;
const folder = temporaryFolder('everywhere');
const support = join(projectRoot, '__tests__', 'support');
/** MariaDB, curl and jq, beside the machine that Slurm runs on. */
const neighbour = `sf-neighbour-${process.pid}`;
const machine = `sf-bare-${process.pid}`;
const images = { neighbour: `sf-neighbour:${process.pid}`, small: `sf-small:${process.pid}` };

async function builtTarball() {
  if (testsSelfContained) return buildSelfContained(release, join(testCache, 'build-cache'));
  const built = await builtResult(release);
  return built === undefined ? undefined : { folder: built, target: hostTarget(release) };
}

afterAll(() => {
  if (result === undefined) return;
  spawnSync('docker', ['rm', '--force', machine, neighbour]);
  spawnSync('docker', ['rmi', '--force', ...Object.values(images)]);
  rmSync(folder, { recursive: true, force: true });
});

function makeImage(tag: string, dockerfile: string, files: readonly string[] = []): void {
  const context = join(folder, 'context');
  mkdirSync(context, { recursive: true });
  for (const file of files) cpSync(join(support, file), join(context, file));
  writeFileSync(join(context, 'Dockerfile'), dockerfile);
  docker('build', '--quiet', '--network', 'host', '--tag', tag, context);
  rmSync(context, { recursive: true });
}

/** Answers of a container: what it printed, and how it ended. */
function inside(container: string, ...words: string[]) {
  const done = spawnSync('docker', ['exec', container, ...words], { encoding: 'utf8', maxBuffer: 1 << 26 });
  return { exitCode: done.status, stdout: done.stdout, stderr: done.stderr };
}

function startMachine(image: string): void {
  spawnSync('docker', ['rm', '--force', machine]);
  docker(
    ...['run', '--detach', '--name', machine, '--network', `container:${neighbour}`],
    ...['--mount', `type=bind,source=${result},target=/files,readonly`],
    ...['--mount', `type=bind,source=${join(support, 'bare-cluster.sh')},target=/cluster.sh,readonly`],
    ...[image, 'sleep', 'infinity'],
  );
}

const database = `
useradd mysql && mkdir -p /data && chown mysql /data
options='--no-defaults --user=mysql --datadir=/data'
# A way to log in for which the client needs a plugin, as for MySQL's caching_sha2_password.
login='--plugin-dir=/plugins --plugin-load-add=auth_ed25519'
mariadb-install-db $options --skip-test-db --auth-root-authentication-method=normal >/dev/null
cat >/start.sql <<'SQL'
CREATE OR REPLACE DATABASE slurm_acct_db;
CREATE OR REPLACE USER slurm@'127.0.0.1' IDENTIFIED VIA ed25519 USING PASSWORD('bare');
GRANT ALL ON slurm_acct_db.* TO slurm@'127.0.0.1';
SQL
exec mariadbd $options $login --bind-address=127.0.0.1 --skip-name-resolve --socket=/data/socket --init-file=/start.sql`;

real('a tarball that brings its libraries', () => {
  beforeAll(() => {
    makeImage(
      images.neighbour,
      `FROM debian:bookworm
RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends \\
      curl jq mariadb-client-core mariadb-server-core \\
 && mkdir /apart && cd /apart && apt-get download -qq mariadb-server && dpkg-deb --extract mariadb-server_*.deb . \\
 && mv usr/lib/mysql/plugin /plugins && rm -rf /apart /var/lib/apt/lists/*
`,
    );
    makeImage(
      images.small,
      `FROM debian:trixie AS full
COPY small-root.sh /
RUN mkdir /small && sh /small-root.sh /small
FROM scratch
COPY --from=full /small /
`,
      ['small-root.sh'],
    );
  }, 10 * minutes);

  // The database of each begins anew.
  beforeEach(() => {
    spawnSync('docker', ['rm', '--force', neighbour]);
    docker(
      'run',
      '--detach',
      '--name',
      neighbour,
      '--hostname',
      'node1',
      images.neighbour,
      'bash',
      '-c',
      database,
    );
  });

  test.each([
    ['Debian 12', () => 'debian:bookworm'],
    ['Debian 13', () => 'debian:trixie'],
    ['nothing but glibc, a shell, coreutils, and what install.sh asks for', () => images.small],
  ])(
    'runs a cluster on %s: jobs, accounting, Lua, JSON web tokens, auth/slurm, REST',
    (_, image) => {
      startMachine(image());
      // None of its libraries, nor of Slurm's, is there.
      const found = inside(
        machine,
        'bash',
        '-c',
        'ls /usr/lib/*/lib{munge,mariadb,jwt,json-c,hwloc,curl,pmix}.so*',
      );
      expect(found.stdout).toBe('');
      const done = inside(machine, 'bash', '/cluster.sh', target);
      expect({ exitCode: done.exitCode, told: done.exitCode === 0 ? '' : done.stdout + done.stderr }).toEqual(
        {
          exitCode: 0,
          told: '',
        },
      );
      expect(done.stdout.match(/^ok .*$/gm)).toEqual([
        'ok check',
        `ok install slurm ${release}`,
        'ok slurmdbd',
        'ok slurmctld and slurmd, by auth/slurm',
        'ok srun',
        'ok sbatch, and Lua wrote its comment',
        'ok accounting',
        'ok JWT',
        'ok slurmrestd',
      ]);
      const token = inside(machine, 'cat', '/token').stdout.trim();
      const headers = ['X-SLURM-USER-NAME: root', `X-SLURM-USER-TOKEN: ${token}`];
      const answer = inside(
        neighbour,
        ...['curl', '--silent', '--fail', ...headers.flatMap((header) => ['--header', header])],
        'http://127.0.0.1:6820/slurm/v0.0.42/nodes/',
      );
      expect(JSON.parse(answer.stdout).nodes).toEqual([
        expect.objectContaining({ name: 'node1', state: ['IDLE'] }),
      ]);
    },
    5 * minutes,
  );

  test('says what is missing, by the command of the distribution', () => {
    startMachine('debian:trixie');
    const { exitCode, stderr } = inside(machine, 'sh', `/files/${target}-install.sh`, '--check');
    expect(exitCode).toBe(0);
    expect(stderr).toContain('libdbus-1.so.3 is not here: Slurm runs without cgroup/v2');
    expect(stderr).toContain('munge is not here: Slurm runs with auth/slurm, not with auth/munge');
    expect(stderr).toContain('apt-get install -y --no-install-recommends libdbus-1-3 libpmix2\n');
  });

  test.each([
    ['apt-get', 'apt-get install -y --no-install-recommends libpam0g libudev1'],
    ['dnf', "dnf install -y 'libpam.so.0()(64bit)' 'libpam_misc.so.0()(64bit)' 'libudev.so.1()(64bit)'"],
    [
      'zypper',
      "zypper install -y 'libpam.so.0()(64bit)' 'libpam_misc.so.0()(64bit)' 'libudev.so.1()(64bit)'",
    ],
    ['pacman', 'pacman -S pam systemd-libs'],
  ])('without libraries that it needs it is not installed, and says so in words of %s', (manager, line) => {
    startMachine(images.small);
    const made = inside(
      machine,
      ...[
        'bash',
        '-c',
        `rm /usr/lib/*/lib{pam,pam_misc,udev}.so* && : >/usr/bin/${manager} && chmod 755 /usr/bin/${manager}`,
      ],
    );
    expect(made).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    const checked = inside(machine, 'sh', `/files/${target}-install.sh`, '--check');
    expect({ exitCode: checked.exitCode, line: checked.stdout.trim() }).toEqual({ exitCode: 1, line });
    const done = inside(machine, 'sh', `/files/${target}-install.sh`, '--prefix', '/srv/slurm');
    expect(done.exitCode).toBe(1);
    expect(done.stderr).toContain('nothing was installed');
    expect(inside(machine, 'ls', '/srv').stdout).toBe('');
  });

  test('an older glibc is refused, with the reason', () => {
    startMachine(images.small);
    // Debian 11 says this.
    const older = 'printf "%s\\n" "#!/bin/sh" "echo glibc 2.31" >/usr/bin/getconf';
    expect(inside(machine, 'bash', '-c', older).exitCode).toBe(0);
    const done = inside(machine, 'sh', `/files/${target}-install.sh`, '--prefix', '/srv/slurm');
    expect(done.exitCode).toBe(1);
    expect(done.stderr).toContain(`this machine has glibc 2.31, and ${target} needs glibc 2.34 or newer`);
    expect(inside(machine, 'ls', '/srv').stdout).toBe('');
  });

  test("never takes a function of the host's OpenSSL, even where that is loaded first", () => {
    startMachine('debian:trixie');
    const install = `sh /files/${target}-install.sh --prefix /srv/slurm`;
    // As in sshd, which has the host's and loads pam_slurm_adopt.
    const bindings = 'LD_DEBUG=bindings LD_PRELOAD=libcrypto.so.3 LD_BIND_NOW=1 /srv/slurm/sbin/slurmctld -V';
    const own = 'file=$(ls /srv/slurm/lib/bundled/libssl-*)';
    const done = inside(
      machine,
      ...[
        'bash',
        '-c',
        `${install} >/dev/null 2>&1; ${own}; ${bindings.replace('libcrypto.so.3', '"libcrypto.so.3 $file"')} 2>&1`,
      ],
    );
    const lines = done.stdout.split('\n').filter((line) => /binding file .*\/bundled\/libssl-/.test(line));
    const toCrypto = lines.filter((line) => /to .*libcrypto/.test(line));
    expect(toCrypto.length).toBeGreaterThan(100);
    expect(toCrypto.filter((line) => !/to \S*\/bundled\/libcrypto-/.test(line))).toEqual([]);
  });
});
