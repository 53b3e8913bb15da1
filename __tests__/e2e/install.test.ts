import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseTarget } from '../../src/targets/identifier.js';
import { docker, temporaryFolder } from '../support/prepare.js';
import { builtResult } from '../support/result.js';

/** A folder with a finished result that needs bookworm's packages. */
const result = await builtResult('24.11.6', 'system');
const withResult = result === undefined ? describe.skip : describe;

const minutes = 60_000;
const image = 'debian:bookworm';
/** The image with the packages that Slurm needs. */
const withPackages = `sf-install-${process.pid}`;
const folder = temporaryFolder('install');
const tarballs = join(folder, 'tarballs');
/** Containers: one without a network, one that may fetch packages. */
const [offline, online] = [`sf-install-offline-${process.pid}`, `sf-install-online-${process.pid}`];
let version: string;
let installer: string;
let runtimePackages: string[];

/** A copy of the result, for the containers. */
function prepareTarballs(from: string): void {
  const manifestFile = readdirSync(from).find((name) => name.endsWith('-manifest.json'));
  if (manifestFile === undefined) throw new Error(`${from} has no manifest`);
  const manifest = JSON.parse(readFileSync(join(from, manifestFile), 'utf8'));
  const target = parseTarget(manifest.target);
  if (target === undefined) throw new Error(`${manifest.target} is no target`);
  version = target.version;
  runtimePackages = manifest.runtimePackages;
  installer = `/tarballs/${manifest.target}-install.sh`;
  cpSync(from, tarballs, { recursive: true });
}

interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs text with a shell of a container; INSTALL names the installer. */
function run(container: string, script: string, shell = 'sh'): Outcome {
  const done = spawnSync(
    'docker',
    ['exec', '--env', `INSTALL=${installer}`, container, shell, '-c', script],
    {
      encoding: 'utf8',
      maxBuffer: 1 << 26,
    },
  );
  return { exitCode: done.status, stdout: done.stdout, stderr: done.stderr };
}

function mustRun(container: string, script: string, shell = 'sh'): string {
  const done = run(container, script, shell);
  if (done.exitCode !== 0)
    throw new Error(`${script}\n${done.stdout.slice(-4000)}\n${done.stderr.slice(-4000)}`);
  return done.stdout;
}

/** Everything there is in the container, with the sums of what an installation could have changed. */
const everything = (container: string): string =>
  mustRun(container, 'find / -xdev | sort; find /etc -type f | sort | xargs sha256sum');

const aptInstall = (packages: readonly string[]): string =>
  mustRun(
    online,
    `DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ${packages.join(' ')} 2>&1`,
  );

