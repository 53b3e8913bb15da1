import { dirname, join, resolve } from 'node:path';
import { InputError, NoEngineError } from '../base/errors.js';
import { checkMirror, makeFolder, mirrorFolder } from '../base/folders.js';
import type { Host } from '../base/host.js';
import type { ProcessRunner } from '../base/ports.js';
import { readPrivateKey } from '../bundle/signature.js';
import { contentKey } from '../cache/keys.js';
import { type CachePolicy, cachePolicy, policyNotice, type Trigger } from '../cache/policy.js';
import { makeSeal, type Seal } from '../cache/seal.js';
import { type BuildOptions, resolveOptions } from '../config/resolve.js';
import type { RawInputs } from '../config/schema.js';
import { type FoundEngine, findEngine } from '../container/engine.js';
import { definitionDigest, type ImageDefinition, machineDigest } from '../container/image.js';
import { containerLayout, type Layout, layoutBelow } from '../container/layout.js';
import { type Pin, resolveCommit } from '../spack/checkout.js';
import { type EnvironmentRequest, renderEnvironment } from '../spack/environment.js';
import { archOf, formatTarget, type Target } from '../targets/identifier.js';
import { resolveRelease } from '../targets/releases.js';
import type { Toolchain } from '../targets/toolchains.js';
import { buildName, containerOf } from './confine.js';
import type { Project } from './project.js';

/** What the caller of a build brings. */
export interface BuildRequest {
  /** Inputs by rising precedence. */
  readonly layers: readonly RawInputs[];
  readonly project: Project;
  readonly host: Host;
  /** Folder that relative paths of the inputs start from. */
  readonly cwd: string;
  /** Folder for clones and for what a build needs on the way. */
  readonly workRoot: string;
  /** Folder that cache entries pass through; the same for restore and save. */
  readonly transfer: string;
  readonly trigger: Trigger;
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
export interface BuildPlan {
  readonly options: BuildOptions;
  readonly target: Target;
  readonly identifier: string;
  readonly toolchain: Toolchain;
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
  /** What a user should know of these decisions. */
  readonly notices: readonly string[];
  /** Folder of the source mirror; undefined where it is not on this machine, or there is none. */
  readonly localMirror: string | undefined;
  readonly jobs: number;
  /** Absolute path of the folder for the results. */
  readonly outputDir: string;
  /** Everything of this build alone; removed at its end. */
  readonly buildFolder: string;
  /** The layout on this machine. */
  readonly hostLayout: Layout;
}

/**
 * Resolves the inputs and works out the content key. Asks the network only for refs that are no commits.
 * @throws InputError, NotYetError, ConfigurationError, SpackUnreachableError
 */
export async function planBuild(request: BuildRequest, process: ProcessRunner): Promise<BuildPlan> {
  const { project, host, cwd, workRoot } = request;
  const options = resolveOptions(request.layers, {
    toolchains: project.toolchains,
    resolveRelease: (wanted) => resolveRelease(project.releases, wanted),
  });
  await refuseBadMirror(options.sourceMirror, cwd);
  // Now, not after an hour.
  if (options.signing !== undefined) readPrivateKey(options.signing.privateKey);
  // So are the folders: before an engine or a cache is asked.
  await makeFolder(workRoot);
  await makeFolder(dirname(request.transfer));
  await makeFolder(resolve(cwd, options.outputDir), { input: 'output-dir' });
  const arch = archOf(host.arch);
  if (arch === undefined) {
    throw new InputError([{ input: 'runner', message: `its architecture ${host.arch} is not built for.` }]);
  }
  const target: Target = {
    version: options.release.version,
    toolchain: options.toolchain,
    gpu: options.gpu,
    arch,
  };
  const identifier = formatTarget(target);
  const { toolchain, dockerfile } = await project.loadToolchain(options.toolchain);
  const image = {
    toolchain,
    dockerfile,
    requirements: project.requirements,
    containerImage: options.containerImage,
  };
  const engine = await lookForEngine(options, host, toolchain, process);
  const builder =
    engine instanceof NoEngineError || engine.kind !== 'none'
      ? definitionDigest(image)
      : machineDigest(image);
  const [spackCommit, packagesCommit, overlayDigest, templates, scripts] = await Promise.all([
    resolveCommit(project.pins.spack.git, options.spackRef ?? project.pins.spack.commit, process),
    resolveCommit(project.pins.packages.git, options.packagesRef ?? project.pins.packages.commit, process),
    project.digest('spack-repo'),
    project.digest('templates'),
    project.digest('scripts/inside'),
  ]);
  const environment = renderEnvironment({
    ...environmentBase(options, toolchain, arch),
    layout: containerLayout,
    versionOf: () => 'system',
    sourceMirror: undefined,
  });
  const key = contentKey({
    target: identifier,
    builder,
    spackCommit,
    packagesCommit,
    overlay: overlayDigest,
    environment,
    templates,
    scripts,
  });
  const buildFolder = join(workRoot, buildName(key, request.runId));
  const seal = options.cacheSecret === undefined ? undefined : makeSeal(options.cacheSecret);
  const notice = policyNotice(options.cache, request.trigger, seal?.scope);
  const { sourceMirror } = options;
  const localMirror = sourceMirror === undefined ? undefined : mirrorFolder(sourceMirror, cwd);
  const clones = (name: string, commit: string) => join(workRoot, 'clones', `${name}-${commit}`);
  return {
    options,
    target,
    identifier,
    toolchain,
    image,
    engine,
    builder,
    pins: {
      spack: { name: 'spack', url: project.pins.spack.git, commit: spackCommit },
      packages: { name: 'packages', url: project.pins.packages.git, commit: packagesCommit },
    },
    overlayDigest,
    contentKey: key,
    policy: cachePolicy(options.cache, request.trigger, seal?.scope),
    seal,
    notices: notice === undefined ? [] : [notice],
    localMirror,
    jobs: options.jobs ?? host.cpus,
    outputDir: resolve(cwd, options.outputDir),
    buildFolder,
    hostLayout: {
      ...layoutBelow(buildFolder),
      spack: clones('spack', spackCommit),
      packages: clones('packages', packagesCommit),
      overlay: project.overlay,
      ...(localMirror === undefined ? {} : { sources: localMirror }),
    },
  };
}

/** The parts of an environment that options alone decide. */
export function environmentBase(
  options: BuildOptions,
  toolchain: Toolchain,
  arch: Target['arch'],
): Pick<EnvironmentRequest, 'spackVersion' | 'gpu' | 'debug' | 'arch' | 'toolchain'> {
  return { spackVersion: options.release.spack, gpu: options.gpu, debug: options.debug, arch, toolchain };
}

// A result that is in the cache needs no engine, so its absence is not an error yet.
async function lookForEngine(
  options: BuildOptions,
  host: Host,
  toolchain: Toolchain,
  process: ProcessRunner,
): Promise<FoundEngine | NoEngineError> {
  return findEngine(options.engine, host, toolchain, process).catch((error: unknown) => {
    if (error instanceof NoEngineError) return error;
    throw error;
  });
}

async function refuseBadMirror(mirror: string | undefined, cwd: string): Promise<void> {
  const message = mirror === undefined ? undefined : await checkMirror(mirror, cwd);
  if (message !== undefined) throw new InputError([{ input: 'source-mirror', message }]);
}

/** Name of this build's container: that of its folder. */
export function containerName(plan: BuildPlan): string {
  return containerOf(plan.buildFolder);
}
