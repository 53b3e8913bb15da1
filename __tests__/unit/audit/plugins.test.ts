import { describe, expect, test } from '@jest/globals';
import { expectationFor } from '../../../src/audit/expectation.js';
import { promisedBy } from '../../../src/audit/plugins.js';
import { matches } from '../../../src/base/text.js';
import { layoutBelow } from '../../../src/container/layout.js';
import type { Gpu } from '../../../src/targets/gpus.js';
import { target } from '../../support/audit.js';
import { auditFacts, features, switchesWithout } from '../../support/fakes.js';
import { fittedToolchain } from '../../support/toolchains.js';

const files = (version: string, gpu: Gpu = 'none') =>
  promisedBy({ version, gpu }, features, { switches: switchesWithout() }).flatMap((promise) => promise.files);

describe('what a release promises starts with its series', () => {
  test.each<[string, string, boolean]>([
    ['sbin/sackd', '23.02.7', false],
    ['sbin/sackd', '23.11.0', true],
    ['lib/slurm/data_parser_v*.so', '22.05.11', false],
    ['lib/slurm/data_parser_v*.so', '23.02.0', true],
    ['lib/slurm/http_parser_libhttp_parser.so', '25.05.8', false],
    ['lib/slurm/http_parser_libhttp_parser.so', '26.05.3', true],
    ['lib/slurm/cgroup_v2.so', '22.05.2', true],
  ])('%s in %s: %s', (file, version, isPromised) => {
    expect(files(version).includes(file)).toBe(isPromised);
  });
});

test('each kind of GPU has its own plugin', () => {
  const gpu = (kind: Gpu) => files('24.11.6', kind).filter((file) => file.includes('gpu_'));
  expect(gpu('none')).toEqual([]);
  expect(gpu('cuda')).toEqual(['lib/slurm/gpu_nvml.so']);
  expect(gpu('rocm')).toEqual(['lib/slurm/gpu_rsmi.so']);
});

test('what a toolchain lacks is not promised, and nothing else is left out', () => {
  const version = { version: '25.11.7', gpu: 'none' } as const;
  const all = promisedBy(version, features, { switches: switchesWithout() });
  const some = promisedBy(version, features, { switches: switchesWithout(['jwt', 'restd']) });
  expect(some.flatMap(({ files }) => files)).not.toContain('lib/slurm/auth_jwt.so');
  const gone = all.filter(({ feature }) => !some.some((kept) => kept.feature === feature));
  expect(gone.map(({ feature }) => feature)).toEqual(['JSON web tokens', 'REST', 'REST', 'REST']);
});

test('a promise says what to look at', () => {
  const needs = (wanted: string) =>
    promisedBy({ version: '24.11.6', gpu: 'none' }, features, { switches: switchesWithout() }).find(
      ({ feature }) => feature === wanted,
    )?.needs;
  expect(needs('commands')).toBe('the build log');
  expect(needs('munge')).toBe('munge');
  expect(needs('REST')).toBe('http-parser, json-c and libjwt');
});

test('a star stands for a part of a name', () => {
  expect(matches('lib/slurm/openapi_*.so', 'lib/slurm/openapi_slurmctld.so')).toBe(true);
  expect(matches('lib/slurm/openapi_*.so', 'lib/slurm/openapi_x/y.so')).toBe(false);
  expect(matches('bin/srun', 'bin/srun.1')).toBe(false);
  expect(matches('lib/a.so', 'lib/axso')).toBe(false);
});

test('the expectation comes from toolchain and target', () => {
  const bookworm = fittedToolchain('bookworm');
  const arm = expectationFor(
    { ...target, arch: 'arm64', gpu: 'cuda' },
    bookworm,
    auditFacts,
    layoutBelow('/srv/build-1'),
  );
  expect(arm).toMatchObject({
    top: 'slurm-24.11.6-bookworm-arm64-cuda',
    packageManager: 'dpkg',
    machine: 'EM_AARCH64',
    interpreter: '/lib/ld-linux-aarch64.so.1',
    limits: { GLIBC: '2.36', GLIBCXX: '3.4.30' },
    forbidden: ['__spack_path_placeholder__', '/opt/slurm-factory', '/srv/build-1'],
  });
  expect(arm.systemLibraries).toEqual(expect.arrayContaining(['libc.so.6', 'libmunge.so.2']));
});
