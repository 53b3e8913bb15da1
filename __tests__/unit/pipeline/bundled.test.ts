import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { manifestSchema } from '../../../src/bundle/manifest.js';
import type { RawInputs } from '../../../src/config/inputs.js';
import { fakeWeb, memoryCache } from '../../support/fakes.js';
import { graftAnswer, type MachineScript } from '../../support/machine.js';
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
    const script = { grafted: () => ({ ...graftAnswer, libraries: [], missing }) };
    const { error, report } = await build({ request: bundled, script });
    expect(error).toMatchObject({ exitCode: 5, message: expect.stringContaining('needs libodd.so.1') });
    expect(report).toBeUndefined();
  });
});

/** A security archive that has a newer libmunge2 than the image, and a graft script that takes it. */
const archive = () =>
  fakeWeb('Package: libmunge2\nVersion: 1.2.3-1+deb12u1\n\nPackage: unrelated\nVersion: 99\n');
const updated: MachineScript = {
  grafted: ({ outdated, updates }) => {
    const item = { name: 'libmunge2', version: '1.2.3-1+deb12u1', arch: 'amd64', source: 'munge 1.2.3' };
    if (updates !== null) return { ...graftAnswer, updates: [item] };
    return outdated.includes('libmunge2') ? { ...graftAnswer, wanted: ['libmunge2'] } : graftAnswer;
  },
};

const versionsOf = async (path: string | undefined) => {
  const { libraries } = manifestSchema.parse(JSON.parse(await readFile(path ?? '', 'utf8')));
  return libraries?.map(({ version }) => version);
};

describe('a security update of what a tarball brings', () => {
  test('is downloaded with the keys of the distribution, and is what the tarball gets', async () => {
    const { report, process, ports } = await build({ web: archive(), request: bundled, script: updated });
    expect(await versionsOf(report?.files.manifest)).toEqual(['1.2.3-1+deb12u1']);
    const sbom = await readFile(report?.files.sbom ?? '', 'utf8');
    expect(sbom).toContain('pkg:deb/debian/libmunge2@1.2.3-1%2Bdeb12u1');
    const [fetched] = process.lines.filter((line) => line.includes('apt-get download'));
    // In the container that has the network, and nowhere else.
    expect(fetched).toMatch(/--env APT_CONFIG slurm-factory-build-\S+-fetch apt-get download libmunge2$/);
    expect(ports.logger.of('info').join('\n')).toContain('libmunge2 1.2.3-1 → 1.2.3-1+deb12u1');
  });

  test('is asked for once a build, of the security archive', async () => {
    const web = archive();
    await build({ web, request: bundled, script: updated });
    expect(web.asked).toEqual([
      'https://deb.debian.org/debian-security/dists/bookworm-security/main/binary-amd64/Packages.xz',
    ]);
  });

  test('ends the use of the cached result, and of nothing else: Slurm is not compiled again', async () => {
    const cache = memoryCache();
    await build({ cache, request: bundled });
    const { report, ports, process } = await build({
      web: archive(),
      cache,
      request: bundled,
      script: updated,
    });
    expect(report).toMatchObject({ cacheHit: 'build-cache', packages: { compiled: 0, fromCache: 2 } });
    expect(spackVerbs(process.lines)).toEqual(['install']);
    expect(await versionsOf(report?.files.manifest)).toEqual(['1.2.3-1+deb12u1']);
    expect(ports.logger.of('notice').join('\n')).toMatch(
      /cached result is not used[\s\S]*libmunge2 1\.2\.3-1 → 1\.2\.3-1\+deb12u1/,
    );
    // The new one is kept beside the old one, and taken the next time.
    const { report: again } = await build({ web: archive(), cache, request: bundled, script: updated });
    expect(again?.cacheHit).toBe('result');
    expect(await versionsOf(again?.files.manifest)).toEqual(['1.2.3-1+deb12u1']);
  });

  test.each([
    ['can not be reached', new Error('Could not \u001b[2Jresolve'), /Could not \\x1b\[2Jresolve/],
    ['answers too much', new Error('the answer has more than 20000000 bytes'), /more than 20000000 bytes/],
  ])('is not known where the archive %s: a warning, and the cached result', async (_, error, reason) => {
    const cache = memoryCache();
    await build({ cache, request: bundled });
    const { report, ports } = await build({ web: fakeWeb(error), cache, request: bundled, script: updated });
    expect(report?.cacheHit).toBe('result');
    expect(ports.logger.of('warning').join('\n')).toMatch(/security updates is not known/);
    expect(ports.logger.of('warning').join('\n')).toMatch(reason);
  });

  test('that can not be downloaded is a warning, and the tarball gets what is installed', async () => {
    const { report, ports } = await build({
      ...{ web: archive(), request: bundled },
      script: {
        ...updated,
        answer: ([program, verb]) =>
          program === 'apt-get' && verb === 'update' ? { exitCode: 100, stderr: 'E: no keys' } : undefined,
      },
    });
    expect(await versionsOf(report?.files.manifest)).toEqual(['1.2.3-1']);
    expect(ports.logger.of('warning').join('\n')).toMatch(
      /gets libraries that have security updates[\s\S]*no keys[\s\S]*libmunge2 1\.2\.3-1 → /,
    );
  });

  const own = 'https://deb.debian.org/debian-security';
  test.each<[string, RawInputs, readonly string[]]>([
    ['where the distribution has it', {}, [own]],
    ['where a mirror is named', { 'security-archive': 'http://mirror.test/s/' }, ['http://mirror.test/s']],
    ['not at all with off', { 'security-archive': 'off' }, []],
    ['not for a target that brings none', { dependencies: 'system' }, []],
  ])('is asked for %s', async (_, layer, archives) => {
    const web = fakeWeb();
    const request = { layers: [{ dependencies: 'bundled', ...layer }] };
    const { report } = await build({ web, request });
    expect(web.asked.map((address) => address.replace(/\/dists\/.*$/, ''))).toEqual(archives);
    expect(report?.cacheHit).toBe('none');
  });
});