withResult('the installer', () => {
  beforeAll(async () => {
    prepareTarballs(result ?? '');
    const mount = `type=bind,source=${tarballs},target=/tarballs,readonly`;
    const start = (name: string, from: string, ...options: string[]) =>
      docker(
        'run',
        '--detach',
        '--rm',
        '--name',
        name,
        ...options,
        '--mount',
        mount,
        from,
        'sleep',
        'infinity',
      );
    start(online, image, '--network', 'host');
    mustRun(online, 'apt-get update -qq');
    aptInstall(runtimePackages);
    docker('commit', online, withPackages);
    const mounts = ['--tmpfs', '/noexec:noexec', '--tmpfs', '/small:exec,size=10m'];
    // It mounts a folder below a prefix.
    const mayMount = ['--cap-add', 'SYS_ADMIN', '--security-opt', 'apparmor=unconfined'];
    start(offline, withPackages, '--network', 'none', ...mounts, ...mayMount);
    // Even `sinfo -V` reads it.
    mustRun(
      online,
      `mkdir /etc/slurm && printf 'ClusterName=test\\nSlurmctldHost=node1\\n' >/etc/slurm/slurm.conf`,
    );
  }, 10 * minutes);

  afterAll(() => {
    for (const name of [offline, online]) spawnSync('docker', ['rm', '--force', name]);
    spawnSync('docker', ['rmi', withPackages]);
    rmSync(folder, { recursive: true, force: true });
  }, minutes);

  test.each([
    ['4 characters', '/a/b'],
    ['150 characters', `/srv/${'a'.repeat(72)}/${'b'.repeat(72)}`],
    ['the longest that it takes', `/srv${`/${'c'.repeat(220)}`.repeat(4)}/${'d'.repeat(111)}`],
  ])('a prefix of %s works', (_, prefix) => {
    mustRun(online, `sh "$INSTALL" --prefix ${prefix}`);
    expect(mustRun(online, `${prefix}/bin/sinfo -V`)).toBe(`slurm ${version}\n`);
    expect(mustRun(online, `ls -A $(dirname ${prefix})`).trim()).toBe(prefix.split('/').at(-1));
    mustRun(online, `sh "$INSTALL" --uninstall --prefix ${prefix}`);
  });

  test.each([
    ['white space', `--prefix '/a b'`, 2, 'white space'],
    ['a character that a unit file would read', `--prefix '/a%b'`, 2, '/a%b'],
    ['a relative prefix', '--prefix srv/slurm', 2, 'absolute'],
    ['a prefix through ..', '--prefix /srv/../slurm', 2, '..'],
    ['too long a prefix', `--prefix /${'d/'.repeat(500)}d`, 1, 'longer than 1000'],
    ['too long a last name', `--prefix /${'d'.repeat(231)}`, 1, 'longer than 230'],
    ['a folder that is not empty', '--prefix /etc', 1, '/etc is not empty'],
    ['a file', '--prefix /etc/passwd', 1, 'is not a folder'],
    ['a mount point', '--prefix /noexec', 1, 'mount point'],
    ['a noexec mount', '--prefix /noexec/slurm', 1, 'noexec'],
    ['a full disk', '--prefix /small/slurm', 1, 'KiB are free'],
    ['unknown options', '--prefix /x --bogus -z', 2, "'--bogus' '-z'"],
    ['no prefix', '', 2, '--prefix is missing'],
    ['a place without sums', '--prefix /x --dir /srv', 1, 'SHA256SUMS is missing'],
    ['to uninstall what it did not install', '--uninstall --prefix /etc', 1, 'not installed by this script'],
  ])('refuses %s and leaves nothing', (_, options, exitCode, message) => {
    const before = everything(offline);
    const done = run(offline, `sh "$INSTALL" ${options}`);
    expect(done.stderr).toContain(message);
    expect(done.exitCode).toBe(exitCode);
    expect(everything(offline)).toBe(before);
    expect(mustRun(offline, 'ls -A /noexec /small')).toBe('/noexec:\n\n/small:\n');
  });

  test.each(['software', 'modules'])('a damaged %s tarball is refused and nothing is left', (part) => {
    mustRun(
      offline,
      `cp -r /tarballs /damaged && cd /damaged && printf x | dd of="$(echo *-${part}.tar.gz)" bs=1 seek=300 conv=notrunc 2>&1`,
    );
    const before = everything(offline);
    const done = run(offline, 'sh "$INSTALL" --dir /damaged --prefix /srv/slurm --modules /srv/modules');
    expect(done.stderr).toMatch(new RegExp(`${part}\\.tar\\.gz is damaged`));
    expect(done.exitCode).toBe(1);
    expect(everything(offline)).toBe(before);
    mustRun(offline, 'rm -r /damaged');
  });

  test('ended while it unpacks, it leaves nothing', () => {
    // A gzip that stops in the middle, so that the signal comes when half a tree is there.
    mustRun(
      offline,
      `mkdir /slow && cat >/slow/gzip <<'END' && chmod +x /slow/gzip
#!/bin/sh
/bin/gzip "$@" | { head -c 4000000; sleep 30; cat; }
END`,
    );
    const before = everything(offline);
    const said = mustRun(
      offline,
      `PATH=/slow:$PATH sh "$INSTALL" --prefix /kill/slurm --modules /kill/modules >/dev/null 2>&1 &
       until [ -n "$(ls -A /kill/slurm.partial.*/tree/bin 2>/dev/null)" ]; do sleep 0.02; done
       kill -TERM $!
       wait $!
       echo "exit code $?"`,
    );
    expect(said).toBe('exit code 143\n');
    expect(everything(offline)).toBe(before);
  });

  test('ended at any time, it leaves all or nothing', () => {
    const before = everything(offline);
    for (let delay = 0.02; delay < 0.7; delay += 0.04) {
      const options = '--prefix /kill/slurm --modules /kill/modules --systemd';
      const said = mustRun(
        offline,
        `sh "$INSTALL" ${options} >/dev/null 2>&1 &
         sleep ${delay.toFixed(2)}; kill -TERM $! 2>/dev/null; wait $!; echo $?`,
      ).trim();
      expect(['0', '143']).toContain(said);
      if (said === '0') {
        mustRun(offline, 'test -f /kill/slurm/lib/slurm/libslurmfull.so && test -d /kill/modules/tcl');
        mustRun(offline, 'sh "$INSTALL" --uninstall --prefix /kill/slurm');
      }
      expect(everything(offline)).toBe(before);
    }
  });

  test('killed at any time, the next run goes on', () => {
    const before = everything(offline);
    const options = '--prefix /kill/a/slurm --modules /kill/modules --systemd';
    const mine = '/kill/a/slurm/etc/slurm.conf';
    for (let round = 0; round < 6; round++) {
      const killed = (words: string) =>
        mustRun(
          offline,
          `sh "$INSTALL" ${words} >/dev/null 2>&1 &
           sleep ${(Math.random() * 0.6).toFixed(2)}; kill -KILL $! 2>/dev/null; wait $!; echo $?`,
        ).trim();
      if (killed(options) !== '0') {
        const again = run(offline, `sh "$INSTALL" ${options}`);
        // Killed after its last step, it was done.
        if (again.exitCode !== 0) expect(again.stderr).toContain('it holds slurm-');
      }
      expect(mustRun(offline, 'ls -A /kill /kill/a')).toBe('/kill:\na\nmodules\n\n/kill/a:\nslurm\n');
      if (round % 2 === 0) mustRun(offline, `echo mine >${mine}`);
      if (killed('--uninstall --prefix /kill/a/slurm') !== '0')
        run(offline, 'sh "$INSTALL" --uninstall --prefix /kill/a/slurm');
      if (round % 2 === 0) {
        expect(mustRun(offline, `find /kill -type f; cat ${mine}`)).toBe(`${mine}\nmine\n`);
        mustRun(offline, 'rm -r /kill');
      }
      expect(everything(offline)).toBe(before);
    }
  });

  test('nothing is removed while a file system is mounted below the prefix', () => {
    const before = everything(offline);
    mustRun(offline, 'sh "$INSTALL" --prefix /srv/slurm --systemd /srv/units');
    mustRun(offline, 'mkdir /srv/home /srv/slurm/home && echo mine >/srv/home/file');
    mustRun(offline, 'mount --bind /srv/home /srv/slurm/home');
    const between = everything(offline);
    for (const option of ['', '--force']) {
      const done = run(offline, `sh "$INSTALL" --uninstall --prefix /srv/slurm ${option}`);
      expect(done.stderr).toContain('a file system is mounted at /srv/slurm/home');
      expect(done.exitCode).toBe(1);
      expect(everything(offline)).toBe(between);
    }
    mustRun(offline, 'umount /srv/slurm/home && rmdir /srv/slurm/home');
    mustRun(offline, 'sh "$INSTALL" --uninstall --prefix /srv/slurm && rm -r /srv/home');
    expect(everything(offline)).toBe(before);
  });

  test('nothing is removed that processes run from, but with --force', () => {
    mustRun(online, 'sh "$INSTALL" --prefix /srv/busy');
    mustRun(
      online,
      `mkdir -p /srv/state && head -c 1024 /dev/urandom >/srv/state/slurm.key && chmod 600 /srv/state/slurm.key
       cat >/srv/state/slurm.conf <<END
ClusterName=test
SlurmctldHost=$(hostname)
SlurmUser=root
AuthType=auth/slurm
CredType=cred/slurm
StateSaveLocation=/srv/state
SlurmctldPidFile=/srv/state/slurmctld.pid
SlurmctldLogFile=/srv/state/log
SlurmctldPort=27817
NodeName=node9 NodeHostname=$(hostname) NodeAddr=127.0.0.1
PartitionName=all Nodes=ALL
END
       /srv/busy/sbin/slurmctld -f /srv/state/slurm.conf
       for i in $(seq 100); do [ ! -s /srv/state/slurmctld.pid ] || break; sleep 0.1; done
       cp /bin/sleep /srv/busy/bin/sleep && { /srv/busy/bin/sleep 600 & }`,
    );
    const before = mustRun(online, 'find /srv | sort');
    const done = run(online, 'sh "$INSTALL" --uninstall --prefix /srv/busy');
    expect(done.stderr).toMatch(/processes run from \/srv\/busy:.* \d+ \(slurmctld\)/);
    expect(done.stderr).toMatch(/ \d+ \(sleep\)/);
    expect(done.exitCode).toBe(1);
    expect(mustRun(online, 'find /srv | sort')).toBe(before);
    const forced = run(online, 'sh "$INSTALL" --uninstall --prefix /srv/busy --force');
    expect(forced).toMatchObject({ exitCode: 0, stderr: 'left: /srv/busy/bin/sleep was added\n' });
    // It still writes its state for a moment.
    mustRun(
      online,
      'p=$(cat /srv/state/slurmctld.pid); kill $p; for i in $(seq 100); do kill -0 $p 2>/dev/null || break; sleep 0.1; done; rm -r /srv/busy /srv/state',
    );
  });

  test('units name programs that exist, and uninstalling leaves no file', () => {
    const before = everything(offline);
    mustRun(offline, 'sh "$INSTALL" --prefix /opt/s/slurm --modules /opt/s/modules --default --systemd');
    const started = mustRun(offline, 'sed -n "s/^ExecStart=//p" /etc/systemd/system/s*.service');
    const programs = started.split('\n').flatMap((line) => (line === '' ? [] : [line.split(' ')[0] ?? '']));
    expect(programs.map((program) => program.split('/').at(-1)).sort()).toEqual(
      expect.arrayContaining(['sackd', 'slurmctld', 'slurmd', 'slurmdbd', 'slurmrestd']),
    );
    mustRun(offline, programs.map((program) => `test -x ${program}`).join(' && '));
    mustRun(offline, 'sh "$INSTALL" --uninstall --prefix /opt/s/slurm');
    expect(everything(offline)).toBe(before);
  });

  test('no existing unit or module file is overwritten, and a changed one stays', () => {
    const before = everything(offline);
    mustRun(offline, 'sh "$INSTALL" --prefix /srv/one --modules /srv/m --systemd /srv/units');
    const between = everything(offline);
    for (const option of ['--modules /srv/m', '--systemd=/srv/units']) {
      const done = run(offline, `sh "$INSTALL" --prefix /srv/two ${option}`);
      expect(done.stderr).toContain('exists; it is not overwritten');
      expect(done.exitCode).toBe(1);
      expect(everything(offline)).toBe(between);
    }
    mustRun(offline, 'echo "# ours" >>/srv/units/slurmd.service');
    const done = run(offline, 'sh "$INSTALL" --uninstall --prefix /srv/one');
    expect(done.exitCode).toBe(0);
    expect(done.stderr).toContain('left: /srv/units/slurmd.service was changed');
    expect(mustRun(offline, 'find /srv -type f')).toBe('/srv/units/slurmd.service\n');
    mustRun(offline, 'rm -r /srv/units');
    expect(everything(offline)).toBe(before);
  });

  test('--check names exactly the package that is missing, by the command that installs it', () => {
    expect(run(online, 'sh "$INSTALL" --check').exitCode).toBe(0);
    mustRun(online, 'dpkg --remove --force-depends libjwt0 2>&1');
    const done = run(online, 'sh "$INSTALL" --check');
    expect(done.exitCode).toBe(1);
    expect(done.stdout).toBe('apt-get install -y libjwt0\n');
    const before = everything(online);
    const refused = run(online, 'sh "$INSTALL" --prefix /srv/slurm');
    expect(refused).toMatchObject({ exitCode: 1, stdout: 'apt-get install -y libjwt0\n' });
    expect(everything(online)).toBe(before);
    mustRun(online, 'sh "$INSTALL" --prefix /srv/slurm --force');
    mustRun(online, 'sh "$INSTALL" --uninstall --prefix /srv/slurm');
    mustRun(online, `${done.stdout.trim()} 2>&1 && sh "$INSTALL" --check`);
  });

  test.each([
    [
      'another distribution',
      'cp /etc/os-release /etc/os-release.ours; printf "ID=ubuntu\nVERSION_ID=24.04\n" >/etc/os-release.other && mv /etc/os-release.other /etc/os-release',
      "this is 'ubuntu 24.04'",
    ],
    [
      'another release of it',
      'cp /etc/os-release /etc/os-release.ours; printf "ID=debian\nVERSION_ID=13\n" >/etc/os-release.other && mv /etc/os-release.other /etc/os-release',
      "this is 'debian 13'",
    ],
    [
      'another processor',
      'printf "#!/bin/sh\necho riscv64\n" >/usr/local/bin/uname && chmod +x /usr/local/bin/uname',
      'this is riscv64',
    ],
    [
      'a machine without dpkg',
      'mv /usr/bin/dpkg-query /usr/bin/dpkg-query.away',
      'there is no dpkg-query here',
    ],
  ])('%s is refused, with no packages named, but with --force', (_, change, message) => {
    const before = everything(offline);
    mustRun(offline, change);
    for (const words of ['--check', '--prefix /srv/slurm']) {
      const done = run(offline, `sh "$INSTALL" ${words}`);
      expect(done.stderr).toContain(message);
      expect(done).toMatchObject({ exitCode: 1, stdout: '' });
      expect(mustRun(offline, 'ls -A /srv')).toBe('');
    }
    mustRun(offline, 'sh "$INSTALL" --prefix /srv/slurm --force');
    mustRun(offline, 'sh "$INSTALL" --uninstall --prefix /srv/slurm');
    mustRun(
      offline,
      `[ ! -e /etc/os-release.ours ] || { rm /etc/os-release.ours && ln -sf ../usr/lib/os-release /etc/os-release; }
       [ ! -e /usr/bin/dpkg-query.away ] || mv /usr/bin/dpkg-query.away /usr/bin/dpkg-query
       rm -f /usr/local/bin/uname`,
    );
    expect(everything(offline)).toBe(before);
  });

  test.each([
    ['environment-modules', '/usr/share/modules/init/bash', 'tcl'],
    ['lmod', '/usr/share/lmod/lmod/init/bash', 'lmod'],
  ])('module load of %s finds sinfo, by default and where SLURM_INSTALL_PREFIX says', (name, init, tree) => {
    aptInstall([name]);
    mustRun(online, 'sh "$INSTALL" --prefix /srv/slurm --modules /srv/modules --default');
    const load = (text: string): string[] =>
      mustRun(online, `. ${init}; module use /srv/modules/${tree}; ${text}`, 'bash').trim().split('\n');
    const ask = 'command -v sinfo; sinfo -V; echo "$SLURM_HOME$LD_LIBRARY_PATH"';
    expect(load(`module load slurm && ${ask}`)).toEqual([
      '/srv/slurm/bin/sinfo',
      `slurm ${version}`,
      '/srv/slurm',
    ]);
    mustRun(online, 'cp -a /srv/slurm /srv/elsewhere');
    expect(
      load(`export SLURM_INSTALL_PREFIX=/srv/elsewhere; module load slurm/${version} && ${ask}`),
    ).toEqual(['/srv/elsewhere/bin/sinfo', `slurm ${version}`, '/srv/elsewhere']);
    const missing = 'export SLURM_INSTALL_PREFIX=/nowhere; module load slurm 2>&1 && echo loaded; true';
    const said = load(missing).join(' ');
    expect(said).toMatch(/Slurm is not in \/nowhere; set\s+SLURM_INSTALL_PREFIX/);
    expect(said).not.toContain('loaded');
    mustRun(online, 'rm -r /srv/elsewhere; sh "$INSTALL" --uninstall --prefix /srv/slurm');
  });
});
