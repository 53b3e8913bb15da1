import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { containerLayout, layoutBelow } from '../../../src/container/layout.js';
import {
  type EnvironmentRequest,
  padding,
  renderAround,
  renderEnvironment,
  rootSpec,
} from '../../../src/spack/environment.js';
import { toolchain } from '../../support/fakes.js';

const request: EnvironmentRequest = {
  spackVersion: '24-11-6-1',
  gpu: 'none',
  debug: false,
  arch: 'amd64',
  toolchain: toolchain(),
  layout: containerLayout,
  versionOf: (item) => ({ 'libdbus-1-dev': '1.14.10', 'libmunge-dev': '0.5.15' })[item.package] ?? '9.9',
  sourceMirror: undefined,
};
const rendered = (change: Partial<EnvironmentRequest> = {}) =>
  parse(renderEnvironment({ ...request, ...change })).spack;

test.each([
  ['none', 'slurm@=24-11-6-1 ~nvml ~oneapi ~rsmi ~debug'],
  ['cuda', 'slurm@=24-11-6-1 +nvml ~oneapi ~rsmi ~debug'],
  ['rocm', 'slurm@=24-11-6-1 ~nvml ~oneapi +rsmi ~debug'],
  ['all', 'slurm@=24-11-6-1 +nvml +oneapi +rsmi ~debug'],
] as const)('the root spec for gpu %s', (gpu, spec) => {
  expect(rootSpec({ ...request, gpu })).toBe(spec);
  expect(rendered({ gpu }).specs).toEqual([spec]);
});

test('the root spec says what the toolchain lacks', () => {
  const given = toolchain({ lacking: ['jwt', 'nvml', 'restd'] });
  expect(rootSpec({ ...request, toolchain: given })).toBe(
    'slurm@=24-11-6-1 ~nvml ~oneapi ~rsmi ~debug ~jwt ~restd',
  );
});

test('all kinds of GPU are those that the toolchain can have', () => {
  const given = toolchain({ lacking: ['oneapi'] });
  expect(rootSpec({ ...request, gpu: 'all', toolchain: given })).toBe(
    'slurm@=24-11-6-1 +nvml ~oneapi +rsmi ~debug',
  );
});

describe('the environment, read back', () => {
  test('builds nothing anew that the lock does not say, and into a padded tree', () => {
    const spack = rendered();
    expect(spack.concretizer).toMatchObject({ unify: true, reuse: false });
    expect(spack.view).toBe(false);
    expect(spack.bootstrap).toEqual({ enable: false });
    expect(spack.config).toMatchObject({
      install_tree: { root: '/opt/slurm-factory/store', padded_length: padding },
      build_stage: ['/opt/slurm-factory/stage'],
      checksum: true,
    });
  });

  test('our repository goes before the builtin one', () => {
    expect(Object.entries(rendered().repos)).toEqual([
      ['slurm_factory', expect.stringMatching(/^\/opt\/slurm-factory\/overlay\//)],
      ['builtin', expect.stringMatching(/^\/opt\/slurm-factory\/packages\//)],
    ]);
  });

  test.each([
    ['amd64', 'target=x86_64'],
    ['arm64', 'target=aarch64'],
  ] as const)('%s is required as %s: nothing of the CPU at hand', (arch, target) => {
    expect(rendered({ arch }).packages.all.require).toEqual([target]);
  });

  test("the distribution's libraries and tools are externals with version, variants and prefix", () => {
    const { packages } = rendered();
    const external = (spec: string, prefix = '/usr') => ({
      buildable: false,
      externals: [{ spec, prefix }],
    });
    expect(packages).toMatchObject({
      dbus: external('dbus@1.14.10 build_system=autotools'),
      munge: external('munge@0.5.15'),
      gmake: external('gmake@9.9'),
      gnuconfig: external('gnuconfig@9.9', '/usr/share/misc'),
    });
  });

  test('so is its compiler, with the languages it has', () => {
    expect(rendered().packages.gcc).toEqual({
      buildable: false,
      externals: [
        {
          spec: "gcc@12.2.0 languages:='c,c++,fortran'",
          prefix: '/usr',
          extra_attributes: {
            compilers: { c: '/usr/bin/gcc', cxx: '/usr/bin/g++', fortran: '/usr/bin/gfortran' },
          },
        },
      ],
    });
  });

  test('nothing else is configured for packages', () => {
    const names = ['all', 'dbus', 'gcc', 'gmake', 'gnuconfig', 'munge'];
    expect(Object.keys(rendered().packages).sort()).toEqual(names);
  });

  test('what is never built is said so, unless the distribution has it', () => {
    const { packages } = rendered({ toolchain: toolchain({ notBuilt: ['cuda', 'munge'] }) });
    expect(packages.cuda).toEqual({ buildable: false });
    expect(packages.munge.externals).toHaveLength(1);
  });

  test('what is required of a package comes with what is required of all', () => {
    const required = [{ package: 'curl', spec: 'libs:=shared' }];
    const { packages } = rendered({ toolchain: toolchain({ required }) });
    expect(packages.curl).toEqual({ require: ['target=x86_64', 'libs:=shared'] });
  });

  test('the build cache gets each package as it is built; what came from the cache, or was fetched, is read', () => {
    const packages = { source: false, binary: true, signed: false };
    expect(rendered().mirrors).toEqual({
      arrived: { url: 'file:///opt/slurm-factory/arrivals/build-cache', ...packages },
      built: { url: 'file:///opt/slurm-factory/build-cache', ...packages, autopush: true },
      fetched: { url: 'file:///opt/slurm-factory/fetched', source: true, binary: false },
    });
  });

  test.each(['https://mirror.test/a?b=c', 'file:///opt/slurm-factory/sources', "s3://it's: a #bucket"])(
    'a source mirror %j serves sources only',
    (sourceMirror) => {
      expect(rendered({ sourceMirror }).mirrors.sources).toEqual({
        url: sourceMirror,
        source: true,
        binary: false,
      });
    },
  );

  test('a folder with a name that YAML could misread stays a folder', () => {
    const layout = layoutBelow('/srv/a: b #c');
    expect(rendered({ layout }).config.install_tree.root).toBe('/srv/a: b #c/store');
  });
});

test('the same request gives the same text, and versions like 1.10 stay text', () => {
  expect(renderEnvironment(request)).toBe(renderEnvironment({ ...request }));
  expect(rendered({ versionOf: () => '1.10' }).packages.munge.externals[0].spec).toBe('munge@1.10');
});

test('what many targets have in common, with a root spec between, is the environment of each', () => {
  const parts = new Map<string, string>();
  for (const gpu of ['none', 'cuda'] as const) {
    const whole = { ...request, spackVersion: '24-11-6-1', gpu, debug: true };
    const { before, after } = renderAround(request, parts);
    expect(`${before}${rootSpec(whole)}${after}`).toBe(renderEnvironment(whole));
  }
});
