import { sha256 } from '../base/files.js';
import { type DistributionPackage, packageUrl } from '../distro/distro.js';
import { distroOf } from '../distro/distros.js';
import type { LockedSpec } from '../spack/lock.js';
import { gpuDrivers } from '../targets/gpus.js';
import { type Target, versionOf } from '../targets/identifier.js';
import type { BuiltRelease } from '../targets/source.js';
import type { Toolchain } from '../targets/toolchains.js';
import { compare, packagesOfExternals, type Recipe, takenIn } from './ingredients.js';
import { extractedLicences, licences } from './licences.js';
import { patchPackages, slurmSource } from './origin.js';
import type { ExternalRef, SpdxDocument, SpdxPackage, SpdxRelationship } from './spdx.js';
import type { BundleFile } from './sums.js';

/** What an SBOM is made from. */
export interface SbomContent {
  readonly target: Target;
  readonly identifier: string;
  readonly contentKey: string;
  readonly release: BuiltRelease;
  readonly toolchain: Pick<Toolchain, 'os' | 'packageManager' | 'compiler' | 'dependencies' | 'tools'>;
  /** The software tarball. */
  readonly tarball: BundleFile;
  readonly lock: readonly LockedSpec[];
  /** Hashes of the specs whose files are in the tarball. */
  readonly shipped: readonly string[];
  /** By `name@version`. */
  readonly recipes: ReadonlyMap<string, Recipe>;
  /** The distribution's packages by name. */
  readonly distribution: ReadonlyMap<string, DistributionPackage>;
  readonly runtimePackages: readonly string[];
  /** The distribution's packages whose libraries are in the tarball. */
  readonly bundledPackages: readonly string[];
}

const unknown = 'NOASSERTION';
const document = 'SPDXRef-DOCUMENT';
const tarballId = 'SPDXRef-Tarball';

/** Packages that are only compiled against; what else is needed for building alone is a tool. */
const compiledAgainst = new Set(gpuDrivers.flatMap(({ headerPackage }) => headerPackage ?? []));

/**
 * The SBOM of a software tarball: the tarball, the whole graph of Spack's lock and the distribution's
 * packages that the tarball needs where it runs. The same facts give the same text.
 */
export function makeSbom(given: SbomContent): SpdxDocument {
  const nodes = [...given.lock].sort((a, b) => compare(nodeId(a), nodeId(b)));
  const facts = { ...given, lock: nodes };
  const packages = [
    tarballPackage(facts),
    ...nodes.map((node) => nodePackage(facts, node)),
    ...patchPackages(facts.release),
    ...[...facts.runtimePackages].sort().map((name) => runtimePackage(facts, name)),
    ...[...facts.bundledPackages].sort().map((name) => bundledPackage(facts, name)),
  ];
  const texts = extractedLicences(packages);
  const body = {
    packages,
    relationships: relationships(facts, nodes),
    ...(texts.length === 0 ? {} : { hasExtractedLicensingInfos: texts }),
  };
  // A namespace stands for one text. A build with newer libraries can have the same content key.
  const digest = sha256(JSON.stringify(body)).slice(0, 16);
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: document,
    name: facts.identifier,
    documentNamespace: `https://spdx.org/spdxdocs/${facts.identifier}-${facts.contentKey}-${digest}`,
    creationInfo: { created: `${facts.release.date}T00:00:00Z`, creators: ['Tool: slurm-factory'] },
    ...body,
  };
}

function tarballPackage(facts: SbomContent): SpdxPackage {
  const shipped = facts.lock.filter((node) => facts.shipped.includes(node.hash));
  const declared = [...new Set(shipped.map((node) => licenceOf(facts, node)))].sort();
  const terms =
    declared.length === 1 ? declared : declared.map((term) => (/ OR /.test(term) ? `(${term})` : term));
  return {
    SPDXID: tarballId,
    name: facts.identifier,
    versionInfo: facts.target.version,
    packageFileName: facts.tarball.name,
    primaryPackagePurpose: 'ARCHIVE',
    supplier: unknown,
    downloadLocation: unknown,
    filesAnalyzed: false,
    checksums: [{ algorithm: 'SHA256', checksumValue: facts.tarball.sha256 }],
    licenseConcluded: unknown,
    licenseDeclared:
      declared.length === 0 || declared.includes(unknown) || facts.bundledPackages.length > 0
        ? unknown
        : terms.join(' AND '),
  };
}

