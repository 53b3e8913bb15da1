import { describe, expect, test } from '@jest/globals';
import { distributionCommand, parseRecipes } from '../../../src/bundle/ingredients.js';
import { makeSbom, type SbomContent } from '../../../src/bundle/sbom.js';
import type { SpdxPackage } from '../../../src/bundle/spdx.js';
import { parseDistribution } from '../../../src/distro/distro.js';
import { parseLock } from '../../../src/spack/lock.js';
import { type CustomSource, customRelease, sourceWord } from '../../../src/targets/source.js';
import { release, systemTarget, toolchain } from '../../support/fakes.js';

const hash = (letter: string) => letter.repeat(32);
const edge = (letter: string, ...deptypes: string[]) => ({
  name: letter,
  hash: hash(letter),
  parameters: { deptypes, virtuals: [] },
});
const external = { path: '/usr', module: null, extra_attributes: {} };
const lock = {
  roots: [{ hash: hash('s'), spec: 'slurm' }],
  concrete_specs: {
    [hash('s')]: {
      name: 'slurm',
      version: '24-11-6-1',
      dependencies: [
        edge('m', 'build', 'link'),
        edge('p', 'build', 'link'),
        edge('g', 'build'),
        edge('r', 'link'),
        edge('n', 'build'),
        edge('l', 'link'),
        edge('y', 'run'),
      ],
    },
    [hash('m')]: { name: 'munge', version: '0.5.15', external },
    [hash('p')]: { name: 'pmix', version: '4.2.2', external },
    [hash('g')]: { name: 'gcc', version: '12.2.0', external },
    [hash('l')]: { name: 'glibc', version: '2.36', external },
    [hash('r')]: { name: 'gcc-runtime', version: '12.2.0' },
    [hash('n')]: { name: 'nvml', version: '12.9.79' },
    [hash('y')]: { name: 'python', version: '3.11.2', external },
  },
};

const recipe = (name: string, versionInfo: string, licenseDeclared: string, more = {}) => ({
  name,
  versionInfo,
  licenseDeclared,
  downloadLocation: 'NOASSERTION',
  checksum: [],
  ...more,
});
const wheel = {
  downloadLocation: 'https://files.test/nvml.whl',
  checksum: [{ algorithm: 'SHA256', checksumValue: '8'.repeat(64) }],
};
const spackDocument = {
  packages: [
    recipe('slurm', '24-11-6-1', 'GPL-2.0-or-later'),
    recipe('gcc-runtime', '12.2.0', 'GPL-3.0-or-later WITH GCC-exception-3.1'),
    recipe('nvml', '12.9.79', 'LicenseRef-NVIDIA-CUDA-EULA', wheel),
    recipe('pmix', '4.2.2', 'BSD-3-Clause-Open-MPI'),
    recipe('glibc', '2.36', 'a licence, in words'),
  ],
};

const dpkg = [
  'libmunge-dev\t\t0.5.15-2+deb12u1\tamd64\tmunge 0.5.15-2+deb12u1',
  'libmunge2\t\t0.5.15-2+deb12u1\tamd64\tmunge 0.5.15-2+deb12u1',
  'gcc-12\t\t12.2.0-14+deb12u1\tamd64\tgcc-12 12.2.0-14+deb12u1',
  'libstdc++6\t\t12.2.0-14\tamd64\tgcc-12 12.2.0-14',
  '',
].join('\n');

const bookworm = toolchain({
  dependencies: [
    { spec: 'munge', package: 'libmunge-dev', also: [], runtime: 'libmunge2', prefix: '/usr', opened: false },
    { spec: 'pmix', package: 'libpmix-dev', also: [], runtime: 'libpmix2', prefix: '/usr', opened: true },
  ],
  tools: [],
});

const facts: SbomContent = {
  target: systemTarget({ gpu: 'cuda' }),
  identifier: 'slurm-24.11.6-bookworm-amd64-cuda',
  contentKey: 'f'.repeat(64),
  release: release('24.11.6'),
  toolchain: bookworm,
  tarball: {
    name: 'slurm-24.11.6-bookworm-amd64-cuda-software.tar.gz',
    size: 7,
    sha256: '7'.repeat(64),
  },
  lock: parseLock(JSON.stringify(lock)).specs,
  shipped: [hash('s')],
  recipes: parseRecipes(JSON.stringify(spackDocument)),
  distribution: parseDistribution(dpkg),
  runtimePackages: ['libstdc++6', 'libmunge2'],
  bundledPackages: [],
};

