import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { manifestSchema } from '../../src/bundle/manifest.js';
import { imageTag } from '../../src/container/image.js';
import { containerLayout } from '../../src/container/layout.js';
import { parseVersions } from '../../src/distro/distro.js';
import { distroOf } from '../../src/distro/distros.js';
import { openProject } from '../../src/pipeline/project.js';
import { concretizeCommand } from '../../src/spack/commands.js';
import { renderEnvironment } from '../../src/spack/environment.js';
import { builtSpecs, linkedSpecs, parseLock } from '../../src/spack/lock.js';
import { selfContainedToolchain } from '../../src/targets/self-contained.js';
import { docker, hostArch, isHere, projectRoot, temporaryFolder, testCache } from '../support/prepare.js';
import { builtResult } from '../support/result.js';
import {
  buildSelfContained,
  builtOfTags,
  builtPackages,
  externals,
  testsSelfContained,
} from '../support/self-contained.js';
import { fittedToolchain } from '../support/toolchains.js';

const minutes = 60_000;
const folder = temporaryFolder('own-libraries');
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const here = await isHere('upstream', 'Docker Engine');

// No source is needed for that; the image and the clones are those of the result that other tests use.
(here ? test : test.skip)(
  'Spack finds a way to build all that Slurm links, with every kind of GPU and no externals but the host’s',
  async () => {
    await builtResult('24.11.6');
    const project = await openProject(projectRoot);
    const { dockerfile } = await project.loadToolchain('bookworm', hostArch());
    const toolchain = fittedToolchain('bookworm');
    const { requirements, pins, selfContained } = project;
    const image = imageTag({ toolchain, dockerfile, requirements, containerImage: undefined });
    const own = selfContainedToolchain(toolchain, [], selfContained);
    const names = [...own.dependencies, ...own.tools].map((item) => item.package);
    const { versionsCommand } = distroOf('dpkg');
    const versions = parseVersions(docker('run', '--rm', image, ...versionsCommand([...new Set(names)])));
    const environment = renderEnvironment({
      ...{ spackVersion: '26-05-3-1', gpu: 'all', debug: false, arch: hostArch(), toolchain: own },
      ...{ layout: containerLayout, sourceMirror: undefined },
      versionOf: (item) => versions.get(item.package) ?? '',
    });
    for (const name of ['environment', 'userCache'] as const) mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'environment', 'spack.yaml'), environment);
    const clone = (name: 'spack' | 'packages') =>
      join(testCache, 'build-cache', 'clones', `${name}-${pins[name].commit}`);
    const mounts = {
      spack: clone('spack'),
      recipes: clone('packages'),
      overlay: project.overlay,
      environment: join(folder, 'environment'),
      userCache: join(folder, 'userCache'),
    } as const;
    const python = '/opt/slurm-factory/python/bin/python3';
    const { command, env } = concretizeCommand({ layout: containerLayout, python });
    docker(
      ...['run', '--rm', '--network', 'none', '--user', `${process.getuid?.()}`],
      ...Object.entries(mounts).flatMap(([place, source]) => [
        '--mount',
        `type=bind,source=${source},target=${containerLayout[place as keyof typeof mounts]}`,
      ]),
      ...Object.entries({ ...env, HOME: '/tmp' }).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
      ...[image, ...command],
    );
    const lock = parseLock(readFileSync(join(folder, 'environment', 'spack.lock'), 'utf8'));
    const hosts = selfContained.host.map((item) => item.package);
    const linked = linkedSpecs(lock).map(({ name }) => name);
    for (const { spec } of toolchain.dependencies) {
      if (hosts.includes(spec)) expect(linked).not.toContain(spec);
      else expect(linked).toContain(spec);
    }
    expect(linked).toEqual(expect.arrayContaining(['openssl', 'ncurses', 'zlib-ng']));
    // Compilers and tools are the distribution's.
    const others = builtSpecs(lock).filter(({ name }) => !linked.includes(name));
    expect(others.map(({ name }) => name).sort()).toEqual([
      'compiler-wrapper',
      'gcc-runtime',
      'nvml',
      'slurm',
    ]);
  },
  5 * minutes,
);

if (testsSelfContained) {
  (here ? test : test.skip)(
    'Spack builds what sources can be had of, twice to the same bytes, and the rest is the distribution’s',
    async () => {
      const builds = [];
      for (const round of ['first', 'second']) {
        const built = await buildSelfContained('24.11.7', join(folder, round));
        if (built === undefined) throw new Error('it was not built');
        const read = (name: string) => readFileSync(join(built.folder, `${built.target}-${name}`));
        const software = createHash('sha256').update(read('software.tar.gz')).digest('hex');
        const sbom = JSON.parse(read('sbom.spdx.json').toString());
        builds.push({
          software,
          sbom,
          manifest: manifestSchema.parse(JSON.parse(`${read('manifest.json')}`)),
        });
        rmSync(built.folder, { recursive: true });
      }
      const [first, second] = builds;
      expect(second?.software).toBe(first?.software);
      const { target, libraries = [], ...manifest } = first?.manifest ?? { target: '' };
      expect(target).toMatch(/^slurm-24\.11\.7-glibc2\.34-\w+-self-contained\.x[0-9a-f]{12}$/);
      expect(manifest).toMatchObject({ externals: [...externals] });
      const own = libraries.filter(({ spec }) => spec !== undefined);
      expect(own.map(({ spec, version }) => [spec, version]).sort()).toEqual(
        Object.entries({ ...builtPackages, ...builtOfTags })
          .map(([name, { version }]) => [name, version])
          .sort(),
      );
      for (const { soname, package: from, spec } of libraries) {
        expect({ soname, from: from ?? spec }).toEqual({ soname, from: expect.any(String) });
      }
      const contained = first?.sbom.relationships
        .filter((item: Record<string, string>) => item['relationshipType'] === 'CONTAINS')
        .map((item: Record<string, string>) => item['relatedSpdxElement']);
      for (const name of Object.keys({ ...builtPackages, ...builtOfTags })) {
        expect(contained).toContainEqual(expect.stringMatching(new RegExp(`^SPDXRef-Spec-${name}-`)));
      }
    },
    60 * minutes,
  );
}
