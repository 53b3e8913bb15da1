import { choicePattern } from './feature-choice.js';
import { type Gpu, gpus } from './gpus.js';

/** Processor architectures by their Debian and Docker names. */
export const archs = ['amd64', 'arm64'] as const;
export type Arch = (typeof archs)[number];

/**
 * What becomes of the libraries that Slurm links: `system` needs the distribution's own, `bundled` has copies of
 * them in the tarball, `self-contained` has those that Spack built.
 */
export const dependencyKinds = ['system', 'bundled', 'self-contained'] as const;
export type Dependencies = (typeof dependencyKinds)[number];

/** What a target's identifier says. */
export interface TargetName {
  /** `24.11.6` */
  readonly version: string;
  /** Of a source that is not the release's own, see `sourceWord`: `p3f2a91c04b17`. */
  readonly source?: string | undefined;
  /** Of what its user has added to Spack's environment, see `environmentWord`: `e3f2a91c04b17`. */
  readonly environment?: string | undefined;
  readonly dependencies: Dependencies;
  /** Where the tarball runs: `bookworm` for `system`, else the oldest glibc that will do, `glibc2.34`. */
  readonly platform: string;
  /** Of a `self-contained` target that has packages of the distribution, see `externalsWord`: `x3f2a91c04b17`. */
  readonly externals?: string | undefined;
  readonly gpu: Gpu;
  readonly arch: Arch;
  /** What it has beside or without the default features, see `choiceWord`: `full`. */
  readonly features?: string | undefined;
}

/** What is built: a release for a platform, a kind of GPU and an architecture. */
export interface Target extends TargetName {
  /** Toolchain that it is built with, `bookworm`; only the identifier of a `system` target tells it. */
  readonly toolchain: string;
}

const toolchainId = /^[a-z][a-z0-9]*$/;
const withGpu = gpus.filter((gpu) => gpu !== 'none');

/** The release, with what tells a source and an environment of its own: `24.11.6`, `24.11.6.p3f2a91c04b17`. */
export const versionOf = ({
  version,
  source,
  environment,
}: Pick<TargetName, 'version' | 'source' | 'environment'>): string =>
  [version, source, environment].filter((part) => part !== undefined).join('.');

/**
 * `slurm-24.11.6-bookworm-amd64`, `slurm-24.11.6-glibc2.34-amd64` for a `bundled` target, with
 * `-self-contained` and what tells its externals, then the kind of GPU, then the features behind it.
 */
export function formatTarget(name: TargetName): string {
  const { dependencies, platform, gpu, arch, externals, features = '' } = name;
  const own = externals === undefined ? dependencies : `${dependencies}.${externals}`;
  const ends = [dependencies === 'self-contained' ? own : '', gpu === 'none' ? '' : gpu, features];
  return ['slurm', versionOf(name), platform, arch, ...ends.filter((end) => end !== '')].join('-');
}

const pattern = new RegExp(
  `^slurm-(?<version>\\d+\\.\\d+\\.\\d+)(?:\\.(?<source>p[0-9a-f]{12}))?(?:\\.(?<environment>e[0-9a-f]{12}))?-(?:(?<toolchain>[a-z][a-z0-9]*)|(?<glibc>glibc\\d+\\.\\d+))` +
    `-(?<arch>${archs.join('|')})(?<own>-self-contained(?:\\.(?<externals>x[0-9a-f]{12}))?)?` +
    `(?:-(?<gpu>${withGpu.join('|')}))?(?:-(?<features>${choicePattern}))?$`,
);

/** What an identifier says; undefined for a text that is none. */
export function parseTarget(identifier: string): TargetName | undefined {
  const {
    version,
    source,
    environment,
    toolchain,
    glibc,
    arch,
    own,
    externals,
    gpu = 'none',
    features,
  } = pattern.exec(identifier)?.groups ?? {};
  const platform = toolchain ?? glibc;
  if (version === undefined || platform === undefined) return undefined;
  // Spack's own libraries run on any distribution.
  if (own !== undefined && glibc === undefined) return undefined;
  const dependencies = glibc === undefined ? 'system' : own === undefined ? 'bundled' : 'self-contained';
  return {
    ...{ version, dependencies, platform, gpu: gpu as Gpu, arch: arch as Arch },
    ...(source === undefined ? {} : { source }),
    ...(environment === undefined ? {} : { environment }),
    ...(externals === undefined ? {} : { externals }),
    ...(features === undefined ? {} : { features }),
  };
}

/**
 * The target that an identifier names.
 * @param toolchain what a manifest or a record says; not needed for a `system` target, whose identifier says it
 * @returns undefined when that is missing, no toolchain's id or not the identifier's
 */
export function withToolchain(name: TargetName, toolchain?: string): Target | undefined {
  const id = toolchain ?? (name.dependencies === 'system' ? name.platform : undefined);
  if (id === undefined || !toolchainId.test(id)) return undefined;
  return name.dependencies === 'system' && name.platform !== id ? undefined : { ...name, toolchain: id };
}

/** The target of an identifier, with the toolchain that is said of it; undefined where they make none. */
export function readTarget(identifier: string, toolchain?: string): Target | undefined {
  const name = parseTarget(identifier);
  return name && withToolchain(name, toolchain);
}

/** Architecture of a Node process by its Docker name; undefined for one that is not built for. */
export function archOf(nodeArch: string): Arch | undefined {
  return nodeArch === 'x64' ? 'amd64' : nodeArch === 'arm64' ? 'arm64' : undefined;
}

/** Spack's generic name of an architecture's target. */
export function spackTarget(arch: Arch): 'x86_64' | 'aarch64' {
  return arch === 'amd64' ? 'x86_64' : 'aarch64';
}