const sbom = makeSbom(facts);
const byId = (id: string): SpdxPackage => {
  const found = sbom.packages.find((item) => item.SPDXID === id);
  if (found === undefined) throw new Error(`${id} is not there`);
  return found;
};
const relations = sbom.relationships.map((item) =>
  `${item.spdxElementId} ${item.relationshipType} ${item.relatedSpdxElement}`.replaceAll('SPDXRef-', ''),
);

describe('the document', () => {
  test('says what SPDX 2.3 wants of it', () => {
    expect(sbom).toMatchObject({
      spdxVersion: 'SPDX-2.3',
      dataLicense: 'CC0-1.0',
      SPDXID: 'SPDXRef-DOCUMENT',
      name: facts.identifier,
      creationInfo: { created: '2026-01-01T00:00:00Z', creators: ['Tool: slurm-factory'] },
    });
    for (const item of sbom.packages) {
      expect(item.SPDXID).toMatch(/^SPDXRef-[A-Za-z0-9.-]+$/);
      expect(item).toMatchObject({ downloadLocation: expect.any(String), filesAnalyzed: false });
    }
  });

  test('names each element once, and relates none that is not there', () => {
    const ids = sbom.packages.map((item) => item.SPDXID);
    expect(new Set(ids).size).toBe(ids.length);
    for (const item of sbom.relationships) {
      expect([sbom.SPDXID, ...ids]).toContain(item.spdxElementId);
      expect(ids).toContain(item.relatedSpdxElement);
    }
  });

  test('has every spec of the lock', () => {
    const specs = sbom.packages.flatMap(({ externalRefs = [] }) =>
      externalRefs.filter((ref) => ref.referenceType === 'spack').map((ref) => ref.referenceLocator),
    );
    expect(specs.sort()).toEqual(
      facts.lock.map((node) => `${node.name}@${node.version}/${node.hash}`).sort(),
    );
  });

  test('is the same text for the same facts, in whatever order they were found', () => {
    const turned = makeSbom({
      ...facts,
      lock: [...facts.lock].reverse(),
      runtimePackages: [...facts.runtimePackages].reverse(),
    });
    expect(JSON.stringify(turned)).toBe(JSON.stringify(sbom));
  });

  test('has a namespace of its content key, and another for another text', () => {
    expect(sbom.documentNamespace).toContain(facts.contentKey);
    const other = makeSbom({ ...facts, tarball: { ...facts.tarball, sha256: '6'.repeat(64) } });
    expect(other.documentNamespace).not.toBe(sbom.documentNamespace);
  });
});

describe('the packages', () => {
  test('the tarball: name and sum, and the licence of what is in it', () => {
    expect(byId('SPDXRef-Tarball')).toMatchObject({
      packageFileName: facts.tarball.name,
      checksums: [{ algorithm: 'SHA256', checksumValue: facts.tarball.sha256 }],
      licenseDeclared: 'GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception',
    });
  });

  test("Slurm: the tag's archive with its sum, the licence with the OpenSSL exception", () => {
    expect(byId('SPDXRef-Spec-slurm-sssssss')).toMatchObject({
      versionInfo: '24.11.6',
      downloadLocation: 'https://github.com/SchedMD/slurm/archive/slurm-24-11-6-1.tar.gz',
      checksums: [{ algorithm: 'SHA256', checksumValue: 'a'.repeat(64) }],
      licenseDeclared: 'GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception',
      sourceInfo: expect.stringContaining('c'.repeat(40)),
    });
  });

  test("what Spack built: the recipe's licence, source and sum", () => {
    expect(byId('SPDXRef-Spec-gcc-runtime-rrrrrrr').licenseDeclared).toBe(
      'GPL-3.0-or-later WITH GCC-exception-3.1',
    );
    expect(byId('SPDXRef-Spec-nvml-nnnnnnn')).toMatchObject({
      downloadLocation: wheel.downloadLocation,
      checksums: wheel.checksum,
      licenseDeclared: 'LicenseRef-NVIDIA-CUDA-EULA',
    });
  });

  test('a licence of its own is explained', () => {
    expect(sbom.hasExtractedLicensingInfos).toEqual([
      expect.objectContaining({
        licenseId: 'LicenseRef-NVIDIA-CUDA-EULA',
        extractedText: expect.stringContaining('License.txt'),
      }),
    ]);
  });

  test("the distribution's: whole version, package URL and source package, never upstream's archive", () => {
    expect(byId('SPDXRef-Spec-munge-mmmmmmm')).toMatchObject({
      name: 'libmunge-dev',
      versionInfo: '0.5.15-2+deb12u1',
      downloadLocation: 'NOASSERTION',
      licenseDeclared: 'GPL-3.0-or-later AND LGPL-3.0-or-later',
      sourceInfo: 'Source package munge 0.5.15-2+deb12u1.',
      externalRefs: [
        {
          referenceCategory: 'PACKAGE-MANAGER',
          referenceType: 'purl',
          referenceLocator: 'pkg:deb/debian/libmunge-dev@0.5.15-2%2Bdeb12u1?arch=amd64&distro=debian-12',
        },
        expect.objectContaining({ referenceType: 'spack' }),
      ],
    });
    expect(byId('SPDXRef-Spec-gcc-ggggggg').name).toBe('gcc-12');
  });

  test('what the package manager does not know keeps the name and version that Spack has', () => {
    expect(byId('SPDXRef-Spec-pmix-ppppppp')).toMatchObject({ name: 'pmix', versionInfo: '4.2.2' });
  });

  test('a licence that is no SPDX expression is none', () => {
    expect(byId('SPDXRef-Spec-glibc-lllllll').licenseDeclared).toBe('NOASSERTION');
  });

  test("without Spack's own document all but Slurm's licence is open", () => {
    const bare = makeSbom({ ...facts, recipes: parseRecipes(undefined) });
    const licence = (name: string) => bare.packages.find((item) => item.name === name)?.licenseDeclared;
    expect(licence('slurm')).toMatch(/^GPL-2\.0-or-later WITH/);
    expect(licence('nvml')).toBe('NOASSERTION');
  });

  test('several licences in one tarball are joined', () => {
    const recipes = new Map([
      ...facts.recipes,
      ['gcc-runtime@12.2.0', { licence: 'Apache-2.0 OR MIT', source: undefined, sha256: undefined }] as const,
    ]);
    const both = makeSbom({ ...facts, recipes, shipped: [hash('s'), hash('r')] });
    expect(both.packages[0]?.licenseDeclared).toBe(
      '(Apache-2.0 OR MIT) AND GPL-2.0-or-later WITH cryptsetup-OpenSSL-exception',
    );
  });
});