function nodePackage(facts: SbomContent, node: LockedSpec): SpdxPackage {
  if (node.name === 'slurm') return slurmPackage(facts, node);
  return node.external !== undefined ? externalPackage(facts, node) : builtPackage(facts, node);
}

function slurmPackage(facts: SbomContent, node: LockedSpec): SpdxPackage {
  const { release, target } = facts;
  const { purls, supplier, downloadLocation, ...source } = slurmSource(release);
  return {
    SPDXID: nodeId(node),
    name: 'slurm',
    versionInfo: versionOf(target),
    primaryPackagePurpose: 'APPLICATION',
    ...{ supplier, downloadLocation },
    filesAnalyzed: false,
    ...source,
    licenseConcluded: unknown,
    licenseDeclared: licenceOf(facts, node),
    externalRefs: [
      {
        referenceCategory: 'SECURITY',
        referenceType: 'cpe23Type',
        referenceLocator: `cpe:2.3:a:schedmd:slurm:${release.version}:*:*:*:*:*:*:*`,
      },
      ...purls.map(purl),
      spackRef(node),
    ],
  };
}

function builtPackage(facts: SbomContent, node: LockedSpec): SpdxPackage {
  const recipe = facts.recipes.get(`${node.name}@${node.version}`);
  return {
    SPDXID: nodeId(node),
    name: node.name,
    versionInfo: node.version,
    supplier: unknown,
    downloadLocation: recipe?.source ?? unknown,
    filesAnalyzed: false,
    ...(recipe?.sha256 === undefined
      ? {}
      : { checksums: [{ algorithm: 'SHA256', checksumValue: recipe.sha256 }] }),
    licenseConcluded: unknown,
    licenseDeclared: licenceOf(facts, node),
    ...(facts.shipped.includes(node.hash) ? { licenseComments: inTarball(node.name) } : {}),
    externalRefs: [spackRef(node)],
  };
}

const inTarball = (name: string) => `The package's own statement is share/licenses/${name}/ of the tarball.`;

/** A spec that the distribution's own package stands for: its source is the distribution's, not upstream's. */
function externalPackage(facts: SbomContent, node: LockedSpec): SpdxPackage {
  const name = packagesOfExternals(facts.toolchain).get(node.name);
  const installed = name === undefined ? undefined : facts.distribution.get(name);
  const declared = licenceOf(facts, node);
  return {
    SPDXID: nodeId(node),
    name: installed?.name ?? node.name,
    versionInfo: installed?.version ?? node.version,
    ...distributionFields(facts, installed, declared),
    externalRefs: [
      ...(installed === undefined
        ? []
        : [purl(packageUrl(distroOf(facts.toolchain.packageManager), facts.toolchain.os, installed))]),
      spackRef(node),
    ],
  };
}

function runtimePackage(facts: SbomContent, name: string): SpdxPackage {
  const installed = facts.distribution.get(name);
  const spec = specOfRuntime(facts, name);
  const node = facts.lock.find((item) => item.name === spec);
  return {
    SPDXID: runtimeId(name),
    name,
    versionInfo: installed?.version ?? unknown,
    ...distributionFields(facts, installed, node === undefined ? unknown : licenceOf(facts, node)),
    ...(installed === undefined
      ? {}
      : {
          externalRefs: [
            purl(packageUrl(distroOf(facts.toolchain.packageManager), facts.toolchain.os, installed)),
          ],
        }),
  };
}

/** A package of the distribution whose libraries came into the tarball, with its statement of the licence. */
function bundledPackage(facts: SbomContent, name: string): SpdxPackage {
  return {
    ...runtimePackage(facts, name),
    SPDXID: bundledId(name),
    licenseComments: inTarball(name),
  };
}

function distributionFields(
  { toolchain }: SbomContent,
  installed: DistributionPackage | undefined,
  declared: string,
): Omit<SpdxPackage, 'SPDXID' | 'name' | 'versionInfo'> {
  const file = installed && distroOf(toolchain.packageManager).copyrightFile(installed.name);
  const copyright = file === undefined ? '' : ` The package's own statement is ${file}.`;
  return {
    supplier: `Organization: ${toolchain.os.id}`,
    downloadLocation: unknown,
    filesAnalyzed: false,
    ...(installed === undefined ? {} : { sourceInfo: `Source package ${installed.source}.` }),
    licenseConcluded: unknown,
    licenseDeclared: declared,
    ...(declared === unknown ? {} : { licenseComments: `The licence of the project.${copyright}` }),
  };
}

