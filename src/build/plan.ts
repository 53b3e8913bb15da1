import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputError, NoEngineError } from '../base/errors.js';
import type { Host } from '../base/host.js';
import type { ProcessRunner } from '../base/ports.js';
import { readPrivateKey } from '../bundle/signature.js';
import { contentKey } from '../cache/keys.js';
import { type CachePolicy, cachePolicy, type Trigger } from '../cache/policy.js';
import { type Engine, findEngine } from '../container/engine.js';
import { definitionDigest, type ImageDefinition, machineDigest } from '../container/image.js';
import { containerLayout, type Layout, layoutBelow } from '../container/layout.js';
import { type BuildOptions, resolveOptions } from '../options/resolve.js';
import type { RawInputs } from '../options/schema.js';
import { type Pin, resolveCommit } from '../spack/checkout.js';
import { type EnvironmentRequest, renderEnvironment } from '../spack/environment.js';
import { archOf, formatTarget, type Target } from '../targets/identifier.js';
import { resolveRelease } from '../targets/releases.js';
import type { Toolchain } from '../targets/toolchains.js';
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
  /** Tells this run's folder and container from those of others on the machine. */
  readonly runId: string;
  /** Install what the machine lacks (engine: none only). */
  readonly installMissing: boolean;
}

/** All decisions of a build, taken before anything is started. */
export interface BuildPlan {
  readonly options: BuildOptions;
  readonly target: Target;
  readonly identifier: string;
  readonly toolchain: Toolchain;
  readonly image: ImageDefinition;
  /** What builds; the error is thrown once something has to be built. */
  readonly engine: Engine | NoEngineError;
  /** Digest of the builder image's definition, or of what a machine has in its place. */
  readonly builder: string;
  readonly pins: { readonly spack: Pin; readonly packages: Pin };
  readonly overlayDigest: string;
  readonly contentKey: string;
  readonly policy: CachePolicy;
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
  refuseMissingMirror(options.sourceMirror, cwd);
  // Now, not after an hour.
  if (options.signing !== undefined) readPrivateKey(options.signing.privateKey);
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
  const mirror = localMirror(options.sourceMirror);
  const buildFolder = join(workRoot, `build-${key.slice(0, 12)}-${request.runId}`);
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
    policy: cachePolicy(options.cache, request.trigger),
    jobs: options.jobs ?? host.cpus,
    outputDir: resolve(cwd, options.outputDir),
    buildFolder,
    hostLayout: {
      ...layoutBelow(buildFolder),
      spack: clones('spack', spackCommit),
      packages: clones('packages', packagesCommit),
      overlay: project.overlay,
      ...(mirror === undefined ? {} : { sources: resolve(cwd, mirror) }),
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

/** Path of a source mirror that is a directory of this machine, also where it is named by a `file://` address. */
export function localMirror(mirror: string | undefined): string | undefined {
  if (mirror === undefined || !/^[a-z0-9]+:\/\//i.test(mirror)) return mirror;
  if (!/^file:\/\//i.test(mirror)) return undefined;
  try {
    return fileURLToPath(mirror);
  } catch {
    throw new InputError([{ input: 'source-mirror', message: `'${mirror}' names no directory.` }]);
  }
}

// A result that is in the cache needs no engine, so its absence is not an error yet.
async function lookForEngine(
  options: BuildOptions,
  host: Host,
  toolchain: Toolchain,
  process: ProcessRunner,
): Promise<Engine | NoEngineError> {
  return findEngine(options.engine, host, toolchain, process).catch((error: unknown) => {
    if (error instanceof NoEngineError) return error;
    throw error;
  });
}

function refuseMissingMirror(mirror: string | undefined, cwd: string): void {
  const folder = localMirror(mirror);
  if (folder === undefined || existsSync(resolve(cwd, folder))) return;
  throw new InputError([{ input: 'source-mirror', message: `there is no directory '${mirror}'.` }]);
}

/** Name of this build's container: that of its folder. */
export function containerName(plan: BuildPlan): string {
  return `slurm-factory-${basename(plan.buildFolder)}`;
}
