import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as errors from '../../../src/base/errors.js';
import { exists, sha256 } from '../../../src/base/files.js';
import { resultFiles } from '../../../src/bundle/catalogue.js';
import { manifestSchema } from '../../../src/bundle/manifest.js';
import { verifySums } from '../../../src/bundle/sums.js';
import { brokenCache, fakeProject, memoryCache, readFiles } from '../../support/fakes.js';
import { debugFolders, hashes, type MachineScript, packedTree, slurmPrefix } from '../../support/machine.js';
import { afterwards, build, inspections, resultsIn, spackVerbs, target } from '../../support/pipeline.js';

describe('from nothing', () => {
  test('the tarballs, a manifest and sums that hold are handed out', async () => {
    const { report, ports, request } = await build();
    expect(report).toMatchObject({
      identifier: 'slurm-24.11.6-bookworm-amd64',
      slurmVersion: '24.11.6',
      cacheHit: 'none',
      packages: { external: 1, fromCache: 0, compiled: 2 },
      runtimePackages: ['libc6', 'libmunge2'],
      outputDir: join(request.cwd, 'slurm-factory-output'),
    });
    const folder = report?.outputDir ?? '';
    const files = await readFiles(folder);
    const names = Object.values(report?.files ?? {}).map((file) => basename(file));
    expect(names.sort()).toEqual(
      [...Object.values(resultFiles(target)), `${target}-smoke.xml`, `${target}-spack.lock`].sort(),
    );
    expect(Object.keys(files).sort()).toEqual([...names].sort());
    expect(report?.described.map((file) => file.name).sort()).toEqual([...names].sort());
    expect((await verifySums(folder, 'slurm-24.11.6-bookworm-amd64-SHA256SUMS')).sort()).toEqual(
      names.filter((name) => !name.endsWith('SHA256SUMS')).sort(),
    );
    expect(files['slurm-24.11.6-bookworm-amd64-software.tar.gz']).toContain(`tarball of ${packedTree}`);
    const manifest = manifestSchema.parse(JSON.parse(await readFile(report?.files.manifest ?? '', 'utf8')));
    expect(manifest).toMatchObject({ contentKey: report?.contentKey, slurmVersion: '24.11.6' });
    expect(manifest.specs.map((spec) => spec.name)).toEqual(['munge', 'nvml', 'slurm']);
    expect(manifest.runtimePackages).toEqual(['libc6', 'libmunge2']);
    expect(manifest.files.map((file) => file.name).sort()).toEqual(
      ['install.sh', 'modules.tar.gz', 'software.tar.gz', 'spack.lock'].map((end) => `${target}-${end}`),
    );
    expect(manifest.sbom?.name).toBe(`${target}-sbom.spdx.json`);
    expect(ports.artifacts.uploads.map((upload) => upload.name).sort()).toEqual(Object.keys(files).sort());
  });

  test('the SBOM names the tarball by its sum, the lock and what is needed at run time', async () => {
    const { report } = await build();
    const sbom = JSON.parse(await readFile(report?.files.sbom ?? '', 'utf8'));
    const software = report?.described.find((file) => file.name.endsWith('-software.tar.gz'));
    expect(sbom.packages[0]).toMatchObject({
      packageFileName: software?.name,
      checksums: [{ algorithm: 'SHA256', checksumValue: software?.sha256 }],
    });
    const names = sbom.packages.map((item: { name: string }) => item.name);
    expect(names).toEqual(expect.arrayContaining(['slurm', 'nvml', 'libmunge2', 'libc6']));
    expect(JSON.stringify(sbom)).toContain('https://nvml.test/nvml.whl');
  });

  test('the stages come in their order: nothing is described or tested that failed its audit', async () => {
    const { report, process } = await build();
    expect(report?.timings.map((timing) => timing.stage)).toEqual([
      ...['resolve', 'find-result', 'preflight', 'tools', 'session', 'lock', 'install', 'tree', 'pack'],
      ...['audit', 'describe', 'smoke', 'complete', 'hand-out', 'upload'],
    ]);
    const steps = ['concretize', ' install ', 'tar --create', 'elf_inventory', '${Architecture}', '--checks'];
    const places = steps.map((step) => process.lines.findIndex((line) => line.includes(step)));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  test('the container is removed, and of the build nothing is left but clones and results', async () => {
    const { process, request } = await build();
    const name = /--name (slurm-factory-\S+)/.exec(
      process.lines.find((line) => line.startsWith('docker run')) ?? '',
    );
    expect(afterwards(process.lines)).toEqual([
      `docker rm --force --volumes ${name?.[1]}`,
      `docker rm --force --volumes ${name?.[1]}-smoke`,
    ]);
    expect(await readdir(request.workRoot)).toEqual(['clones']);
  });

  test('all that is worth keeping goes to the cache', async () => {
    const cache = memoryCache();
    await build({ cache });
    const kinds = [...cache.entries.keys()]
      .map((key) => /^slurm-factory-v\d+-open-([a-z]+)-/.exec(key)?.[1])
      .sort();
    expect(kinds).toEqual(['ccache', 'index', 'lock', 'package', 'package', 'result']);
    const index = [...cache.entries].find(([key]) => key.includes('-index-'))?.[1];
    // What Spack knows of the packages, not what it made of one environment.
    expect([...(index?.keys() ?? [])].sort()).toEqual(['ENTRY.sha256', 'providers/builtin.json']);
  });
});

describe('the second time', () => {
  test('the result comes from the cache: no container, no Spack, the same bytes', async () => {
    const cache = memoryCache();
    const first = await build({ cache });
    const bytes = await readFiles(first.report?.outputDir ?? '');
    const second = await build({ cache });
    expect(second.report).toMatchObject({ cacheHit: 'result', packages: undefined, smoke: undefined });
    expect(second.process.lines.filter((line) => !line.startsWith('docker version'))).toEqual([]);
    expect(second.report?.caches).toMatchObject([{ kind: 'result', name: target, outcome: 'restored' }]);
    expect(second.record?.cacheUses).toEqual(second.report?.caches);
    expect(await readFiles(second.report?.outputDir ?? '')).toEqual(bytes);
    expect(Object.keys(bytes)).toContain(`${target}-smoke.xml`);
    expect(second.report?.described).toEqual(first.report?.described);
    expect(second.report?.runtimePackages).toEqual(first.report?.runtimePackages);
    expect(second.ports.artifacts.uploads.map((upload) => upload.name).sort()).toEqual(
      Object.keys(bytes).sort(),
    );
  });

  test('a result from the cache is neither audited nor tested again', async () => {
    const cache = memoryCache();
    const first = await build({ cache });
    expect(inspections(first.process.lines).length).toBeGreaterThan(3);
    const second = await build({ cache });
    expect(inspections(second.process.lines)).toEqual([]);
    expect(second.report?.timings.map((timing) => timing.stage)).toEqual([
      ...['resolve', 'find-result', 'hand-out', 'upload'],
    ]);
  });

  test('a machine without any engine is served from the cache', async () => {
    const cache = memoryCache();
    await build({ cache });
    const down = { answer: () => ({ exitCode: 127 }) };
    expect((await build({ cache, script: down })).report?.cacheHit).toBe('result');
    const empty = await build({ script: down });
    expect(empty.error).toBeInstanceOf(errors.NoEngineError);
  });

  test.each<[string, (key: string) => boolean, string[], object, string[]]>([
    [
      'without the result, lock and packages are',
      (key) => key.includes('-result-'),
      ['install'],
      { cacheHit: 'build-cache', packages: { external: 1, fromCache: 2, compiled: 0 } },
      [],
    ],
    [
      'without the lock it is made again',
      (key) => /-(result|lock)-/.test(key),
      ['concretize', 'install'],
      { cacheHit: 'build-cache', packages: { external: 1, fromCache: 2, compiled: 0 } },
      ['index'],
    ],
    [
      'without one package, that one is compiled',
      (key) => key.includes('-result-') || key.endsWith(hashes.slurm),
      ['install'],
      { cacheHit: 'none', packages: { external: 1, fromCache: 1, compiled: 1 } },
      // Spack looks its patches up.
      ['ccache', 'index'],
    ],
  ])('%s', async (_, gone, verbs, expected, forSpack) => {
    const cache = memoryCache();
    await build({ cache });
    for (const key of [...cache.entries.keys()].filter(gone)) cache.entries.delete(key);
    const second = await build({ cache });
    expect(second.report).toMatchObject(expected);
    expect(spackVerbs(second.process.lines)).toEqual(verbs);
    const uses = second.report?.caches.filter(({ kind }) => kind === 'ccache' || kind === 'index') ?? [];
    expect(uses.map(({ kind }) => kind).sort()).toEqual(forSpack);
    for (const { outcome } of uses) expect(outcome).toBe('restored');
    expect(second.ports.logger.of('warning')).toEqual([]);
  });

  test.each(['software.tar.gz', 'install.sh', 'sbom.spdx.json', 'manifest.json', 'SHA256SUMS'])(
    'a cached result with a damaged %s is told, and built again',
    async (name) => {
      const cache = memoryCache();
      await build({ cache });
      for (const [key, content] of cache.entries) {
        if (!key.includes('-result-')) continue;
        for (const file of content.keys()) if (file.endsWith(name)) content.set(file, Buffer.from('damaged'));
      }
      const second = await build({ cache });
      expect(second.report?.cacheHit).toBe('build-cache');
      expect(second.ports.logger.of('warning').join('\n')).toMatch(/damaged|fails its checks/);
      expect(
        await verifySums(second.report?.outputDir ?? '', basename(second.report?.files.sums ?? '')),
      ).toHaveLength(7);
      // The damaged entry stays in the way of nobody.
      expect((await build({ cache })).report?.cacheHit).toBe('result');
    },
  );

  test('a cached result whose sums leave a file out fails its checks, and is built again', async () => {
    const cache = memoryCache();
    await build({ cache });
    for (const [key, content] of cache.entries) {
      if (!key.includes('-result-')) continue;
      const sums = `${target}-SHA256SUMS`;
      const text = String(content.get(sums)).replace(/^.*sbom\.spdx\.json\n/m, '');
      content.set(sums, Buffer.from(text));
      const entry = String(content.get('ENTRY.sha256')).replace(/^\S+(?= {2}\S*-SHA256SUMS$)/m, sha256(text));
      content.set('ENTRY.sha256', Buffer.from(entry));
    }
    const second = await build({ cache });
    expect(second.report?.cacheHit).toBe('build-cache');
    expect(second.ports.logger.of('warning')).toEqual([
      expect.stringMatching(/fails its checks.*\n.*sbom\.spdx\.json: is not in .*SHA256SUMS/),
    ]);
    expect((await build({ cache })).report?.cacheHit).toBe('result');
  });

  test('with cache: false nothing of it is used or kept', async () => {
    const cache = memoryCache();
    await build({ cache });
    const before = cache.entries.size;
    const second = await build({ cache, request: { layers: [{ cache: 'false' }] } });
    expect(second.report).toMatchObject({ cacheHit: 'none', packages: { compiled: 2 } });
    expect(cache.entries.size).toBe(before);
  });
});

test('a cache service that is down costs warnings, not the build', async () => {
  const { report, ports } = await build({ cache: brokenCache });
  expect(report?.cacheHit).toBe('none');
  expect(ports.logger.of('warning').every((line) => line.includes('503 Service Unavailable'))).toBe(true);
  expect(ports.logger.of('warning').length).toBeGreaterThan(0);
});

test('a release with known vulnerabilities is built, with one warning', async () => {
  const advisories = [{ ids: ['CVE-2030-1234'], mended: ['24.11.7'], source: '' }];
  const { report, ports } = await build({ request: { project: fakeProject({ advisories }) } });
  expect(report?.slurmVersion).toBe('24.11.6');
  expect(ports.logger.of('warning')).toEqual([
    'Slurm 24.11.6 has known vulnerabilities (CVE-2030-1234); mended in 24.11.7.',
  ]);
});

test('upload: false uploads nothing', async () => {
  const { report, ports } = await build({ request: { layers: [{ upload: 'false' }] } });
  expect(report?.artifacts).toEqual([]);
  expect(ports.artifacts.uploads).toEqual([]);
});

describe('debug files', () => {
  test('debug: true makes a third tarball, which is summed, listed, cached and uploaded like the others', async () => {
    const cache = memoryCache();
    const { report, ports, process } = await build({ cache, request: { layers: [{ debug: 'true' }] } });
    const name = `${target}-debug.tar.gz`;
    const files = await readFiles(report?.outputDir ?? '');
    expect(files[name]).toContain(`tarball of ${[...debugFolders].sort().join(' ')} of ${slurmPrefix}`);
    expect(report?.described.map((file) => file.name)).toContain(name);
    expect(await verifySums(report?.outputDir ?? '', `${target}-SHA256SUMS`)).toContain(name);
    const manifest = manifestSchema.parse(JSON.parse(files[`${target}-manifest.json`] ?? ''));
    expect(manifest.files.map((file) => file.name)).toContain(name);
    expect(resultsIn(cache)).toContain(name);
    expect(ports.artifacts.uploads.map((upload) => upload.name)).toContain(name);
    // They lie beside the programs, and must not be in the software tarball too.
    const software = process.calls.find(({ options }) =>
      /-software\.tar\.gz$/.test(options.stdoutFile ?? ''),
    );
    expect(software?.command).toContain(packedTree);
    const second = await build({ cache, request: { layers: [{ debug: 'true' }] } });
    expect(second.report?.cacheHit).toBe('result');
    expect(await exists(join(second.report?.outputDir ?? '', name))).toBe(true);
  });

  test('without it nothing is looked for', async () => {
    const { report, process } = await build();
    expect(process.lines.some((line) => / find .*-type d/.test(line))).toBe(false);
    expect(report?.described.map((file) => file.name)).not.toContain(`${target}-debug.tar.gz`);
  });

  test('a build that left none is told', async () => {
    const script: MachineScript = { answer: (words) => (words[0] === 'find' ? {} : undefined) };
    const { error } = await build({ script, request: { layers: [{ debug: 'true' }] } });
    expect(error).toBeInstanceOf(errors.PackagingError);
    expect(String(error)).toContain('no debug files');
  });
});
