import { rm, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, describe as group, test } from '@jest/globals';
import { PlainFileError } from '../../../../src/base/safe.js';
import { checkResult } from '../../../../src/bundle/check.js';
import { noFurther } from '../../../../src/bundle/further.js';
import { manifestSchema } from '../../../../src/bundle/manifest.js';
import { verifySums } from '../../../../src/bundle/sums.js';
import { addFile, describe } from '../../../../src/pipeline/stages/describe.js';
import { pack } from '../../../../src/pipeline/stages/pack.js';
import { parseLock } from '../../../../src/spack/lock.js';
import { smokeXml } from '../../../support/bundle.js';
import { readFiles } from '../../../support/fakes.js';
import { hashes, lockText, type MachineScript, packedTree, slurmPrefix } from '../../../support/machine.js';
import { stageBench } from '../../../support/stage.js';

const target = 'slurm-24.11.6-bookworm-amd64';
const ingredients = {
  lock: parseLock(lockText),
  lockFile: lockText,
  prefix: slurmPrefix,
  furtherPrefixes: [],
  runtimePackages: ['libmunge2', 'libc6'],
  grafted: { libraries: [], updates: [] },
  further: noFurther,
  neededLibraries: [],
  contents: [
    { path: 'bin', type: 'folder', mode: 0o755, sha256: null, target: null },
    { path: 'bin/srun', type: 'file', mode: 0o755, sha256: '0'.repeat(64), target: null },
  ] as const,
};

/** A build whose tarballs are made. */
async function packedBench(script: MachineScript = {}) {
  const bench = await stageBench({}, script);
  const { plan, project, session } = bench;
  const packed = await pack(plan, project, session, { prefix: slurmPrefix, tree: packedTree });
  const run = (change: Partial<typeof ingredients> = {}) =>
    describe(plan, project, session, packed, { ...ingredients, ...change });
  return { ...bench, packed, describe: run };
}

group('describe', () => {
  test('makes a whole result of the tarballs, in a folder that no container sees', async () => {
    const { plan, packed, describe } = await packedBench();
    const { folder } = await describe();
    expect(folder).toBe(join(plan.buildFolder, 'result'));
    const files = await readFiles(folder);
    const written = await readFiles(packed.host);
    expect(files[`${target}-software.tar.gz`]).toBe(written[`${target}-software.tar.gz`]);
    const { manifest } = await checkResult(folder, target, { exact: true, contentKey: plan.contentKey });
    expect(manifest).toMatchObject({
      target,
      builder: plan.builder,
      spack: { commit: plan.pins.spack.commit, packagesCommit: plan.pins.packages.commit },
      runtimePackages: ['libc6', 'libmunge2'],
      runtimeInstall: 'apt-get install --yes --no-install-recommends libc6 libmunge2',
    });
    expect(manifest.specs.find(({ name }) => name === 'munge')?.external).toBe('/usr');
    expect((await stat(join(folder, `${target}-install.sh`))).mode & 0o777).toBe(0o755);
    expect((await stat(join(folder, `${target}-software.tar.gz`))).mode & 0o777).toBe(0o644);
  });

  test('further packages are in the manifest, with where they lie', async () => {
    const { plan, describe } = await packedBench();
    const { root } = ingredients.lock;
    const path = 'packages/linux/openmpi';
    const lock = { ...ingredients.lock, further: [root] };
    const further = { ...noFurther, width: 128, packages: [{ hash: root.hash, path }] };
    const { folder } = await describe({ lock, further });
    const { manifest } = await checkResult(folder, target, { exact: true, contentKey: plan.contentKey });
    const { name: spec, version, hash } = root;
    expect(manifest.packages).toEqual([{ spec, version, hash, path, asked: true }]);
  });

  test("asks the distribution and Spack's document, the latter for no more than can be read", async () => {
    const { commands, describe } = await packedBench();
    await describe();
    expect(commands()).toContainEqual(['head', '-c', '67108864', `${slurmPrefix}/.spack/sbom/spdx-2.3.json`]);
    const asked = commands().find((words) => words[0] === 'dpkg-query');
    expect(asked).toEqual(expect.arrayContaining(['libc6', 'libmunge2']));
  });

  test('the manifest has what configure found out, where Spack kept it', async () => {
    const header = `#define HAVE_JWT 1\n#define PAM_DIR "${slurmPrefix}/lib/security"\n`;
    const path = `${slurmPrefix}/.spack/archived-files/spack-src/config.h`;
    const { describe } = await packedBench({
      answer: (words) => (words[0] === 'head' && words.at(-1) === path ? { stdout: header } : undefined),
    });
    const { folder } = await describe();
    const { manifest } = await checkResult(folder, target, { exact: true });
    expect(manifest.configure).toEqual([
      { name: 'HAVE_JWT', value: '1' },
      { name: 'PAM_DIR', value: '"@prefix@/lib/security"' },
    ]);
  });

  test.each<[string, MachineScript]>([
    ['is missing', { answer: (words) => (words[0] === 'head' ? { exitCode: 1 } : undefined) }],
    ['is cut off', { answer: (words) => (words[0] === 'head' ? { stdout: '{"packages": [{' } : undefined) }],
  ])("without Spack's document, which %s, the SBOM has no sources of packages", async (_, script) => {
    const { describe } = await packedBench(script);
    const { folder } = await describe();
    const sbom = JSON.parse((await readFiles(folder))[`${target}-sbom.spdx.json`] ?? '');
    const nvml = sbom.packages.find((item: { name: string }) => item.name === 'nvml');
    expect(nvml.downloadLocation).toBe('NOASSERTION');
    expect(JSON.stringify(sbom)).toContain(hashes.slurm);
  });

  test("a link in a tarball's place is not followed", async () => {
    const { packed, describe } = await packedBench();
    const tarball = join(packed.host, `${target}-modules.tar.gz`);
    await rm(tarball);
    await symlink('/etc/passwd', tarball);
    await expect(describe()).rejects.toThrow(PlainFileError);
  });
});

test('addFile: the manifest and the sums name what was added, and all else stays', async () => {
  const { describe } = await packedBench();
  const described = await describe();
  const before = await readFiles(described.folder);
  await addFile(described, 'smoke', smokeXml(target));
  const after = await readFiles(described.folder);
  expect(after[`${target}-smoke.xml`]).toBe(smokeXml(target));
  const manifest = manifestSchema.parse(JSON.parse(after[`${target}-manifest.json`] ?? ''));
  const { smoke, ...others } = manifest;
  expect(smoke?.name).toBe(`${target}-smoke.xml`);
  expect(others).toEqual(JSON.parse(before[`${target}-manifest.json`] ?? ''));
  expect(await verifySums(described.folder, `${target}-SHA256SUMS`)).toContain(`${target}-smoke.xml`);
  await checkResult(described.folder, target, { exact: true, tested: true });
});