describe('the relationships', () => {
  test.each([
    ['the document describes the tarball', 'DOCUMENT DESCRIBES Tarball'],
    ['the tarball has Slurm in it', 'Tarball CONTAINS Spec-slurm-sssssss'],
    ['the tarball needs packages where it runs', 'Tarball DEPENDS_ON Runtime-libmunge2'],
    ['a library of the distribution is linked', 'Spec-slurm-sssssss DYNAMIC_LINK Spec-munge-mmmmmmm'],
    ['one that is opened by name is not', 'Spec-slurm-sssssss DEPENDS_ON Spec-pmix-ppppppp'],
    ['the compiler is a tool', 'Spec-gcc-ggggggg BUILD_TOOL_OF Spec-slurm-sssssss'],
    ['the NVML header is no tool', 'Spec-nvml-nnnnnnn BUILD_DEPENDENCY_OF Spec-slurm-sssssss'],
    ['what is not shipped is not linked', 'Spec-gcc-runtime-rrrrrrr BUILD_DEPENDENCY_OF Spec-slurm-sssssss'],
    ['what only runs', 'Spec-python-yyyyyyy RUNTIME_DEPENDENCY_OF Spec-slurm-sssssss'],
  ])('%s', (_, relation) => {
    expect(relations).toContain(relation);
  });

  test('what is shipped is linked', () => {
    const both = makeSbom({ ...facts, shipped: [hash('s'), hash('r')] });
    expect(both.relationships).toContainEqual({
      spdxElementId: 'SPDXRef-Spec-slurm-sssssss',
      relationshipType: 'DYNAMIC_LINK',
      relatedSpdxElement: 'SPDXRef-Spec-gcc-runtime-rrrrrrr',
    });
  });

  test('an archive that a plugin takes in is told as that', () => {
    const taken = facts.lock.map((node) => (node.name === 'nvml' ? { ...node, name: 's2n' } : node));
    const linking = taken.map((node) => ({
      ...node,
      dependencies: node.dependencies.map((item) => ({ ...item, types: ['link'] })),
    }));
    expect(makeSbom({ ...facts, lock: linking }).relationships).toContainEqual({
      spdxElementId: 'SPDXRef-Spec-slurm-sssssss',
      relationshipType: 'STATIC_LINK',
      relatedSpdxElement: 'SPDXRef-Spec-s2n-nnnnnnn',
    });
  });

  test('no edge of the lock is lost', () => {
    expect(relations.length).toBe(1 + 1 + facts.runtimePackages.length + 7);
  });
});

