/** Kinds of GPU support, and the processor architectures by their Debian and Docker names. */
export const gpus = ['none', 'cuda', 'rocm'] as const;
export type Gpu = (typeof gpus)[number];
export const archs = ['amd64', 'arm64'] as const;
export type Arch = (typeof archs)[number];

/** What is built: a release for a distribution, a kind of GPU and an architecture. */
export interface Target {
  /** `24.11.6` */
  readonly version: string;
  /** `bookworm` */
  readonly toolchain: string;
  readonly gpu: Gpu;
  readonly arch: Arch;
}

/** `slurm-24.11.6-bookworm-amd64`, with `-cuda` or `-rocm` behind it for a GPU target. */
export function formatTarget(target: Target): string {
  const base = `slurm-${target.version}-${target.toolchain}-${target.arch}`;
  return target.gpu === 'none' ? base : `${base}-${target.gpu}`;
}

/** The target that an identifier names; undefined when it is none. */
export function parseTarget(identifier: string): Target | undefined {
  const match = /^slurm-(\d+\.\d+\.\d+)-([a-z][a-z0-9]*)-(amd64|arm64)(?:-(cuda|rocm))?$/.exec(identifier);
  if (match === null) return undefined;
  const [, version, toolchain, arch, gpu] = match;
  if (version === undefined || toolchain === undefined) return undefined;
  return { version, toolchain, arch: arch as Arch, gpu: (gpu ?? 'none') as Gpu };
}

/** Architecture of a Node process by its Docker name; undefined for one that is not built for. */
export function archOf(nodeArch: string): Arch | undefined {
  return nodeArch === 'x64' ? 'amd64' : nodeArch === 'arm64' ? 'arm64' : undefined;
}

/** Spack's generic name of an architecture's target. */
export function spackTarget(arch: Arch): 'x86_64' | 'aarch64' {
  return arch === 'amd64' ? 'x86_64' : 'aarch64';
}
