import { describe, expect, test } from '@jest/globals';
import { noProxy } from '../../../src/container/confinement.js';
import { runArguments } from '../../../src/container/container.js';
import { type SmokePlan, smokeCommand, smokeContainer } from '../../../src/smoke/container.js';
import { systemTarget } from '../../support/fakes.js';

const plan: SmokePlan = {
  program: 'docker',
  name: 'the-name',
  image: 'the:image',
  owner: 'host~boot~1~2~3',
  scripts: '/project/scripts',
  files: ['/out/a-software.tar.gz', '/odd,"out"/b'],
  cgroup2: false,
  gpuOptions: [],
};
const wordsOf = (
  change: Partial<SmokePlan> = {},
  limits: readonly ('memory' | 'pids')[] = ['memory', 'pids'],
) => runArguments(smokeContainer({ ...plan, ...change }), limits);

describe('smokeContainer', () => {
  test('no network, and only the files and the scripts, both read-only', () => {
    expect(wordsOf()).toEqual([
      ...['run', '--detach', '--init', '--name', 'the-name', '--label', 'slurm-factory=smoke'],
      ...['--label', 'slurm-factory.owner=host~boot~1~2~3', '--user', '0:0'],
      ...['--network', 'none', '--hostname', 'node1', '--add-host', 'node1:192.0.2.1'],
      ...['--security-opt', 'no-new-privileges', '--cap-drop', 'ALL'],
      ...['--cap-add', 'SETGID', '--cap-add', 'SETUID', '--cap-add', 'CHOWN', '--cap-add', 'DAC_OVERRIDE'],
      ...['--cap-add', 'KILL', '--cap-add', 'NET_ADMIN', '--cap-add', 'SYS_NICE', '--cap-add', 'FOWNER'],
      ...['--pids-limit', '1024', '--memory', '2147483648'],
      ...['--mount', 'type=bind,source=/project/scripts,target=/smoke/scripts,readonly'],
      '--mount',
      'type=bind,source=/out/a-software.tar.gz,target=/smoke/files/a-software.tar.gz,readonly',
      ...['--mount', 'type=bind,"source=/odd,""out""/b",target=/smoke/files/b,readonly'],
      ...Object.keys(noProxy).flatMap((name) => ['--env', `${name}=`]),
      ...['--entrypoint', 'sleep', 'the:image', 'infinity'],
    ]);
  });

  test('the right to mount its cgroup anew goes to machines with cgroup v2 alone, GPUs to who asks', () => {
    const plain = wordsOf();
    expect(plain).not.toContain('SYS_ADMIN');
    expect(plain).not.toContain('--gpus');
    const both = wordsOf({ cgroup2: true, gpuOptions: ['--gpus', 'all'] });
    expect(both).toEqual(expect.arrayContaining(['SYS_ADMIN', 'private', '--gpus', 'all']));
    expect(both).not.toContain('--privileged');
  });

  test('is root of its own with either engine', () => {
    expect(wordsOf({ program: 'podman' })).not.toContain('--userns');
  });

  test('an engine that can limit nothing is asked for no limit', () => {
    const words = wordsOf({}, []);
    expect(words).not.toContain('--memory');
    expect(words).not.toContain('--pids-limit');
  });
});

test('smokeCommand: the checks within a time limit, one word for each value, and no shell text', () => {
  expect(
    smokeCommand({
      target: systemTarget(),
      prefix: '/srv/x',
      checks: ['install', 'srun'],
      forbidden: ['__padding__', '/store'],
    }),
  ).toEqual([
    ...['bash', '/smoke/scripts/smoke.sh'],
    ...['--target', 'slurm-24.11.6-bookworm-amd64', '--files', '/smoke/files', '--prefix', '/srv/x'],
    ...['--modules', '/srv/modulefiles', '--address', '192.0.2.1', '--checks', 'install,srun'],
    ...['--forbidden', '__padding__', '--forbidden', '/store'],
  ]);
});
