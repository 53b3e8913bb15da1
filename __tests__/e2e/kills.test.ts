import { execFileSync, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { afterAll, expect, test } from '@jest/globals';
import { docker } from '../support/prepare.js';
import { builtResult } from '../support/result.js';

const reference = await builtResult('24.11.6');
const e2e = reference === undefined ? test.skip : test;
/** How often the installer is killed; 40 shows more, in a minute. */
const kills = 6 * Number(process.env['SLURM_FACTORY_TEST_KILLS'] ?? 1);
const minutes = 60_000;
const container = `sf-kills-${process.pid}`;

afterAll(() => {
  spawnSync('docker', ['rm', '--force', container]);
});

e2e(
  `killed ${kills} times while it installs and uninstalls, then run to the end`,
  () => {
    docker(
      ...['run', '--detach', '--rm', '--name', container, '--network', 'none'],
      ...['--mount', `type=bind,source=${reference},target=/tarballs,readonly`],
      ...['debian:bookworm', 'sleep', 'infinity'],
    );
    const inside = (script: string): string =>
      execFileSync('docker', ['exec', container, 'sh', '-c', script], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });
    const installer = readdirSync(reference ?? '').find((name) => name.endsWith('-install.sh')) ?? '';
    const options = '--prefix /opt/k/slurm --modules /opt/k/modules --systemd /opt/k/units';
    // The packages that it asks for are not there.
    const install = `sh /tarballs/${installer} --force ${options}`;
    const uninstall = `sh /tarballs/${installer} --uninstall --prefix /opt/k/slurm`;
    const own = '/opt/k/slurm/etc/slurm.conf';
    const isThere = () => inside('[ ! -x /opt/k/slurm/bin/sinfo ] || echo yes') !== '';
    let users = 0;
    for (let round = 0; round < kills; round++) {
      const command = isThere() ? uninstall : install;
      const moment = randomInt(0, 2500) / 1000;
      inside(`${command} >/dev/null 2>&1 & sleep ${moment}; kill -KILL $! 2>/dev/null; wait $!; true`);
      if (isThere()) {
        inside(`mkdir -p /opt/k/slurm/etc && echo ours >${own}`);
        users += 1;
      }
      // What a user has put there is there, whatever was killed.
      else if (users > 0) expect(inside(`cat ${own}`)).toBe('ours\n');
      if (users > 0 && !isThere()) {
        inside(`${uninstall} || true; rm -r /opt/k/slurm`);
        users = 0;
      }
    }
    if (isThere()) inside(uninstall);
    inside(`rm -rf ${own} /opt/k/slurm/etc; rmdir /opt/k/slurm 2>/dev/null; mkdir -p /opt/k`);
    inside(install);
    const software = `/tarballs/${installer.replace('install.sh', 'software.tar.gz')}`;
    inside(
      `mkdir /right && tar -xzf ${software} -C /right --strip-components=1 --no-same-owner
       diff -r --no-dereference -x .slurm-factory-install /right /opt/k/slurm`,
    );
    expect(inside('ls -A /opt/k').trim().split('\n').sort()).toEqual(['modules', 'slurm', 'units']);
    inside(uninstall);
    // The folder above was there before the last installation.
    expect(inside('find /opt/k -mindepth 1')).toBe('');
  },
  (3 + kills / 6) * minutes,
);
