import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { expectationFor } from '../../src/audit/expectation.js';
import { inventoryRequest } from '../../src/audit/run.js';
import { distributionCommand } from '../../src/bundle/ingredients.js';
import { makeManifest } from '../../src/bundle/manifest.js';
import { renderInstaller } from '../../src/bundle/modules.js';
import { ensurePackages } from '../../src/container/machine.js';
import { packageUrl, parseVersions } from '../../src/distro/distro.js';
import { distroOf } from '../../src/distro/distros.js';
import { environmentBase, resolveBuild } from '../../src/pipeline/resolve.js';
import { promisedChecks, smokeImage } from '../../src/smoke/plan.js';
import { renderEnvironment } from '../../src/spack/environment.js';
import { formatTarget } from '../../src/targets/identifier.js';
import { targetOf } from '../../src/targets/matrix.js';
import { imagePackages, parseToolchain } from '../../src/targets/toolchains.js';
import { buildRequest } from '../support/build.js';
import { auditFacts, fakeProcess, fakeProject, features, host, recordingLogger } from '../support/fakes.js';
import { fakeMachine } from '../support/machine.js';

// A distribution of RPM's world is data: this text, its Dockerfile, and nothing else of the project.

const rocky = parseToolchain(
  `
id: rockylinux9
name: Rocky Linux 9
os: {id: rocky, version: '9.4', spack: rocky9}
packageManager: rpm
base: {image: 'rockylinux:9', digest: 'sha256:${'d'.repeat(64)}'}
compiler: {name: gcc, version: '11.4.1', glibc: '2.34', glibcxx: '3.4.29'}
buildPackages: [ccache, gcc, gcc-c++, python3]
dependencies:
  - {spec: curl, package: libcurl-devel, runtime: libcurl}
  - {spec: mariadb-c-client, package: mariadb-connector-c-devel, runtime: mariadb-connector-c}
  - {spec: munge, package: munge-devel, runtime: munge-libs}
  - {spec: pmix, package: pmix-devel, runtime: pmix, opened: true}
tools:
  - {spec: gmake, package: make}
lacks: [http-parser, libjwt]
systemLibraries: [libc.so.6, libmunge.so.2]
smoke: {packages: [mariadb-server, munge]}
`,
  'toolchains/rockylinux9/toolchain.yaml',
  features,
);
const distro = distroOf(rocky.packageManager);
const target = targetOf(
  { release: { version: '24.11.6' }, toolchain: rocky, gpu: 'none', dependencies: 'system' },
  'amd64',
);
const identifier = 'slurm-24.11.6-rockylinux9-amd64';
const dnf = 'dnf install --assumeyes --setopt=install_weak_deps=False';

const planned = async () =>
  resolveBuild(
    await buildRequest({
      layers: [{ toolchain: 'rockylinux9', 'slurm-version': '24.11.6' }],
      project: fakeProject({
        toolchains: ['bookworm', 'rockylinux9'],
        loadToolchain: async () => ({ toolchain: rocky, dockerfile: 'FROM rockylinux:9\n' }),
      }),
    }),
    fakeMachine(),
  );

test('the plan is of its target', async () => {
  const plan = await planned();
  expect(plan.identifier).toBe(identifier);
  expect(plan.target).toEqual(target);
  expect(formatTarget(target)).toBe(identifier);
  expect(plan.image.toolchain.base.image).toBe('rockylinux:9');
});

test("the environment has rpm's versions as externals, and leaves out what the distribution lacks", async () => {
  const plan = await planned();
  const packages = [...rocky.dependencies, ...rocky.tools].map((item) => item.package);
  expect(distro.versionsCommand(packages).slice(0, 2)).toEqual(['rpm', '--query']);
  const versions = parseVersions(
    'libcurl-devel 7.76.1\nmariadb-connector-c-devel 3.2.6\nmunge-devel 0.5.13\npmix-devel 3.2.3\nmake 4.3\n',
  );
  const { spack } = parse(
    renderEnvironment({
      ...environmentBase(plan.options, plan.release, rocky, 'amd64'),
      layout: plan.hostLayout,
      versionOf: (item) => versions.get(item.package) ?? '',
      sourceMirror: undefined,
    }),
  );
  expect(spack.specs).toEqual(['slurm@=24-11-6-1 ~nvml ~oneapi ~rsmi ~debug ~jwt ~restd']);
  expect(spack.packages.pmix.externals).toEqual([{ spec: 'pmix@3.2.3', prefix: '/usr' }]);
  expect(spack.packages.gcc.externals[0].spec).toBe("gcc@11.4.1 languages:='c,cxx'");
});

