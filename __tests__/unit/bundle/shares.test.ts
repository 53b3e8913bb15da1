import { expect, test } from '@jest/globals';
import type { Manifest } from '../../../src/bundle/manifest.js';
import { sharesOf } from '../../../src/bundle/shares.js';

const contains = (id: string) => ({
  ...{ spdxElementId: 'SPDXRef-Tarball', relationshipType: 'CONTAINS', relatedSpdxElement: id },
});
const item = (SPDXID: string, name: string, versionInfo: string, licenseDeclared: string) => ({
  ...{ SPDXID, name, versionInfo, licenseDeclared },
});

const sbom = JSON.stringify({
  packages: [
    item('SPDXRef-Tarball', 'slurm-24.11.6-glibc2.34-amd64', '24.11.6', 'NOASSERTION'),
    item('SPDXRef-Spec-slurm-aaaaaaa', 'slurm', '24.11.6', 'GPL-2.0-or-later'),
    item('SPDXRef-Spec-curl-bbbbbbb', 'curl', '8.1', 'curl'),
    item('SPDXRef-Spec-gmake-ccccccc', 'gmake', '4.4', 'GPL-3.0-or-later'),
    item('SPDXRef-Bundled-libssl3', 'libssl3', '3.0.20-1', 'NOASSERTION'),
    item('SPDXRef-Bundled-libz', 'libz', '1.2', 'GPL-2.0-or-later'),
    item('SPDXRef-Runtime-libc6', 'libc6', '2.36', 'LGPL-2.1-or-later'),
  ],
  relationships: [
    ...['SPDXRef-Spec-slurm-aaaaaaa', 'SPDXRef-Spec-curl-bbbbbbb'].map(contains),
    ...['SPDXRef-Bundled-libssl3', 'SPDXRef-Bundled-libz'].map(contains),
    {
      spdxElementId: 'SPDXRef-Tarball',
      relationshipType: 'DEPENDS_ON',
      relatedSpdxElement: 'SPDXRef-Runtime-libc6',
    },
  ],
});

const manifest = {
  libraries: [
    { name: 'libcurl-1.so.4', soname: 'libcurl.so.4', spec: 'curl', version: '8.1' },
    { name: 'libssl-2.so.3', soname: 'libssl.so.3', package: 'libssl3', version: '3.0.20-1' },
    { name: 'libcrypto-3.so.3', soname: 'libcrypto.so.3', package: 'libssl3', version: '3.0.20-1' },
    { name: 'libz-4.so.1', soname: 'libz.so.1', package: 'libz', version: '1.2' },
  ],
} as unknown as Manifest;

const tree = new Map([
  ['bin/srun', 100],
  ['lib/slurm/libslurmfull.so', 1000],
  ['share/licenses/slurm/COPYING', 5],
  ['share/licenses/libssl3/copyright', 7],
  ['share/licenses/common/GPL-2', 50],
  ['lib/bundled/libcurl-1.so.4', 300],
  ['lib/bundled/libssl-2.so.3', 400],
  ['lib/bundled/libcrypto-3.so.3', 2000],
  ['lib/bundled/libz-4.so.1', 20],
]);

test('each package that the tarball contains has its files, its size and its licence', () => {
  const shares = sharesOf(sbom, manifest, tree);
  expect(shares?.packages).toEqual([
    { name: 'libssl3', version: '3.0.20-1', licence: undefined, from: 'distribution', files: 3, bytes: 2407 },
    { name: 'slurm', version: '24.11.6', licence: 'GPL-2.0-or-later', from: 'Spack', files: 3, bytes: 1105 },
    { name: 'curl', version: '8.1', licence: 'curl', from: 'Spack', files: 1, bytes: 300 },
    { name: 'libz', version: '1.2', licence: 'GPL-2.0-or-later', from: 'distribution', files: 1, bytes: 20 },
  ]);
});

test('the sizes add up by licence, and to the whole tarball', () => {
  const shares = sharesOf(sbom, manifest, tree);
  expect(shares?.licences).toEqual([
    { licence: undefined, packages: ['libssl3'], bytes: 2407 },
    { licence: 'GPL-2.0-or-later', packages: ['slurm', 'libz'], bytes: 1125 },
    { licence: 'curl', packages: ['curl'], bytes: 300 },
  ]);
  const all = [...tree.values()].reduce((sum, bytes) => sum + bytes, 0);
  expect(shares?.bytes).toBe(all);
  expect(
    (shares?.commonTexts ?? 0) + (shares?.licences ?? []).reduce((sum, { bytes }) => sum + bytes, 0),
  ).toBe(all);
});

test('a library of a package that the SBOM does not know is counted with Slurm, not lost', () => {
  const shares = sharesOf(sbom, { ...manifest, libraries: [] }, tree);
  expect(shares?.packages.find(({ name }) => name === 'slurm')?.files).toBe(7);
});

test.each(['', '{}', '{"packages":[]}', 'null'])('%j is no SBOM', (text) => {
  expect(sharesOf(text, manifest, tree)).toBeUndefined();
});
