import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AuditReport } from '../../audit/run.js';
import { copyPlain } from '../../base/safe.js';
import { type FileKind, fileName, resultFiles } from '../../bundle/catalogue.js';
import { configHeaderPath, mostHeaderBytes, parseConfigHeader } from '../../bundle/configure.js';
import type { Further } from '../../bundle/further.js';
import type { Grafted } from '../../bundle/graft.js';
import {
  distributionCommand,
  parseRecipes,
  type Recipe,
  spackSbomPath,
  takenIn,
} from '../../bundle/ingredients.js';
import { type Manifest, type ManifestContent, makeManifest, namedFiles } from '../../bundle/manifest.js';
import { type InstalledEntry, renderInstaller } from '../../bundle/modules.js';
import { makeSbom } from '../../bundle/sbom.js';
import { type BundleFile, describeFile, formatSums } from '../../bundle/sums.js';
import type { Session } from '../../container/session.js';
import { type DistributionPackage, parseDistribution } from '../../distro/distro.js';
import { paddingFolder } from '../../spack/environment.js';
import type { Lock } from '../../spack/lock.js';
import { summarize } from '../../targets/own-environment.js';
import { longestPrefix } from '../../targets/relocation.js';
import type { Project } from '../project.js';
import type { ResolvedBuild } from '../resolve.js';
import type { Stage } from '../stage.js';
import type { Installed } from './installed.js';
import type { ResultFolder } from './pack.js';
import { makeResultFolder } from './result.js';

/** bytes; Spack's document of Slurm has 20,000 */
const mostSbomBytes = 1 << 26;

/** What the tarballs were made from. */
export interface Ingredients {
  readonly lock: Lock;
  /** Its text as it is handed out. */
  readonly lockFile: string;
  /** Slurm's prefix, as the session sees it, and those of further packages. */
  readonly prefix: string;
  readonly furtherPrefixes: readonly string[];
  readonly runtimePackages: readonly string[];
  /** Sonames that the software tarball needs from outside. */
  readonly neededLibraries: readonly string[];
  /** What the software tarball brings. */
  readonly grafted: Grafted;
  /** The packages beside Slurm that it brings. */
  readonly further: Further;
  /** All that lies in the software tarball. */
  readonly contents: readonly InstalledEntry[];
}

/** A result in its folder, which may still get the report of a smoke test. */
export interface Described {
  /** The folder of `makeResultFolder`. */
  readonly folder: string;
  readonly facts: ManifestContent;
}

/**
 * Takes the tarballs over from where the session wrote them, and writes what goes with them: installer, SBOM,
 * manifest and the sums of them all.
 */
export async function describe(
  build: ResolvedBuild,
  project: Project,
  session: Session,
  packed: ResultFolder,
  ingredients: Ingredients,
): Promise<Described> {
  const names = resultFiles(build.identifier);
  const folder = await makeResultFolder(build);
  const path = (name: string) => join(folder, name);
  const { lock, runtimePackages, grafted, further } = ingredients;
  const distribution = await installedPackages(build, session, ingredients);
  const installer = await installerOf(build, project, ingredients);
  await writeFile(path(names.installer), installer, { mode: 0o755 });
  const tarballs = await Promise.all(
    packed.tarballs.map(async (name) => ({
      name,
      ...(await copyPlain(packed.host, name, path(name), { mode: 0o644 })),
    })),
  );
  const software = tarballs.find((file) => file.name === names.software) as BundleFile;
  await writeJson(
    path(names.sbom),
    await describeIngredients(build, session, software, ingredients, distribution),
  );
  const lockName = fileName(build.identifier, 'lock');
  await writeFile(path(lockName), ingredients.lockFile);
  const described = await Promise.all(
    [names.installer, names.sbom, lockName].map((name) => describeFile(path(name))),
  );
  const facts: ManifestContent = {
    target: build.target,
    identifier: build.identifier,
    source: build.release.source,
    environment: summarize(build.own),
    dependencies: build.options.dependencies,
    features: build.toolchain.switches.on,
    externals: build.externals,
    contentKey: build.contentKey,
    spackCommit: build.pins.spack.commit,
    packagesCommit: build.pins.packages.commit,
    builder: build.builder,
    packageManager: build.toolchain.packageManager,
    specs: lock.specs.map(({ name, version, hash, external }) => ({
      name,
      version,
      hash,
      ...(external === undefined ? {} : { external }),
    })),
    runtimePackages,
    libraries: grafted.libraries.map(({ name, soname, package: from, spec }) => ({
      ...{ name, soname },
      ...(from === null ? {} : { package: from, version: distribution.get(from)?.version ?? '' }),
      ...builtFrom(lock, spec),
    })),
    configure: await configureResults(session, ingredients.prefix),
    packages: describePackages(lock, further),
    files: [...tarballs, ...described],
  };
  await sumUp({ folder, facts });
  return { folder, facts };
}

async function installerOf(
  build: ResolvedBuild,
  project: Project,
  { neededLibraries, runtimePackages, further, contents }: Ingredients,
): Promise<string> {
  return renderInstaller(
    await project.template('install.sh'),
    build.target,
    {
      ...{ os: build.toolchain.os, packageManager: build.toolchain.packageManager },
      room: further.width === null ? undefined : longestPrefix(further.width),
      ...(build.target.dependencies === 'system'
        ? {}
        : {
            brings: {
              libraries: project.libraries,
              needed: neededLibraries,
              features: build.toolchain.switches.on,
            },
          }),
    },
    runtimePackages,
    contents,
  );
}

