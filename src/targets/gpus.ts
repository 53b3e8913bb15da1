/** Kinds of GPU support. */
export const gpus = ['none', 'cuda', 'rocm'] as const;
export type Gpu = (typeof gpus)[number];

/** All that differs by the kind of GPU support. */
export interface GpuKind {
  /** Values of the input that mean it besides its own name. */
  readonly words: readonly string[];
  /** What people write for it; it is only used to suggest the name. */
  readonly aliases: readonly string[];
  /** Variants of Slurm in the root spec. */
  readonly spec: string;
  /** Slurm's variant that switches it on. */
  readonly variant?: string;
  /** Spack's package that Slurm is compiled against; nothing of it is in a tarball. */
  readonly headerPackage?: string;
  /** Slurm's plugin, by its file name without `.so`. */
  readonly plugin?: string;
  /** Start of the names of the functions that the plugin takes from the driver; see `companions` of the audit. */
  readonly driverFunctions?: string;
  /** Libraries that come with the driver: the start of their names, and functions that they alone define. */
  readonly driverLibraries: { readonly names: readonly string[]; readonly exports: readonly string[] };
  /** Check of the smoke test. */
  readonly smokeCheck?: string;
  /** File that is there on a machine with such a GPU and its driver. */
  readonly device?: string;
  /** Options of `docker run` and `podman run` that give a container the machine's GPUs. */
  readonly containerOptions: readonly string[];
}

const noDriver = { names: [], exports: [] } as const;

export const gpuKinds: Readonly<Record<Gpu, GpuKind>> = {
  none: {
    words: ['false'],
    aliases: ['no', 'off', 'cpu'],
    spec: '~nvml',
    driverLibraries: noDriver,
    containerOptions: [],
  },
  cuda: {
    words: ['true'],
    aliases: ['nvidia', 'nvml', 'yes', 'on'],
    spec: '+nvml',
    variant: 'nvml',
    headerPackage: 'nvml',
    plugin: 'gpu_nvml',
    driverFunctions: 'nvml',
    driverLibraries: {
      names: ['libnvidia-', 'libcuda.so', 'libnvcuvid.so'],
      exports: ['nvmlInit', 'nvmlInit_v2', 'nvmlInitWithFlags', 'cuInit'],
    },
    smokeCheck: 'gpu-nvml',
    device: '/dev/nvidiactl',
    containerOptions: ['--gpus', 'all'],
  },
  rocm: {
    words: [],
    aliases: ['amd', 'hip', 'rsmi'],
    spec: '~nvml +rsmi',
    variant: 'rsmi',
    plugin: 'gpu_rsmi',
    driverFunctions: 'rsmi_',
    // ROCm SMI is a library of its own, which a tarball may hold.
    driverLibraries: noDriver,
    device: '/dev/kfd',
    containerOptions: ['--device', '/dev/kfd', '--device', '/dev/dri'],
  },
};

const kinds = gpus.map((gpu) => [gpu, gpuKinds[gpu]] as const);

const byWord = (words: (kind: GpuKind) => readonly string[]): Readonly<Record<string, Gpu>> =>
  Object.fromEntries(kinds.flatMap(([gpu, kind]) => words(kind).map((word) => [word, gpu])));

/** Values of the input that mean a kind, besides the kinds' own names. */
export const gpuSynonyms = byWord(({ words }) => words);

/** Words that are no value of the input, and the kind that their users most likely mean: `nvidia` for cuda. */
export const gpusMeant = byWord(({ aliases }) => aliases);

/** Whether a variant of Slurm is that of a kind of GPU. */
export const isGpuVariant = (name: string): boolean => kinds.some(([, { variant }]) => variant === name);

/** Files that tell of a GPU of any kind. */
export const gpuDevices: readonly string[] = kinds.flatMap(([, { device }]) => device ?? []);

/** The libraries of all drivers. */
export const driverLibraries: GpuKind['driverLibraries'] = {
  names: kinds.flatMap(([, kind]) => kind.driverLibraries.names),
  exports: kinds.flatMap(([, kind]) => kind.driverLibraries.exports),
};

/**
 * Options that give a container the GPUs that a target is for.
 * @param devices those of `gpuDevices` that the machine has
 * @returns none where it has no such GPU
 */
export function gpuOptions(gpu: Gpu, devices: readonly string[]): readonly string[] {
  const { device, containerOptions } = gpuKinds[gpu];
  return device !== undefined && devices.includes(device) ? containerOptions : [];
}
