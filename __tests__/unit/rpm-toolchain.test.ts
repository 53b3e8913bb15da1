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
import { environmentBase } from '../../src/pipeline/key.js';
import { resolveBuild } from '../../src/pipeline/resolve.js';
import { imageArguments, promisedChecks, smokeImage } from '../../src/smoke/plan.js';
import { renderEnvironment } from '../../src/spack/environment.js';
import { defaultChoice } from '../../src/targets/feature-choice.js';
import { formatTarget } from '../../src/targets/identifier.js';
import { targetOf } from '../../src/targets/matrix.js';
import { imagePackages } from '../../src/targets/toolchains.js';
import { buildRequest } from '../support/build.js';
import { auditFacts, fakePorts, fakeProcess, fakeProject, host, recordingLogger } from '../support/fakes.js';
import { fakeMachine } from '../support/machine.js';
import { fittedToolchain, toolchainFile } from '../support/toolchains.js';

// A distribution of RPM's world is data: its toolchain.yaml, and nothing else of the project.

const id = 'rockylinux10';
const rocky = { ...fittedToolchain(id), base: { image: 'rocky:10', digest: `sha256:${'d'.repeat(64)}` } };
const distro = distroOf(rocky.packageManager);
const target = targetOf({
  release: { version: '24.11.6' },
  toolchain: rocky,
  gpu: 'none',
  dependencies: 'system',
  features: defaultChoice,
});
const identifier = 'slurm-24.11.6-rockylinux10-amd64';
const dnf = 'dnf install --assumeyes --setopt=install_weak_deps=False';

const planned = async () =>
  resolveBuild(
    await buildRequest({
      layers: [{ toolchain: 'rockylinux10', 'slurm-version': '24.11.6' }],
      project: fakeProject({
        toolchains: ['bookworm', 'rockylinux10'],
        loadToolchain: async () => ({ toolchain: rocky, dockerfile: toolchainFile('rpm.Dockerfile') }),
      }),
    }),
    fakePorts({ process: fakeMachine() }),
  );

test('the plan is of its target', async () => {
  const plan = await planned();
  expect(plan.identifier).toBe(identifier);
  expect(plan.target).toEqual(target);
  expect(formatTarget(target)).toBe(identifier);
  expect(plan.image.toolchain.base.image).toBe('rocky:10');
});

test("the environment has rpm's versions as externals, and leaves out what the distribution lacks", async () => {
  const plan = await planned();
  const packages = [...rocky.dependencies, ...rocky.tools].map((item) => item.package);
  expect(distro.versionsCommand(packages).slice(0, 2)).toEqual(['rpm', '--query']);
  const versions = parseVersions(
    packages.map((name) => `${name} ${name === 'pmix-devel' ? '4.2.8' : '1.2'}\n`).join(''),
  );
  const { spack } = parse(
    renderEnvironment({
      ...environmentBase(plan.options, plan.release, rocky, 'amd64', plan.own),
      layout: plan.hostLayout,
      versionOf: (item) => versions.get(item.package) ?? '',
      sourceMirror: undefined,
    }),
  );
  expect(spack.specs).toEqual(['slurm@=24-11-6-1 ~nvml ~oneapi ~rsmi ~debug ~jwt ~restd']);
  expect(spack.packages.pmix.externals).toEqual([{ spec: 'pmix@4.2.8', prefix: '/usr' }]);
  expect(spack.packages.gcc.externals[0].spec).toBe("gcc@14.3.1 languages:='c,c++'");
});

test('the audit expects what it can have, and asks rpm for owners', () => {
  const expectation = expectationFor(target, rocky, auditFacts);
  const names = expectation.promised.map(({ feature }) => feature);
  expect(names).toContain('PMIx');
  expect(names).not.toContain('REST');
  expect(expectation.limits).toEqual({ GLIBC: '2.39', GLIBCXX: '3.4.33' });
  expect(inventoryRequest('/x.tar.gz', expectation).packageManager).toBe('rpm');
});

test("the smoke test's image is made by dnf, and its checks are of what the tarball has", () => {
  const image = smokeImage(rocky, ['libcurl', 'pmix'], undefined);
  expect(image.base).toBe(`rocky:10@sha256:${'d'.repeat(64)}`);
  expect(image.dockerfile).toContain(`RUN ${dnf} --allowerasing \${PACKAGES}`);
  expect(image.dockerfile).not.toMatch(/apt|dpkg/);
  expect(image.packages).toEqual([...rocky.smoke.packages, 'libcurl', 'pmix'].sort());
  expect(imageArguments(image, image.base, {}, '/context')).toEqual(
    expect.arrayContaining(['REPOSITORY_PACKAGES=dnf-plugins-core epel-release', 'REPOSITORIES=crb']),
  );
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
      features: [],
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
      toolchain: 'rockylinux10',
      runtimeInstall: `${dnf} libcurl pmix`,
    });
  });

  test('the installer asks rpm', () => {
    const template = readFileSync(new URL('../../templates/install.sh', import.meta.url), 'utf8');
    const contents = [{ path: 'bin', type: 'folder', mode: 0o755, sha256: null, target: null }] as const;
    const text = renderInstaller(template, target, rocky, ['libcurl'], contents);
    expect(text).toContain("os_id='rocky'\nos_version='10'\npackage_manager='rpm'");
  });

  test("the SBOM's packages are found by the distribution's own names", () => {
    const command = distributionCommand(rocky, ['pmix']);
    expect(command).toEqual(expect.arrayContaining(['rpm', 'gcc', 'glibc-devel', 'pmix-devel', 'pmix']));
    const item = { name: 'pmix', version: '3.2.3-5.el9', epoch: undefined, arch: 'x86_64', source: '' };
    expect(packageUrl(distro, rocky.os, item)).toBe(
      'pkg:rpm/rocky/pmix@3.2.3-5.el9?arch=x86_64&distro=rocky-10',
    );
  });
});

test('a machine of it that lacks a package is told the command', async () => {
  const process = fakeProcess((command) => ({ exitCode: command.at(-1) === 'pmix-devel' ? 1 : 0 }));
  const attempt = ensurePackages(rocky, host({ uid: 0 }), false, { process, logger: recordingLogger() });
  await expect(attempt).rejects.toMatchObject({
    hint: expect.stringContaining(
      `Install them: ${dnf} dnf-plugins-core epel-release && dnf config-manager --set-enabled crb && ${dnf} pmix-devel\n`,
    ),
  });
  expect(process.calls).toHaveLength(imagePackages(rocky).length);
});