function specOfRuntime({ toolchain }: SbomContent, name: string): string | undefined {
  if (name === distroOf(toolchain.packageManager).glibc.runtime) return 'glibc';
  return toolchain.dependencies.find((item) => item.runtime === name)?.spec;
}

/** The licence of a spec, NOASSERTION where the recipe's text is not an SPDX expression. */
function licenceOf({ recipes }: SbomContent, node: LockedSpec): string {
  const licence = licences[node.name] ?? recipes.get(`${node.name}@${node.version}`)?.licence;
  return licence !== undefined && /^[A-Za-z0-9.+()-]+( [A-Za-z0-9.+()-]+)*$/.test(licence)
    ? licence
    : unknown;
}

function relationships(facts: SbomContent, nodes: readonly LockedSpec[]): SpdxRelationship[] {
  const byHash = new Map(nodes.map((node) => [node.hash, node]));
  const found: SpdxRelationship[] = [
    { spdxElementId: document, relationshipType: 'DESCRIBES', relatedSpdxElement: tarballId },
    ...facts.shipped.flatMap((hash) => {
      const node = byHash.get(hash);
      return node === undefined ? [] : [relation(tarballId, 'CONTAINS', nodeId(node))];
    }),
    ...patchPackages(facts.release).flatMap(({ SPDXID }) =>
      nodes
        .filter(({ name }) => name === 'slurm')
        .map((node) => relation(SPDXID, 'PATCH_APPLIED', nodeId(node))),
    ),
    ...facts.runtimePackages.map((name) => relation(tarballId, 'DEPENDS_ON', runtimeId(name))),
    ...facts.bundledPackages.map((name) => relation(tarballId, 'CONTAINS', bundledId(name))),
    ...nodes.flatMap((node) =>
      node.dependencies.flatMap((edge) => {
        const other = byHash.get(edge.hash);
        return other === undefined ? [] : [edgeRelation(facts, node, other, edge.types)];
      }),
    ),
  ];
  const key = (item: SpdxRelationship) =>
    `${item.spdxElementId} ${item.relationshipType} ${item.relatedSpdxElement}`;
  return found.sort((a, b) => compare(key(a), key(b)));
}

function edgeRelation(
  facts: SbomContent,
  from: LockedSpec,
  to: LockedSpec,
  types: readonly string[],
): SpdxRelationship {
  const present = to.external !== undefined || facts.shipped.includes(to.hash);
  if (types.includes('link') && takenIn.includes(to.name)) {
    return relation(nodeId(from), 'STATIC_LINK', nodeId(to));
  }
  if (types.includes('link') && present) {
    const opened = facts.toolchain.dependencies.some((item) => item.spec === to.name && item.opened);
    return opened
      ? { ...relation(nodeId(from), 'DEPENDS_ON', nodeId(to)), comment: 'A plugin opens it by name.' }
      : relation(nodeId(from), 'DYNAMIC_LINK', nodeId(to));
  }
  if (types.includes('run')) return relation(nodeId(to), 'RUNTIME_DEPENDENCY_OF', nodeId(from));
  // What Spack built to link with, but is not in the tarball, nothing of the tarball loads.
  const tool = !types.includes('link') && !compiledAgainst.has(to.name);
  return relation(nodeId(to), tool ? 'BUILD_TOOL_OF' : 'BUILD_DEPENDENCY_OF', nodeId(from));
}

const relation = (
  spdxElementId: string,
  relationshipType: SpdxRelationship['relationshipType'],
  relatedSpdxElement: string,
): SpdxRelationship => ({ spdxElementId, relationshipType, relatedSpdxElement });

const purl = (referenceLocator: string): ExternalRef => ({
  referenceCategory: 'PACKAGE-MANAGER',
  referenceType: 'purl',
  referenceLocator,
});

/** Spack's own name of a spec, the hash included. */
const spackRef = (node: LockedSpec): ExternalRef => ({
  referenceCategory: 'OTHER',
  referenceType: 'spack',
  referenceLocator: `${node.name}@${node.version}/${node.hash}`,
});

// An SPDX id has letters, digits, dots and dashes only.
const plain = (text: string) => text.replaceAll('+', 'p').replaceAll(/[^A-Za-z0-9.-]/g, '-');
const nodeId = (node: LockedSpec) => `SPDXRef-Spec-${plain(node.name)}-${node.hash.slice(0, 7)}`;
const runtimeId = (name: string) => `SPDXRef-Runtime-${plain(name)}`;
const bundledId = (name: string) => `SPDXRef-Bundled-${plain(name)}`;
