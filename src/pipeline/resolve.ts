import { dirname, join, resolve } from 'node:path';
import { InputError, NoEngineError } from '../base/errors.js';
import { checkNewFile, makeFolder, mirrorFolder } from '../base/folders.js';
import type { Host } from '../base/host.js';
import type { Ports, ProcessRunner } from '../base/ports.js';
import { readPrivateKey } from '../bundle/signature.js';
import { type CachePolicy, cachePolicy, policyNotice, type Trigger } from '../cache/policy.js';
import { makeSeal, type Seal } from '../cache/seal.js';
import type { Layer } from '../config/layers.js';
import { type BuildOptions, type Catalog, resolveOptions } from '../config/resolve.js';
import { type FoundEngine, findEngine } from '../container/engine.js';
import type { ImageDefinition } from '../container/image.js';
import { type Layout, layoutBelow } from '../container/layout.js';
import { type Pin, resolveCommit } from '../spack/checkout.js';
import { vulnerabilityOf } from '../targets/advisories.js';
import type { Target } from '../targets/identifier.js';
import type { OwnEnvironment } from '../targets/own-environment.js';
import { type BuiltRelease, resolveVersion } from '../targets/source.js';
import { supportNotice } from '../targets/support.js';
import type { FittedToolchain } from '../targets/toolchains.js';
import { archOn } from './arch.js';
import { buildName } from './confine.js';
import { Decisions } from './decisions.js';
import { lookAtExternals } from './externals.js';
import { hasOwnRecipes, withOverrides } from './key.js';
import { type Mirror, openMirror, pinsIn } from './mirror.js';
import { lookAtOwn, type OwnFiles, resolveOwn } from './own.js';
import type { Project } from './project.js';
import { resolveShared, type SharedCache } from './shared.js';
import { lookAtSources, type Patch, type RecipeAddition, resolveSource } from './source.js';

/** What the caller of a build brings. */
export interface BuildRequest {
  /** Inputs by their origin; those of the same origin by rising precedence. */
  readonly layers: readonly Layer[];
  readonly project: Project;
  readonly host: Host;
  /** Folder that relative paths of the inputs start from. */
  readonly cwd: string;
  /** Folder for clones and for what a build needs on the way. */
  readonly workRoot: string;
  /** Folder that cache entries pass through; the same for restore and save. */
  readonly transfer: string;
  readonly trigger: Trigger;
  /** Value of an environment variable that an input names. */
  readonly variable?: (name: string) => string | undefined;
  /** Environment of processes on the machine itself. */
  readonly env: Readonly<Record<string, string>>;
  /** Letters and digits that no other run has, on whatever machine: they name its folder and container. */
  readonly runId: string;
  /** Install what the machine lacks (engine: none only). */
  readonly installMissing: boolean;
  /** Leave the container and the folder of a build that failed, for a look into them. */
  readonly keepContainer?: boolean;
}

/** All decisions of a build, taken before anything is started. */
export interface ResolvedBuild {
  readonly options: BuildOptions;
  readonly release: BuiltRelease;
  /** What our recipe is told of a source of its own; undefined for a release as `data/` has it. */
  readonly addition: RecipeAddition | undefined;
  /** What its user adds in Spack's own words. */
  readonly own: OwnEnvironment;
  readonly target: Target;
  readonly identifier: string;
  /** As the build sees it: see `fitToolchain` and `selfContainedToolchain`. */
  readonly toolchain: FittedToolchain;
  /** Packages of a self-contained build that are the distribution's all the same. */
  readonly externals: readonly string[];
  readonly image: ImageDefinition;
  /** What builds; the error is thrown once something has to be built. */
  readonly engine: FoundEngine | NoEngineError;
  /** Digest of the builder image's definition, or of what a machine has in its place. */
  readonly builder: string;
  readonly pins: { readonly spack: Pin; readonly packages: Pin };
  readonly overlayDigest: string;
  readonly contentKey: string;
  readonly policy: CachePolicy;
  /** Of the build's secret, where it has one. */
  readonly seal: Seal | undefined;
  /** The build cache that machines share, where there is one. */
  readonly shared: SharedCache | undefined;
  /** What a user should know of these decisions. */
  readonly notices: readonly string[];
  /** What there is to say of a series that is supported no more. */
  readonly unsupported: string | undefined;
  /** What is known against the release; undefined for one without any. */
  readonly vulnerability: string | undefined;
  /** Folder of the source mirror; undefined where it is not on this machine, or there is none. */
  readonly localMirror: string | undefined;
  /** What else that folder has, where `mirror create` has made it. */
  readonly mirror: Mirror | undefined;
  readonly jobs: number;
  /** Absolute path of the folder for the results. */
  readonly outputDir: string;
  /** Absolute path of the file for the report as JUnit XML; undefined where none is asked for. */
  readonly junit: string | undefined;
  /** Everything of this build alone; removed at its end. */
  readonly buildFolder: string;
  /** The layout on this machine. */
  readonly hostLayout: Layout;
}

/**
 * Resolves the inputs and works out the content key. Asks the network only for refs that are no commits
 * and for a source of Slurm that `data/` does not have.
 * @throws InputError, ConfigurationError, SpackUnreachableError, SourceError, ChecksumError
 */
