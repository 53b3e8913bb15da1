import { matches } from '../base/text.js';
import type { Feature } from '../targets/features.js';
import { type Manifest, namedFiles } from './manifest.js';
import type { Side } from './side.js';

/** One thing that differs; undefined where one of the two has none of it. */
export interface Change {
  readonly name: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** A file that differs by its size, in bytes. */
export interface FileChange {
  readonly name: string;
  readonly before: number | undefined;
  readonly after: number | undefined;
}

/** What differs between two results; a part that only one of them tells of is empty. */
export interface Comparison {
  /** Release, toolchain, commits and the like. */
  readonly facts: readonly Change[];
  /** Specs of the lock, by their versions; with the same version by the beginning of their hash. */
  readonly packages: readonly Change[];
  /** Libraries that the tarballs bring, by the distribution's packages. */
  readonly libraries: readonly Change[];
  /** Packages of the distribution that are needed at run time. */
  readonly runtimePackages: readonly Change[];
  /** Features of the recipe that one has and the other has not. */
  readonly features: readonly Change[];
  /** What configure found out otherwise, by the names of config.h. */
  readonly configure: readonly Change[];
  /** The files that are handed out. */
  readonly results: readonly FileChange[];
  /** Files of the software tarballs. */
  readonly files: readonly FileChange[];
}

/** Compares two results by their manifests and the trees of their tarballs. */
export function compareSides(a: Side, b: Side, features: readonly Feature[]): Comparison {
  const both = a.manifest !== undefined && b.manifest !== undefined;
  const of = <T>(
    read: (manifest: Manifest) => Iterable<readonly [string, T]>,
  ): [Map<string, T>, Map<string, T>] =>
    both && a.manifest && b.manifest
      ? [new Map(read(a.manifest)), new Map(read(b.manifest))]
      : [new Map(), new Map()];
  const trees = a.tree !== undefined && b.tree !== undefined;
  const featuresOf = (tree: Side['tree']) => new Map(trees && tree ? featuresIn(tree, features) : []);
  // An older manifest has none.
  const configured = both && a.manifest?.configure !== undefined && b.manifest?.configure !== undefined;
  return {
    facts: changes(...of(factsOf)),
    packages: changes(...of(packagesOf)),
    libraries: changes(...of(librariesOf)),
    runtimePackages: changes(...of(({ runtimePackages }) => runtimePackages.map((name) => [name, 'needed']))),
    features: changes(featuresOf(a.tree), featuresOf(b.tree)),
    configure: configured ? changes(...of(configureOf)) : [],
    results: changes(...of(resultsOf)),
    files: trees && a.tree && b.tree ? changes(a.tree, b.tree) : [],
  };
}

/** Whether nothing differs. */
export const isSame = (comparison: Comparison): boolean =>
  Object.values(comparison).every((part: readonly unknown[]) => part.length === 0);

function changes<T>(
  before: ReadonlyMap<string, T>,
  after: ReadonlyMap<string, T>,
): { name: string; before: T | undefined; after: T | undefined }[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((name) => before.get(name) !== after.get(name))
    .sort()
    .map((name) => ({ name, before: before.get(name), after: after.get(name) }));
}

function factsOf(manifest: Manifest): [string, string][] {
  const { slurmVersion, toolchain, arch, gpu, dependencies, glibc, spack, builder, contentKey, source } =
    manifest;
  const facts = {
    ...{ release: slurmVersion, toolchain, arch, gpu, dependencies },
    source: source?.commit ?? source?.sha256,
    ...{ 'oldest glibc': glibc, Spack: spack.commit, 'spack-packages': spack.packagesCommit },
    ...{ 'builder image': builder, 'content key': contentKey },
  };
  return Object.entries(facts).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, /^[0-9a-f]{40,}$/.test(value) ? value.slice(0, 12) : value]],
  );
}

const packagesOf = ({ specs }: Manifest): [string, string][] =>
  specs.map(({ name, version, hash, external }) => [
    name,
    `${version}${external === undefined ? `/${hash.slice(0, 7)}` : ''}`,
  ]);

const librariesOf = ({ libraries = [] }: Manifest): [string, string][] =>
  libraries.map(({ soname, package: from, version = '' }) => [
    soname,
    from === undefined ? 'built' : `${from} ${version}`,
  ]);

const configureOf = ({ configure = [] }: Manifest): [string, string][] =>
  configure.map(({ name, value }) => [name, value === '' ? 'defined' : value]);

// A file is named after its target; what it is stands behind that.
const resultsOf = (manifest: Manifest): [string, number][] =>
  namedFiles(manifest).map(({ name, size }) => [name.slice(manifest.target.length + 1), size]);

function featuresIn(tree: ReadonlyMap<string, number>, features: readonly Feature[]): [string, string][] {
  const paths = [...tree.keys()];
  return features
    .filter(
      ({ files }) => files.length > 0 && files.every((file) => paths.some((path) => matches(file, path))),
    )
    .map(({ feature }) => [feature, 'there']);
}
