import { z } from 'zod';
import { parseJson } from '../base/json.js';
import { visible } from '../base/text.js';
import { parseLock } from '../spack/lock.js';
import { compare } from './ingredients.js';

/** What depends on what: of a lock, or of the SBOM that was made from one. */
export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

export interface GraphNode {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  /** Of the distribution; otherwise Spack built it. */
  readonly external: boolean;
}

export interface GraphEdge {
  readonly from: string;
  /** What it depends on. */
  readonly to: string;
  readonly kind: 'link' | 'run' | 'build';
}

const most = 10_000;
const text = z.string().max(500);
const sbomSchema = z.object({
  spdxVersion: z.literal('SPDX-2.3'),
  packages: z
    .array(z.object({ SPDXID: text, name: text, versionInfo: text, supplier: text.optional() }))
    .max(most),
  relationships: z
    .array(z.object({ spdxElementId: text, relationshipType: text, relatedSpdxElement: text }))
    .max(most),
});

/** @returns undefined for a text that is neither a lock nor an SBOM of ours */
export function readGraph(json: string): Graph | undefined {
  const value = parseJson(json);
  const sbom = sbomSchema.safeParse(value);
  if (sbom.success) return ofSbom(sbom.data);
  if (typeof value !== 'object' || value === null || !('concrete_specs' in value)) return undefined;
  return ofLock(json);
}

function ofLock(json: string): Graph {
  const { specs } = parseLock(json);
  const known = new Set(specs.map(({ hash }) => hash));
  return sorted({
    nodes: specs.map(({ hash, name, version, external }) => ({
      ...{ id: hash, name, version },
      external: external !== undefined,
    })),
    edges: specs.flatMap(({ hash, dependencies }) =>
      dependencies
        .filter((edge) => known.has(edge.hash))
        .map((edge) => ({ from: hash, to: edge.hash, kind: kindOf(edge.types) })),
    ),
  });
}

const kindOf = (types: readonly string[]): GraphEdge['kind'] =>
  types.includes('link') ? 'link' : types.includes('run') ? 'run' : 'build';

const linkTypes: readonly string[] = ['DYNAMIC_LINK', 'STATIC_LINK', 'DEPENDS_ON'];

const isSpec = (id: string): boolean => id.startsWith('SPDXRef-Spec-');

function ofSbom({ packages, relationships }: z.infer<typeof sbomSchema>): Graph {
  return sorted({
    nodes: packages
      .filter(({ SPDXID }) => isSpec(SPDXID))
      .map(({ SPDXID, name, versionInfo, supplier = '' }) => ({
        ...{ id: SPDXID, name, version: versionInfo },
        external: name !== 'slurm' && supplier.startsWith('Organization: '),
      })),
    edges: relationships
      .filter((one) => isSpec(one.spdxElementId) && isSpec(one.relatedSpdxElement))
      .flatMap(({ spdxElementId: a, relationshipType: type, relatedSpdxElement: b }): GraphEdge[] => {
        if (linkTypes.includes(type)) return [{ from: a, to: b, kind: 'link' }];
        if (type === 'RUNTIME_DEPENDENCY_OF') return [{ from: b, to: a, kind: 'run' }];
        return /^BUILD_/.test(type) ? [{ from: b, to: a, kind: 'build' }] : [];
      }),
  });
}

const sorted = ({ nodes, edges }: Graph): Graph => ({
  nodes: [...nodes].sort((a, b) => compare(a.name, b.name) || compare(a.id, b.id)),
  edges: [...edges].sort((a, b) => compare(a.from, b.from) || compare(a.to, b.to)),
});

const styles = { link: 'solid', run: 'dashed', build: 'dotted' } as const;

/** The graph in the language of Graphviz; what the distribution has is dashed. */
export function toDot({ nodes, edges }: Graph): string {
  const quoted = (words: string) => `"${visible(words).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  return [
    'digraph slurm {',
    '  rankdir=LR;',
    '  node [shape=box, fontname="sans-serif"];',
    ...nodes.map(
      ({ id, name, version, external }) =>
        `  ${quoted(id)} [label=${quoted(`${name} ${version}`)}${external ? ', style=dashed' : ''}];`,
    ),
    ...edges.map(({ from, to, kind }) => `  ${quoted(from)} -> ${quoted(to)} [style=${styles[kind]}];`),
    '}',
  ].join('\n');
}

const arrows = { link: '-->', run: '-.->|run|', build: '-.->' } as const;

/** The graph in the language of Mermaid, which GitHub shows in Markdown. */
export function toMermaid({ nodes, edges }: Graph): string {
  const ids = new Map(nodes.map(({ id }, index) => [id, `n${index}`]));
  // Mermaid has HTML's entities in its texts, with # for &.
  const escaped = (words: string) =>
    visible(words).replaceAll(/[^\w .+@:/-]/g, (character) => `#${character.codePointAt(0)};`);
  return [
    'graph LR',
    ...nodes.map(({ id, name, version }) => `  ${ids.get(id)}["${escaped(`${name} ${version}`)}"]`),
    ...edges.map(({ from, to, kind }) => `  ${ids.get(from)} ${arrows[kind]} ${ids.get(to)}`),
    ...nodes.filter(({ external }) => external).map(({ id }) => `  style ${ids.get(id)} stroke-dasharray: 4`),
  ].join('\n');
}
