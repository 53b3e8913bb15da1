import { expect, test } from '@jest/globals';
import { readGraph, toDot, toMermaid } from '../../../src/bundle/graph.js';

const spec = (name: string, types: readonly string[], more: object = {}) => ({
  ...{ name, version: '1.0', ...more },
  dependencies: types.length === 0 ? [] : [{ hash: 'b', parameters: { deptypes: types } }],
});

const lock = JSON.stringify({
  roots: [{ hash: 'a', spec: 'slurm@1' }],
  concrete_specs: {
    a: spec('slurm', ['build', 'link']),
    b: spec('munge', [], { external: { path: '/usr' } }),
    c: spec('gmake "x"', ['build']),
  },
});

const sbom = JSON.stringify({
  spdxVersion: 'SPDX-2.3',
  packages: [
    { SPDXID: 'SPDXRef-Tarball', name: 'tarball', versionInfo: '1.0' },
    {
      SPDXID: 'SPDXRef-Spec-slurm-a',
      name: 'slurm',
      versionInfo: '24.11.6',
      supplier: 'Organization: SchedMD',
    },
    {
      SPDXID: 'SPDXRef-Spec-munge-b',
      name: 'libmunge-dev',
      versionInfo: '0.5',
      supplier: 'Organization: debian',
    },
    { SPDXID: 'SPDXRef-Spec-gcc-c', name: 'gcc', versionInfo: '12', supplier: 'NOASSERTION' },
  ],
  relationships: [
    {
      spdxElementId: 'SPDXRef-DOCUMENT',
      relationshipType: 'DESCRIBES',
      relatedSpdxElement: 'SPDXRef-Tarball',
    },
    {
      spdxElementId: 'SPDXRef-Spec-slurm-a',
      relationshipType: 'DYNAMIC_LINK',
      relatedSpdxElement: 'SPDXRef-Spec-munge-b',
    },
    {
      spdxElementId: 'SPDXRef-Spec-gcc-c',
      relationshipType: 'BUILD_TOOL_OF',
      relatedSpdxElement: 'SPDXRef-Spec-slurm-a',
    },
  ],
});

test('a lock says what each spec depends on, and how', () => {
  expect(readGraph(lock)).toEqual({
    nodes: [
      { id: 'c', name: 'gmake "x"', version: '1.0', external: false },
      { id: 'b', name: 'munge', version: '1.0', external: true },
      { id: 'a', name: 'slurm', version: '1.0', external: false },
    ],
    edges: [
      { from: 'a', to: 'b', kind: 'link' },
      { from: 'c', to: 'b', kind: 'build' },
    ],
  });
});

test('an SBOM says the same, and Slurm is no package of a distribution', () => {
  const graph = readGraph(sbom);
  expect(graph?.nodes.map(({ name, external }) => [name, external])).toEqual([
    ['gcc', false],
    ['libmunge-dev', true],
    ['slurm', false],
  ]);
  expect(graph?.edges).toEqual([
    { from: 'SPDXRef-Spec-slurm-a', to: 'SPDXRef-Spec-gcc-c', kind: 'build' },
    { from: 'SPDXRef-Spec-slurm-a', to: 'SPDXRef-Spec-munge-b', kind: 'link' },
  ]);
});

test('what a plugin takes in is linked too', () => {
  const taken = readGraph(sbom.replace('DYNAMIC_LINK', 'STATIC_LINK'));
  expect(taken).toEqual(readGraph(sbom));
});

test.each(['', '{}', '[]', 'null', '{"spdxVersion":"SPDX-2.3"}'])('%j is no graph', (text) => {
  expect(readGraph(text)).toBeUndefined();
});

test('as DOT and Mermaid, nothing of a name is more than text', () => {
  const graph = readGraph(lock) ?? { nodes: [], edges: [] };
  expect(toDot(graph).split('\n')).toEqual([
    'digraph slurm {',
    '  rankdir=LR;',
    '  node [shape=box, fontname="sans-serif"];',
    '  "c" [label="gmake \\"x\\" 1.0"];',
    '  "b" [label="munge 1.0", style=dashed];',
    '  "a" [label="slurm 1.0"];',
    '  "a" -> "b" [style=solid];',
    '  "c" -> "b" [style=dotted];',
    '}',
  ]);
  expect(toMermaid(graph).split('\n')).toEqual([
    'graph LR',
    '  n0["gmake #34;x#34; 1.0"]',
    '  n1["munge 1.0"]',
    '  n2["slurm 1.0"]',
    '  n2 --> n1',
    '  n0 -.-> n1',
    '  style n1 stroke-dasharray: 4',
  ]);
});
