import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ConfigurationError, InputError } from '../../../src/base/errors.js';
import { noProxy } from '../../../src/container/confinement.js';
import {
  containerArguments,
  imageArguments,
  promisedChecks,
  type SmokePlan,
  smokeImage,
} from '../../../src/smoke/plan.js';
import { rights } from '../../../src/smoke/rights.js';
import { systemTarget, toolchain } from '../../support/fakes.js';

const target = systemTarget();
const smoke = { packages: ['munge', 'lmod'], unpacked: ['environment-modules'] };

describe('promisedChecks', () => {
  const checks = promisedChecks(target, toolchain(), ['lmod', 'tcl']);

  test('what a cluster does, each once', () => {
    expect(checks).toEqual(
      expect.arrayContaining(['slurmdbd', 'srun', 'sbatch', 'scancel', 'mpi-list', 'rest', 'cgroup-v2']),
    );
    expect(new Set(checks).size).toBe(checks.length);
  });

  test('each is a function of the scripts, and each of those is promised to some target', () => {
    const folder = join(import.meta.dirname, '..', '..', '..', 'scripts', 'inside', 'smoke', 'checks');
    const text = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
    const functions = [...text.join('\n').matchAll(/^check_(\w+)\(\)/gm)].map(([, name]) =>
      name?.replaceAll('_', '-'),
    );
    const promised = promisedChecks({ ...target, gpu: 'cuda' }, toolchain(), ['lmod', 'tcl']);
    expect(functions.sort()).toEqual(promised.sort());
  });

  test('the module systems that are promised', () => {
    expect(checks).toEqual(expect.arrayContaining(['module-lmod', 'module-tcl']));
    expect(promisedChecks(target, toolchain(), ['lmod'])).not.toContain('module-tcl');
  });

  test('NVML for CUDA targets only', () => {
    expect(checks).not.toContain('gpu-nvml');
    expect(promisedChecks({ ...target, gpu: 'cuda' }, toolchain(), [])).toContain('gpu-nvml');
  });

  test('nothing that the toolchain lacks', () => {
    const some = promisedChecks(target, { without: ['jwt', 'pmix', 'restd'] }, ['lmod', 'tcl']);
    const gone = ['mpi-pmix', 'jwt', 'rest', 'rest-accounting'];
    expect(checks.filter((check) => !some.includes(check))).toEqual(gone);
  });

  test('those that start the cluster anew come last', () => {
    expect(checks.slice(-2)).toEqual(['configless', 'cgroup-v2']);
  });
});

