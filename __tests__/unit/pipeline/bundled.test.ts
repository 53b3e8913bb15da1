import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { manifestSchema } from '../../../src/bundle/manifest.js';
import { memoryCache } from '../../support/fakes.js';
import { build, resultsIn, spackVerbs } from '../../support/pipeline.js';

const bundled = { layers: [{ dependencies: 'bundled' }] };
const target = 'slurm-24.11.6-glibc2.34-amd64';

describe('a target that brings its libraries', () => {
  test('is named for its glibc, and tells what came into the tarball', async () => {
    const { report } = await build({ request: bundled });
    expect(report?.identifier).toBe(target);
    const manifest = manifestSchema.parse(JSON.parse(await readFile(report?.files.manifest ?? '', 'utf8')));
    expect(manifest).toMatchObject({
      target,
      toolchain: 'bookworm',
      dependencies: 'bundled',
      glibc: '2.34',
      libraries: [
        { name: 'libmunge-0123abcd.so.2', soname: 'libmunge.so.2', package: 'libmunge2', version: '1.2.3-1' },
      ],
      runtimePackages: ['libc6'],
    });
    const sbom = JSON.parse(await readFile(report?.files.sbom ?? '', 'utf8'));
    expect(sbom.relationships).toContainEqual({
      spdxElementId: 'SPDXRef-Tarball',
      relationshipType: 'CONTAINS',
      relatedSpdxElement: 'SPDXRef-Bundled-libmunge2',
    });
  });

  test('brings them between the copy of the tree and the tarballs', async () => {
    const { report } = await build({ request: bundled });
    const stages = report?.timings.map(({ stage }) => stage) ?? [];
    expect(stages.slice(stages.indexOf('tree'), stages.indexOf('pack') + 1)).toEqual([
      'tree',
      'graft',
      'pack',
    ]);
    const { report: system } = await build();
    expect(system?.timings.map(({ stage }) => stage)).not.toContain('graft');
  });

  test('compiles nothing that a system target of the release has compiled, and has a result of its own', async () => {
    const cache = memoryCache();
    await build({ cache });
    const { report, process } = await build({ cache, request: bundled });
    expect(report).toMatchObject({ cacheHit: 'build-cache', packages: { compiled: 0, fromCache: 2 } });
    expect(spackVerbs(process.lines)).toEqual(['install']);
    expect(resultsIn(cache).filter((name) => name.endsWith('-manifest.json'))).toEqual([
      'slurm-24.11.6-bookworm-amd64-manifest.json',
      `${target}-manifest.json`,
    ]);
  });

  test('is taken from the cache the next time', async () => {
    const cache = memoryCache();
    await build({ cache, request: bundled });
    const { report } = await build({ cache, request: bundled });
    expect(report?.cacheHit).toBe('result');
  });

  test('that lacks a library fails, and hands nothing out', async () => {
    const missing = [{ file: 'sbin/slurmctld', soname: 'libodd.so.1' }];
    const grafted = { schema: 1, libraries: [], host: [], missing, unlicensed: [] };
    const { error, report } = await build({ request: bundled, script: { grafted } });
    expect(error).toMatchObject({ exitCode: 5, message: expect.stringContaining('needs libodd.so.1') });
    expect(report).toBeUndefined();
  });
});
