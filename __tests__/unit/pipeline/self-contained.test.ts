import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { manifestSchema } from '../../../src/bundle/manifest.js';
import type { RawInputs } from '../../../src/config/inputs.js';
import {
  fakeProject,
  memoryCache,
  projectToolchain,
  selfContained as rules,
  writeFiles,
} from '../../support/fakes.js';
import { graftAnswer, hashes, lockText, type MachineScript } from '../../support/machine.js';
import { build, spackVerbs } from '../../support/pipeline.js';

const library = (spec: string) => ({
  spec,
  package: `lib${spec}-dev`,
  also: [],
  prefix: '/usr',
  opened: false,
});
const toolchain = {
  ...projectToolchain(),
  dependencies: [...projectToolchain().dependencies, library('curl'), library('readline')],
};
const project = fakeProject({ loadToolchain: async () => ({ toolchain, dockerfile: 'FROM scratch\n' }) });
const request = (inputs: RawInputs = {}) => ({
  project,
  layers: [{ dependencies: 'self-contained', ...inputs }],
});

/** A Spack whose lock has Slurm link what the fake one builds, and a graft script that brings it. */
function scripted() {
  const lock = JSON.parse(lockText);
  const edge = { hash: hashes.nvml, parameters: { deptypes: ['build', 'link'] } };
  lock.concrete_specs[hashes.slurm].dependencies = [edge];
  const asked: Record<string, unknown>[] = [];
  const environments: string[] = [];
  const script: MachineScript = {
    answer: async (words, folders) => {
      if (!words.includes('concretize')) return undefined;
      environments.push(await readFile(`${folders['environment']}/spack.yaml`, 'utf8'));
      await writeFiles(folders['environment'] ?? '', { 'spack.lock': JSON.stringify(lock) });
      return {};
    },
    grafted: (question) => {
      asked.push(question);
      const [munge] = graftAnswer.libraries;
      const own = { soname: 'libnvml.so.1', name: 'libnvml-01234567.so.1', package: null, spec: hashes.nvml };
      return { ...graftAnswer, libraries: [munge, { ...munge, ...own }] as typeof graftAnswer.libraries };
    },
  };
  return { script, asked, environments };
}

const manifestOf = async (path: string | undefined) =>
  manifestSchema.parse(JSON.parse(await readFile(path ?? '', 'utf8')));

describe('a target with libraries that Spack builds', () => {
  test('tells which came, and from which spec', async () => {
    const { script, asked } = scripted();
    const { report, error } = await build({ request: request(), script });
    expect(error).toBeUndefined();
    expect(report?.identifier).toBe('slurm-24.11.6-glibc2.34-amd64-self-contained');
    const manifest = await manifestOf(report?.files.manifest);
    expect(manifest.libraries).toEqual([
      { name: 'libmunge-0123abcd.so.2', soname: 'libmunge.so.2', package: 'libmunge2', version: '1.2.3-1' },
      { name: 'libnvml-01234567.so.1', soname: 'libnvml.so.1', spec: 'nvml', version: '12.9' },
    ]);
    expect(manifest.externals).toBeUndefined();
    const sbom = JSON.parse(await readFile(report?.files.sbom ?? '', 'utf8'));
    expect(sbom.relationships).toContainEqual({
      spdxElementId: 'SPDXRef-Tarball',
      relationshipType: 'CONTAINS',
      relatedSpdxElement: `SPDXRef-Spec-nvml-${hashes.nvml.slice(0, 7)}`,
    });
    expect(asked).toEqual([
      expect.objectContaining({
        built: [{ name: 'nvml', version: '12.9', hash: hashes.nvml, prefix: expect.stringMatching(/nvml$/) }],
        sources: ['/opt/slurm-factory/fetched', '/opt/slurm-factory/sources'],
        licences: rules.licences,
      }),
    ]);
  });

  test('has of the distribution what is named, which is in name and manifest', async () => {
    const { script, environments } = scripted();
    const { report } = await build({ request: request({ externals: 'readline munge' }), script });
    expect(report?.identifier).toMatch(/^slurm-24\.11\.6-glibc2\.34-amd64-self-contained\.x[0-9a-f]{12}$/);
    expect((await manifestOf(report?.files.manifest)).externals).toEqual(['readline']);
    expect(environments[0]).toMatch(/\n {4}readline:\n {6}buildable: false\n/);
    expect(environments[0]).toMatch(/\n {4}curl:\n {6}require:\n {8}- target=x86_64\n/);
  });

  test('differs by its externals: no result of the other is handed out', async () => {
    const cache = memoryCache();
    const names = ['', 'curl', 'curl readline', 'readline curl dbus'];
    const reports = [];
    for (const externals of names) {
      reports.push(
        (await build({ cache, request: request({ externals }), script: scripted().script })).report,
      );
    }
    expect(reports.map((report) => report?.cacheHit === 'result')).toEqual([false, false, false, true]);
    expect(new Set(reports.map((report) => report?.identifier)).size).toBe(3);
    expect(new Set(reports.map((report) => report?.contentKey)).size).toBe(3);
  });

  test('needs the sources for their licences, also of packages that are in the build cache', async () => {
    const cache = memoryCache();
    await build({ cache, request: request(), script: scripted().script });
    for (const key of cache.entries.keys()) if (key.includes('-result-')) cache.entries.delete(key);
    const { process, report } = await build({ cache, request: request(), script: scripted().script });
    expect(report?.packages).toMatchObject({ compiled: 0, fromCache: 2 });
    expect(spackVerbs(process.lines)).toEqual(['install']);
    const fetched = process.lines.filter((line) => / fetch /.test(line) && line.includes('/bin/spack'));
    expect(fetched).toEqual([expect.stringMatching(new RegExp(`fetch /${hashes.nvml}$`))]);
  });

  test('is not built where names are wrong: all are told at once', async () => {
    const { error } = await build({ request: request({ externals: 'crul redline', jobs: 'many' }) });
    expect(error).toMatchObject({
      exitCode: 2,
      problems: expect.arrayContaining([
        { input: 'externals', message: expect.stringMatching(/'crul' \(.*curl.*'redline' \(.*readline/) },
        { input: 'jobs', message: expect.any(String) },
      ]),
    });
  });
});