describe('smokeImage', () => {
  const image = smokeImage(toolchain({ smoke }), ['libpmix2', 'munge'], undefined);

  test("holds the toolchain's packages for a cluster and those that the manifest names, each once", () => {
    expect(image.packages).toEqual(['libpmix2', 'lmod', 'munge']);
    expect(image.base).toBe('debian:bookworm');
  });

  test('its tag shows the toolchain and changes with base and packages, not with their order', () => {
    expect(image.tag).toMatch(/^slurm-factory\/smoke:bookworm-[0-9a-f]{16}$/);
    const again = smokeImage(toolchain({ smoke }), ['munge', 'libpmix2'], undefined);
    expect(again.tag).toBe(image.tag);
    const others = [
      smokeImage(toolchain({ smoke }), ['libpmix2', 'libjwt0'], undefined),
      smokeImage(toolchain({ smoke: { ...smoke, unpacked: [] } }), ['libpmix2'], undefined),
      smokeImage(toolchain({ smoke }), ['libpmix2'], 'my.test/debian:12'),
    ];
    expect(new Set([image, ...others].map(({ tag }) => tag)).size).toBe(4);
  });

  test('by digest where the toolchain pins one', () => {
    const base = { image: 'debian:bookworm', digest: 'sha256:dd' };
    expect(smokeImage(toolchain({ smoke, base }), [], undefined).base).toBe('debian:bookworm@sha256:dd');
  });

  test.each([
    ['without packages for a cluster', toolchain()],
    ['that unpacks packages of rpm', toolchain({ smoke, packageManager: 'rpm' })],
  ])('refuses a toolchain %s', (_, given) => {
    expect(() => smokeImage(given, [], undefined)).toThrow(ConfigurationError);
  });

  test.each(['-y', '--allow-downgrades', 'a b', '$(id)', './a.deb', 'libc6-', '', '\x1b[2J'])(
    'refuses the runtime package %j, before it is a word of a command',
    (word) => {
      const make = () => smokeImage(toolchain({ smoke }), ['libpmix2', word], undefined);
      expect(make).toThrow(InputError);
      expect(make).toThrow(/runtimePackages that are no packages: '/);
    },
  );

  test('refuses a toolchain with such words as its own fault', () => {
    for (const change of [{ packages: ['-y'] }, { unpacked: ['a b'] }]) {
      const given = toolchain({ smoke: { ...smoke, ...change } });
      expect(() => smokeImage(given, [], undefined)).toThrow(ConfigurationError);
    }
  });

  test('imageArguments: everything as build arguments, one word each', () => {
    expect(imageArguments(image, 'debian@sha256:dd', { http_proxy: 'http://p:1' }, '/the context')).toEqual([
      'build',
      '--tag',
      image.tag,
      '--label',
      'slurm-factory=smoke',
      '--build-arg',
      'BASE_IMAGE=debian@sha256:dd',
      '--build-arg',
      'PACKAGES=libpmix2 lmod munge',
      '--build-arg',
      'UNPACKED=environment-modules',
      '--build-arg',
      'http_proxy',
      '/the context',
    ]);
  });
});

const plan: SmokePlan = {
  name: 'the-name',
  image: 'the:image',
  owner: 'host~boot~1~2~3',
  target,
  prefix: '/srv/x',
  scripts: '/project/scripts',
  files: ['/out/a-software.tar.gz', '/odd,"out"/b'],
  forbidden: ['__padding__', '/store'],
  checks: ['install', 'srun'],
  cgroup2: false,
  limits: ['memory', 'pids'],
  gpuOptions: [],
};

describe('containerArguments', () => {
  test('no network, only the files and the scripts, both read-only, and no shell', () => {
    expect(containerArguments(plan)).toEqual([
      ...['run', '--rm', '--init', '--name', 'the-name', '--label', 'slurm-factory=smoke', '--user', '0:0'],
      ...['--label', 'slurm-factory.owner=host~boot~1~2~3'],
      ...['--network', 'none', '--hostname', 'node1', '--add-host', 'node1:192.0.2.1'],
      ...['--security-opt', 'no-new-privileges', '--cap-drop', 'ALL'],
      ...['--cap-add', 'SETGID', '--cap-add', 'SETUID', '--cap-add', 'CHOWN', '--cap-add', 'DAC_OVERRIDE'],
      ...['--cap-add', 'KILL', '--cap-add', 'NET_ADMIN', '--cap-add', 'SYS_NICE', '--cap-add', 'FOWNER'],
      ...['--pids-limit', '1024', '--memory', '2147483648'],
      ...Object.keys(noProxy).flatMap((name) => ['--env', `${name}=`]),
      ...['--mount', 'type=bind,source=/project/scripts,target=/smoke/scripts,readonly'],
      '--mount',
      'type=bind,source=/out/a-software.tar.gz,target=/smoke/files/a-software.tar.gz,readonly',
      ...['--mount', 'type=bind,"source=/odd,""out""/b",target=/smoke/files/b,readonly'],
      ...['--entrypoint', 'timeout', 'the:image'],
      ...['--kill-after=10', '300', 'bash', '/smoke/scripts/smoke.sh'],
      ...['--target', 'slurm-24.11.6-bookworm-amd64', '--files', '/smoke/files', '--prefix', '/srv/x'],
      ...['--modules', '/srv/modulefiles', '--address', '192.0.2.1', '--checks', 'install,srun'],
      ...['--forbidden', '__padding__', '--forbidden', '/store'],
    ]);
  });

  test('the right to mount its cgroup anew goes to machines with cgroup v2 alone, GPUs to targets for them', () => {
    const plain = containerArguments(plan);
    expect(plain).not.toContain('SYS_ADMIN');
    expect(plain).not.toContain('--gpus');
    const both = containerArguments({ ...plan, cgroup2: true, gpuOptions: ['--gpus', 'all'] });
    expect(both).toEqual(expect.arrayContaining(['SYS_ADMIN', 'private', '--gpus', 'all']));
    expect(both).not.toContain('--privileged');
  });
});

test('an engine that can limit nothing is asked for no limit', () => {
  const command = containerArguments({ ...plan, limits: [] });
  expect(command).not.toContain('--memory');
  expect(command).not.toContain('--pids-limit');
});

test('docs/smoke.md has the table of the rights, and each is shown by a check that there is', () => {
  const docs = readFileSync(join(import.meta.dirname, '../../../docs/smoke.md'), 'utf8');
  for (const { capability, reason, check } of rights) {
    expect(docs).toContain(`| \`${capability}\` | ${reason} | \`${check}\` |`);
    expect(promisedChecks(target, toolchain(), [])).toContain(check);
  }
});
