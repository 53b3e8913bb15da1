import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ConfigurationError, InputError } from '../../../src/base/errors.js';
import { imageArguments, promisedChecks, smokeImage } from '../../../src/smoke/plan.js';
import { rights } from '../../../src/smoke/rights.js';
import { defaultChoice } from '../../../src/targets/feature-choice.js';
import type { Gpu } from '../../../src/targets/gpus.js';
import { switchesWithout, systemTarget, toolchain } from '../../support/fakes.js';
import { fittedToolchain } from '../../support/toolchains.js';

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
    const full = fittedToolchain('trixie', { ...defaultChoice, base: 'full' });
    const promised = promisedChecks({ ...target, gpu: 'all' }, full, ['lmod', 'tcl'], true);
    expect(functions.sort()).toEqual(promised.sort());
  });

  test('the module systems that are promised', () => {
    expect(checks).toEqual(expect.arrayContaining(['module-lmod', 'module-tcl']));
    expect(promisedChecks(target, toolchain(), ['lmod'])).not.toContain('module-tcl');
  });

  test('modules of further packages, where the tarball brings some', () => {
    expect(checks).not.toContain('packages-lmod');
    expect(promisedChecks(target, toolchain(), ['lmod'], true)).toContain('packages-lmod');
  });

  test.each<[Gpu, readonly string[], readonly string[]]>([
    ['none', [], []],
    ['cuda', [], ['gpu-nvml']],
    ['all', [], ['gpu-nvml', 'gpu-oneapi', 'gpu-rsmi']],
    ['all', ['oneapi'], ['gpu-nvml', 'gpu-rsmi']],
  ])('those of the GPUs that it is for: %s without %j', (gpu, without, expected) => {
    const found = promisedChecks({ ...target, gpu }, toolchain({ lacking: without }), []);
    expect(found.filter((check) => check.startsWith('gpu-'))).toEqual(expected);
  });

  test('nothing that the toolchain lacks', () => {
    const some = promisedChecks(target, { switches: switchesWithout(['jwt', 'pmix', 'restd']) }, [
      'lmod',
      'tcl',
    ]);
    const gone = ['mpi-pmix', 'jwt', 'rest', 'rest-accounting'];
    expect(checks.filter((check) => !some.includes(check))).toEqual(gone);
  });

  test('the smallest set has a cluster that runs jobs', () => {
    const minimal = fittedToolchain('bookworm', { ...defaultChoice, base: 'minimal' });
    const some = promisedChecks(target, minimal, ['lmod']);
    expect(some).toEqual(expect.arrayContaining(['munged', 'slurmctld', 'slurmd', 'srun', 'sbatch']));
    for (const gone of ['database', 'slurmdbd', 'sacct', 'lua', 'jwt', 'rest', 'mpi-pmix', 'contribs']) {
      expect(some).not.toContain(gone);
    }
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

test('docs/smoke.md has the table of the rights, and each is shown by a check that there is', () => {
  const docs = readFileSync(join(import.meta.dirname, '../../../docs/smoke.md'), 'utf8');
  for (const { capability, reason, check } of rights) {
    expect(docs).toContain(`| \`${capability}\` | ${reason} | \`${check}\` |`);
    expect(promisedChecks(target, toolchain(), [])).toContain(check);
  }
});