/** Adds a file that the manifest names to a result; what was described already stays as it is. */
export async function addFile(
  { folder, facts }: Described,
  kind: FileKind,
  content: string,
): Promise<Described> {
  const path = join(folder, fileName(facts.identifier, kind));
  await writeFile(path, content);
  const described = { folder, facts: { ...facts, files: [...facts.files, await describeFile(path)] } };
  await sumUp(described);
  return described;
}

/** Writes manifest and sums. */
async function sumUp({ folder, facts }: Described): Promise<void> {
  const manifest = makeManifest(facts);
  const path = join(folder, fileName(facts.identifier, 'manifest'));
  await writeJson(path, manifest);
  const files = [...namedFiles(manifest), await describeFile(path)];
  await writeFile(join(folder, fileName(facts.identifier, 'sums')), formatSums(files));
}

/** What configure found out, of a recipe that keeps it; what a build wrote may be a link to something endless. */
async function configureResults({ exec, layout }: Session, prefix: string) {
  const header = await exec(['head', '-c', String(mostHeaderBytes), `${prefix}/${configHeaderPath}`]);
  const folders = [layout.store, layout.buildStage, paddingFolder];
  return parseConfigHeader(header.exitCode === 0 ? header.stdout : '', prefix, folders);
}

/** The distribution's packages that libraries were taken from, sorted, each once. */
const packagesOf = ({ libraries }: Grafted): string[] =>
  [...new Set(libraries.flatMap((library) => library.package ?? []))].sort();

/** What of Spack's a library was built from, for the manifest. */
function builtFrom({ specs }: Lock, hash: string | null): { spec?: string; version?: string } {
  const found = specs.find((spec) => spec.hash === hash);
  return found === undefined ? {} : { spec: found.name, version: found.version };
}

/** Packages beside Slurm, for the manifest. */
function describePackages(
  { specs, further: asked }: Lock,
  { packages }: Further,
): NonNullable<Manifest['packages']> {
  return packages.flatMap(({ hash, path }) => {
    const found = specs.find((spec) => spec.hash === hash);
    if (found === undefined) return [];
    return [{ spec: found.name, version: found.version, hash, path, asked: asked.includes(found) }];
  });
}

/** The packages that were linked, are needed or came into the tarball: as the builder image has them, or newer. */
async function installedPackages(
  build: ResolvedBuild,
  session: Session,
  { runtimePackages, grafted }: Ingredients,
): Promise<Map<string, DistributionPackage>> {
  const names = [...runtimePackages, ...packagesOf(grafted)];
  // A package that is not installed makes the query fail; it is then left out.
  const queried = await session.exec(distributionCommand(build.toolchain, names));
  const updates = grafted.updates.map((item) => [item.name, item] as const);
  return new Map([...parseDistribution(queried.stdout), ...updates]);
}

async function describeIngredients(
  build: ResolvedBuild,
  session: Session,
  tarball: BundleFile,
  { lock, prefix, furtherPrefixes, runtimePackages, grafted, further }: Ingredients,
  distribution: ReadonlyMap<string, DistributionPackage>,
) {
  return makeSbom({
    target: build.target,
    identifier: build.identifier,
    contentKey: build.contentKey,
    release: build.release,
    toolchain: build.toolchain,
    tarball,
    lock: lock.specs,
    shipped: [
      ...new Set([
        lock.root.hash,
        ...lock.specs.filter(({ name }) => takenIn.includes(name)).map(({ hash }) => hash),
        ...grafted.libraries.flatMap(({ spec }) => spec ?? []),
        ...further.packages.map(({ hash }) => hash),
      ]),
    ],
    recipes: await recipesOf(session, [prefix, ...furtherPrefixes]),
    distribution,
    runtimePackages,
    bundledPackages: packagesOf(grafted),
  });
}

/** What the recipes of installed packages say, and of what is below them in the graph. */
async function recipesOf(session: Session, prefixes: readonly string[]): Promise<Map<string, Recipe>> {
  const found: [string, Recipe][] = [];
  for (const prefix of prefixes) {
    // A build may have made it a link to something endless.
    const read = await session.exec(['head', '-c', String(mostSbomBytes), `${prefix}/${spackSbomPath}`]);
    found.push(...parseRecipes(read.exitCode === 0 ? read.stdout : undefined));
  }
  return new Map(found);
}

const writeJson = (path: string, value: unknown): Promise<void> =>
  writeFile(path, `${JSON.stringify(value, undefined, 2)}\n`);

/** Writes what goes with the tarballs, and takes all of it to a folder that no container sees. */
export const describeStage: Stage<
  {
    readonly session: Session;
    readonly packed: ResultFolder;
    readonly lock: Lock;
    readonly lockFile: string;
    readonly installed: Installed;
    readonly grafted: Grafted;
    readonly further: Further;
    readonly audited: AuditReport;
  },
  { readonly described: Described }
> = {
  id: 'describe',
  run: async (
    { build, request },
    { session, packed, lock, lockFile, installed, grafted, further, audited },
  ) => ({
    described: await describe(build, request.project, session, packed, {
      ...{ lock, lockFile },
      prefix: installed.prefix,
      furtherPrefixes: installed.further.map(({ prefix }) => prefix),
      runtimePackages: audited.runtimePackages,
      neededLibraries: audited.neededLibraries,
      grafted,
      further,
      contents: audited.contents,
    }),
  }),
};
