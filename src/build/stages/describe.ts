import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  distributionCommand,
  parseDistribution,
  parseLockGraph,
  parseRecipes,
  spackSbomPath,
} from '../../bundle/ingredients.js';
import { makeManifest } from '../../bundle/manifest.js';
import { renderInstaller } from '../../bundle/modules.js';
import { makeSbom } from '../../bundle/sbom.js';
import { type BundleFile, describeFile, formatSums } from '../../bundle/sums.js';
import type { Session } from '../../container/session.js';
import { builtSpecs, type Lock } from '../../spack/results.js';
import type { BuildPlan } from '../plan.js';
import type { Project } from '../project.js';
import { resultFiles } from '../report.js';
import { lockText } from './lock.js';
import type { ResultFolder } from './pack.js';

/** bytes; Spack's document of Slurm has 20,000 */
const mostSbomBytes = 1 << 26;

/** What the tarballs were made from. */
export interface Ingredients {
  readonly lock: Lock;
  /** Slurm's prefix, as the session sees it. */
  readonly prefix: string;
  readonly runtimePackages: readonly string[];
}

/** Writes what goes with the tarballs: installer, SBOM, manifest and the sums of them all. */
export async function describe(
  plan: BuildPlan,
  project: Project,
  session: Session,
  folder: ResultFolder,
  ingredients: Ingredients,
): Promise<void> {
  const names = resultFiles(plan.identifier);
  const path = (name: string) => join(folder.host, name);
  const { lock, runtimePackages } = ingredients;
  const installer = renderInstaller(
    await project.template('install.sh'),
    plan.target,
    plan.toolchain,
    runtimePackages,
  );
  await writeFile(path(names.installer), installer, { mode: 0o755 });
  const tarballs = await Promise.all(folder.tarballs.map((name) => describeFile(path(name))));
  const software = tarballs.find((file) => file.name === names.software) as BundleFile;
  await writeJson(path(names.sbom), await describeIngredients(plan, session, software, ingredients));
  const [installerFile, sbom] = await Promise.all([
    describeFile(path(names.installer)),
    describeFile(path(names.sbom)),
  ]);
  const manifest = makeManifest({
    target: plan.target,
    identifier: plan.identifier,
    dependencies: plan.options.dependencies,
    contentKey: plan.contentKey,
    spackCommit: plan.pins.spack.commit,
    packagesCommit: plan.pins.packages.commit,
    builder: plan.builder,
    packageManager: plan.toolchain.packages,
    specs: lock.specs.map(({ name, version, hash, external }) => ({
      name,
      version,
      hash,
      ...(external === undefined ? {} : { external }),
    })),
    runtimePackages,
    files: [...tarballs, installerFile],
    sbom,
  });
  await writeJson(path(names.manifest), manifest);
  const manifestFile = await describeFile(path(names.manifest));
  await writeFile(path(names.sums), formatSums([...tarballs, installerFile, sbom, manifestFile]));
}

async function describeIngredients(
  plan: BuildPlan,
  session: Session,
  tarball: BundleFile,
  { lock, prefix, runtimePackages }: Ingredients,
) {
  const [text, recipes, distribution] = await Promise.all([
    lockText(plan),
    // A build may have made it a link to something endless.
    session.exec(['head', '-c', String(mostSbomBytes), `${prefix}/${spackSbomPath}`]),
    // A package that is not installed makes the query fail; it is then left out.
    session.exec(distributionCommand(plan.toolchain, runtimePackages)),
  ]);
  return makeSbom({
    target: plan.target,
    identifier: plan.identifier,
    contentKey: plan.contentKey,
    release: plan.options.release,
    toolchain: plan.toolchain,
    tarball,
    lock: parseLockGraph(text),
    shipped: builtSpecs(lock)
      .filter((spec) => spec.hash === lock.root.hash)
      .map((spec) => spec.hash),
    recipes: parseRecipes(recipes.exitCode === 0 ? recipes.stdout : undefined),
    distribution: parseDistribution(distribution.stdout),
    runtimePackages,
  });
}

const writeJson = (path: string, value: unknown): Promise<void> =>
  writeFile(path, `${JSON.stringify(value, undefined, 2)}\n`);
