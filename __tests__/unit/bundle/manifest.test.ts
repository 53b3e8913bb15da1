import { expect, test } from '@jest/globals';
import { type ManifestContent, makeManifest, manifestSchema } from '../../../src/bundle/manifest.js';
import { systemTarget } from '../../support/fakes.js';

const file = (end: string) => ({
  name: `slurm-24.11.6-bookworm-amd64-cuda-${end}`,
  size: 3,
  sha256: '0'.repeat(64),
});

const facts: ManifestContent = {
  target: systemTarget({ gpu: 'cuda' }),
  identifier: 'slurm-24.11.6-bookworm-amd64-cuda',
  dependencies: 'system',
  features: ['lua', 'pmix'],
  contentKey: 'f'.repeat(64),
  spackCommit: '1'.repeat(40),
  packagesCommit: '2'.repeat(40),
  builder: 'b'.repeat(64),
  specs: [
    { name: 'slurm', version: '24-11-6-1', hash: 's'.repeat(32) },
    { name: 'munge', version: '0.5.15', hash: 'm'.repeat(32), external: '/usr' },
  ],
  runtimePackages: ['libmunge2', 'libc6'],
  libraries: [],
  files: [file('software.tar.gz'), file('smoke.xml'), file('install.sh'), file('sbom.spdx.json')],
};

test('the manifest says all that is known, sorted', () => {
  expect(makeManifest(facts)).toEqual({
    schema: 1,
    target: 'slurm-24.11.6-bookworm-amd64-cuda',
    slurmVersion: '24.11.6',
    toolchain: 'bookworm',
    arch: 'amd64',
    gpu: 'cuda',
    dependencies: 'system',
    contentKey: 'f'.repeat(64),
    spack: { commit: '1'.repeat(40), packagesCommit: '2'.repeat(40) },
    builder: 'b'.repeat(64),
    specs: [facts.specs[1], facts.specs[0]],
    runtimePackages: ['libc6', 'libmunge2'],
    files: [file('software.tar.gz'), file('install.sh')],
    sbom: file('sbom.spdx.json'),
    smoke: file('smoke.xml'),
  });
});

test('the order of what was found does not show', () => {
  const turned = {
    ...facts,
    specs: [...facts.specs].reverse(),
    runtimePackages: [...facts.runtimePackages].reverse(),
  };
  expect(JSON.stringify(makeManifest(turned))).toBe(JSON.stringify(makeManifest(facts)));
});

test('it is read back as it was written', () => {
  const manifest = makeManifest(facts);
  expect(manifestSchema.parse(JSON.parse(JSON.stringify(manifest)))).toEqual(manifest);
});

test.each([
  ['another schema', { schema: 2 }],
  ['a size that is none', { files: [{ name: 'a', size: 1.5, sha256: '0' }] }],
  ['missing specs', { specs: undefined }],
])('%s is refused', (_, change) => {
  expect(manifestSchema.safeParse({ ...makeManifest(facts), ...change }).success).toBe(false);
});

test('a source of its own is told whole, in one order, without what has no value', () => {
  const patches = [{ name: 'one.patch', sha256: '1'.repeat(64) }];
  const source = {
    patches,
    tag: undefined,
    commit: 'd'.repeat(40),
    repository: 'https://git.test/slurm.git',
  };
  const made = makeManifest({ ...facts, source });
  expect(JSON.stringify(made.source)).toBe(
    JSON.stringify({ repository: 'https://git.test/slurm.git', commit: 'd'.repeat(40), patches }),
  );
  expect(made.slurmVersion).toBe('24.11.6');
  expect(manifestSchema.parse(made)).toEqual(made);
  expect('source' in makeManifest(facts)).toBe(false);
});

test.each([
  ['a repository with a login', { repository: 'ssh://me@git.test/slurm.git' }],
  ['a short commit', { commit: 'abc' }],
  ['a patch in another folder', { patches: [{ name: '../x', sha256: '1'.repeat(64) }] }],
  ['more patches than there can be', { patches: Array(101).fill({ name: 'x', sha256: '1'.repeat(64) }) }],
])('a source with %s is refused', (_, change) => {
  const source = { commit: 'd'.repeat(40), patches: [], ...change };
  expect(manifestSchema.safeParse({ ...makeManifest(facts), source }).success).toBe(false);
});