export async function resolveBuild(
  request: BuildRequest,
  ports: Pick<Ports, 'process' | 'web' | 'signal'>,
): Promise<ResolvedBuild> {
  const { process } = ports;
  const { project, host, cwd, workRoot } = request;
  const { options, patches, ownFiles } = await checkedOptions(request);
  const { release, addition } = await resolveSource(options, patches, { project, cwd, workRoot, ports });
  const vulnerability = vulnerabilityOf(release, project.advisories);
  if (vulnerability !== undefined && options.denyVulnerable) {
    throw new InputError([{ input: 'slurm-version', message: vulnerability }]);
  }
  const own = await resolveOwn(options, ownFiles, { cwd, workRoot, process });
  const decisions = new Decisions(project);
  const chosen = await decisions.choose(options, release, archOn(host), own);
  const engine = await lookForEngine(options, host, chosen.toolchain, process);
  const inImage = engine instanceof NoEngineError || engine.kind !== 'none';
  const { sourceMirror } = options;
  const localMirror = sourceMirror === undefined ? undefined : mirrorFolder(sourceMirror, cwd);
  const mirror = localMirror === undefined ? undefined : await openMirror(localMirror);
  const pins = pinsIn(mirror, await resolvePins(options, project, process));
  const keyed = await decisions.key(chosen, pins, inImage);
  const { choice: _, ...decided } = chosen;
  const buildFolder = join(workRoot, buildName(keyed.contentKey, request.runId));
  const clone = ({ name, commit }: Pin) => join(workRoot, 'clones', `${name}-${commit}`);
  return {
    ...{ options, addition, ...decided, ...keyed },
    ...{ pins, engine, localMirror, mirror, buildFolder, vulnerability },
    ...withOverrides(trustOf(options, request.trigger), { options, ...decided }),
    shared: resolveShared(options, request),
    unsupported: supportNotice(project.support, release.series, new Date().toISOString().slice(0, 10)),
    jobs: options.jobs ?? Math.min(host.cpus, Math.ceil(options.containerCpu ?? host.cpus)),
    outputDir: resolve(cwd, options.outputDir),
    junit: options.junit === undefined ? undefined : resolve(cwd, options.junit),
    hostLayout: {
      ...layoutBelow(buildFolder),
      spack: clone(pins.spack),
      recipes: clone(pins.packages),
      ...(hasOwnRecipes({ addition, ...decided }) ? {} : { overlay: project.overlay }),
      ...(localMirror === undefined ? {} : { sources: localMirror }),
    },
  };
}

/** What the inputs choose from. */
export const catalogOf = ({ toolchains, features, releases }: Project): Catalog => ({
  toolchains,
  variants: features.variants,
  resolveVersion: (wanted) => resolveVersion(releases, wanted),
});

/** The inputs, checked, and the folders that they name: now, not after an hour, and before an engine is asked. */
async function checkedOptions({ layers, project, host, cwd, workRoot, transfer }: BuildRequest): Promise<{
  readonly options: BuildOptions;
  readonly patches: readonly Patch[];
  readonly ownFiles: OwnFiles;
}> {
  const { problems, patches } = await lookAtSources(layers, cwd);
  const own = await lookAtOwn(layers, cwd);
  const catalog = catalogOf(project);
  const wrongNames = await lookAtExternals(layers, archOn(host), project);
  const options = resolveOptions(layers, catalog, [...problems, ...own.problems, ...wrongNames]);
  if (options.signing !== undefined) readPrivateKey(options.signing.privateKey);
  await makeFolder(workRoot);
  await makeFolder(dirname(transfer));
  await makeFolder(resolve(cwd, options.outputDir), { input: 'output-dir' });
  if (options.junit !== undefined) await checkNewFile(resolve(cwd, options.junit), 'junit');
  return { options, patches, ownFiles: own.files };
}

/** The commits that refs mean. */
export async function resolvePins(
  { spackRef, packagesRef }: Pick<BuildOptions, 'spackRef' | 'packagesRef'>,
  { pins: { spack, packages } }: Project,
  process: ProcessRunner,
): Promise<ResolvedBuild['pins']> {
  const [spackCommit, packagesCommit] = await Promise.all([
    resolveCommit(spack.git, spackRef ?? spack.commit, process),
    resolveCommit(packages.git, packagesRef ?? packages.commit, process),
  ]);
  return {
    spack: { name: 'spack', url: spack.git, commit: spackCommit },
    packages: { name: 'packages', url: packages.git, commit: packagesCommit },
  };
}

/** Whose cache entries are believed, and what a user should know of that. */
function trustOf(
  { cache, cacheSecret }: BuildOptions,
  trigger: Trigger,
): Pick<ResolvedBuild, 'policy' | 'seal' | 'notices'> {
  const seal = cacheSecret === undefined ? undefined : makeSeal(cacheSecret);
  const notice = policyNotice(cache, trigger, seal?.scope);
  return {
    policy: cachePolicy(cache, trigger, seal?.scope),
    seal,
    notices: notice === undefined ? [] : [notice],
  };
}

// A result that is in the cache needs no engine, so its absence is not an error yet.
async function lookForEngine(
  options: BuildOptions,
  host: Host,
  toolchain: FittedToolchain,
  process: ProcessRunner,
): Promise<FoundEngine | NoEngineError> {
  return findEngine(options.engine, host, toolchain, process).catch((error: unknown) => {
    if (error instanceof NoEngineError) return error;
    throw error;
  });
}