describe("the distribution's packages", () => {
  test('dpkg is asked for all of them at once', () => {
    const command = distributionCommand(bookworm, ['libmunge2', 'libc6']);
    expect(command.slice(0, 3)).toEqual(['dpkg-query', '--show', '--showformat']);
    expect(command.slice(4)).toEqual([
      'gcc-12',
      'libc6',
      'libc6-dev',
      'libmunge-dev',
      'libmunge2',
      'libpmix-dev',
    ]);
  });

  test('rpm likewise, with its own names', () => {
    const command = distributionCommand({ ...bookworm, packageManager: 'rpm' }, []);
    expect(command.slice(0, 3)).toEqual(['rpm', '--query', '--queryformat']);
    expect(command).toContain('glibc-devel');
    expect(command).toContain('gcc');
  });
});

describe('Slurm from a source of its own', () => {
  const commit = 'd'.repeat(40);
  const patches = [
    { name: 'one.patch', sha256: '1'.repeat(64) },
    { name: 'two.patch', sha256: '2'.repeat(64) },
  ];
  const made = (source: CustomSource) => {
    const custom = customRelease({ version: '24.11.6', date: '2026-02-03' }, source);
    const target = systemTarget({ gpu: 'cuda', source: sourceWord(source) });
    return makeSbom({ ...facts, release: custom, target });
  };
  const slurmOf = (source: CustomSource) => made(source).packages.find(({ name }) => name === 'slurm');
  const official = 'https://github.com/SchedMD/slurm.git';

  test.each<[string, CustomSource, object]>([
    [
      "a commit of SchedMD's",
      { repository: official, commit, patches: [] },
      {
        supplier: 'Organization: SchedMD',
        downloadLocation: `git+${official}@${commit}`,
        sourceInfo: `Commit ${commit}; built with the changes of slurm-factory's recipe, spack-repo/.`,
        purl: `pkg:github/schedmd/slurm@${commit}`,
      },
    ],
    [
      'a tag of a fork',
      { repository: 'https://git.test/fork.git', tag: 'slurm-24-11-6-1', commit, patches: [] },
      {
        supplier: 'NOASSERTION',
        downloadLocation: `git+https://git.test/fork.git@${commit}`,
        sourceInfo: expect.stringMatching(/^Tag slurm-24-11-6-1, commit d{40};/),
        purl: `pkg:generic/slurm@24.11.6?vcs_url=git%2Bhttps%3A%2F%2Fgit.test%2Ffork.git%40${commit}`,
      },
    ],
    [
      'an archive',
      { archive: 'https://h.test/slurm.tar.bz2', sha256: 'e'.repeat(64), patches: [] },
      {
        supplier: 'NOASSERTION',
        downloadLocation: 'https://h.test/slurm.tar.bz2',
        checksums: [{ algorithm: 'SHA256', checksumValue: 'e'.repeat(64) }],
        purl: `pkg:generic/slurm@24.11.6?checksum=sha256%3A${'e'.repeat(64)}&download_url=https%3A%2F%2Fh.test%2Fslurm.tar.bz2`,
      },
    ],
    [
      'a commit of a machine',
      { commit, patches: [] },
      {
        downloadLocation: 'NOASSERTION',
        sourceInfo: expect.stringContaining(commit),
        purl: 'pkg:generic/slurm@24.11.6',
      },
    ],
  ])('%s is told with where it is from', (_, source, { purl, ...expected }: { purl?: string }) => {
    const slurm = slurmOf(source);
    expect(slurm).toMatchObject({ versionInfo: `24.11.6.${sourceWord(source)}`, ...expected });
    expect(slurm?.externalRefs?.map(({ referenceLocator }) => referenceLocator)).toEqual([
      'cpe:2.3:a:schedmd:slurm:24.11.6:*:*:*:*:*:*:*',
      purl,
      expect.stringContaining('slurm@'),
    ]);
  });

  test('each patch is an element with its sum, applied to Slurm', () => {
    const document = made({ repository: official, commit, patches });
    const ids = document.packages.filter(({ name }) => name.endsWith('.patch')).map(({ SPDXID }) => SPDXID);
    expect(ids).toHaveLength(2);
    expect(document.packages.find(({ name }) => name === 'two.patch')?.checksums).toEqual([
      { algorithm: 'SHA256', checksumValue: '2'.repeat(64) },
    ]);
    for (const id of ids) {
      expect(document.relationships).toContainEqual({
        spdxElementId: id,
        relationshipType: 'PATCH_APPLIED',
        relatedSpdxElement: 'SPDXRef-Spec-slurm-sssssss',
      });
    }
    expect(slurmOf({ repository: official, commit, patches })?.sourceInfo).toContain(
      `patch one.patch with sha256 ${'1'.repeat(64)}, patch two.patch with sha256`,
    );
    expect(document.creationInfo.created).toBe('2026-02-03T00:00:00Z');
  });
});