test('the audit expects what it can have, and asks rpm for owners', () => {
  const expectation = expectationFor(target, rocky, auditFacts);
  const names = expectation.promised.map(({ feature }) => feature);
  expect(names).toContain('PMIx');
  expect(names).not.toContain('REST');
  expect(expectation.limits).toEqual({ GLIBC: '2.34', GLIBCXX: '3.4.29' });
  expect(inventoryRequest('/x.tar.gz', expectation).packageManager).toBe('rpm');
});

test("the smoke test's image is made by dnf, and its checks are of what the tarball has", () => {
  const image = smokeImage(rocky, ['libcurl', 'pmix'], undefined);
  expect(image.base).toBe(`rockylinux:9@sha256:${'d'.repeat(64)}`);
  expect(image.dockerfile).toContain(`RUN ${dnf} \${PACKAGES}`);
  expect(image.dockerfile).not.toMatch(/apt|dpkg/);
  expect(image.packages).toEqual(['libcurl', 'mariadb-server', 'munge', 'pmix']);
  const checks = promisedChecks(target, rocky, ['lmod']);
  expect(checks).toEqual(expect.arrayContaining(['mpi-pmix', 'sacct', 'lua']));
  for (const check of ['jwt', 'rest', 'rest-accounting']) expect(checks).not.toContain(check);
});

describe('what is handed out', () => {
  test('the manifest has the command for dnf', () => {
    const manifest = makeManifest({
      target,
      identifier,
      dependencies: 'system',
      contentKey: 'f'.repeat(64),
      spackCommit: '1'.repeat(40),
      packagesCommit: '2'.repeat(40),
      builder: 'b'.repeat(64),
      specs: [],
      runtimePackages: ['pmix', 'libcurl'],
      libraries: [],
      packageManager: rocky.packageManager,
      files: [],
    });
    expect(manifest).toMatchObject({
      target: identifier,
      toolchain: 'rockylinux9',
      runtimeInstall: `${dnf} libcurl pmix`,
    });
  });

  test('the installer asks rpm', () => {
    const template = readFileSync(new URL('../../templates/install.sh', import.meta.url), 'utf8');
    const contents = [{ path: 'bin', type: 'folder', mode: 0o755, sha256: null, target: null }] as const;
    const text = renderInstaller(template, target, rocky, ['libcurl'], contents);
    expect(text).toContain("os_id='rocky'\nos_version='9.4'\npackage_manager='rpm'");
  });

  test("the SBOM's packages are found by the distribution's own names", () => {
    const command = distributionCommand(rocky, ['pmix']);
    expect(command).toEqual(expect.arrayContaining(['rpm', 'gcc', 'glibc-devel', 'pmix-devel', 'pmix']));
    const item = { name: 'pmix', version: '3.2.3-5.el9', epoch: undefined, arch: 'x86_64', source: '' };
    expect(packageUrl(distro, rocky.os, item)).toBe(
      'pkg:rpm/rocky/pmix@3.2.3-5.el9?arch=x86_64&distro=rocky-9.4',
    );
  });
});

test('a machine of it that lacks a package is told the command', async () => {
  const process = fakeProcess((command) => ({ exitCode: command.at(-1) === 'pmix-devel' ? 1 : 0 }));
  const attempt = ensurePackages(rocky, host({ uid: 0 }), false, { process, logger: recordingLogger() });
  await expect(attempt).rejects.toMatchObject({
    hint: expect.stringContaining(`Install them: ${dnf} pmix-devel\n`),
  });
  expect(process.calls).toHaveLength(imagePackages(rocky).length);
});
