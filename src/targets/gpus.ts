/** Kinds of GPU support. */
export const gpus = ['none', 'cuda', 'rocm', 'oneapi', 'all'] as const;
/** A kind of GPU support. */
export type Gpu = (typeof gpus)[number];

/**
 * One vendor's interface to its GPUs. Slurm is compiled against its header; the library comes with the driver, and
 * slurmd opens it by name where it is there.
 */
export interface GpuDriver {
  /** Slurm's variant that switches it on. */
  readonly variant: string;
  /** Spack's package that brings the header, where none of the distribution's does; nothing of it is in a tarball. */
  readonly headerPackage?: string;
  /** Slurm's plugin, by its file name without `.so`. */
  readonly plugin: string;
  /** Start of the names of the functions that the plugin takes from the driver; see `companions` of the audit. */
  readonly driverFunctions: string;
  /** Libraries that come with the driver: the start of their names, and functions that they alone define. */
  readonly libraries: { readonly names: readonly string[]; readonly exports: readonly string[] };
  /** Check of the smoke test. */
  readonly smokeCheck: string;
  /** File that is there on a machine with such a GPU and its driver. */
  readonly device: string;
  /** Options of `docker run` and `podman run` that give a container the machine's GPUs: pairs of words. */
  readonly containerOptions: readonly (readonly [string, string])[];
}

// The distribution's own packages have these, so they may be called what they are called.
const noStub = { names: [], exports: [] } as const;

const nvml: GpuDriver = {
  variant: 'nvml',
  headerPackage: 'nvml',
  plugin: 'gpu_nvml',
  driverFunctions: 'nvml',
  libraries: {
    names: ['libnvidia-', 'libcuda.so', 'libnvcuvid.so'],
    exports: ['nvmlInit', 'nvmlInit_v2', 'nvmlInitWithFlags', 'cuInit'],
  },
  smokeCheck: 'gpu-nvml',
  device: '/dev/nvidiactl',
  containerOptions: [['--gpus', 'all']],
};

const rsmi: GpuDriver = {
  variant: 'rsmi',
  plugin: 'gpu_rsmi',
  driverFunctions: 'rsmi_',
  libraries: noStub,
  smokeCheck: 'gpu-rsmi',
  device: '/dev/kfd',
  containerOptions: [
    ['--device', '/dev/kfd'],
    ['--device', '/dev/dri'],
  ],
};

const oneapi: GpuDriver = {
  variant: 'oneapi',
  plugin: 'gpu_oneapi',
  driverFunctions: 'ze',
  libraries: noStub,
  smokeCheck: 'gpu-oneapi',
  device: '/dev/dri/renderD128',
  containerOptions: [['--device', '/dev/dri']],
};

/** All interfaces, by the names of their variants. */
export const gpuDrivers: readonly GpuDriver[] = [nvml, oneapi, rsmi];

/** All that differs by the kind of GPU support. */
export interface GpuKind {
  /** Values of the input that mean it besides its own name. */
  readonly words: readonly string[];
  /** What people write for it; it is only used to suggest the name. */
  readonly aliases: readonly string[];
  readonly drivers: readonly GpuDriver[];
}

export const gpuKinds: Readonly<Record<Gpu, GpuKind>> = {
  none: { words: ['false'], aliases: ['no', 'off', 'cpu'], drivers: [] },
  cuda: { words: ['true'], aliases: ['nvidia', 'nvml', 'yes', 'on'], drivers: [nvml] },
  rocm: { words: [], aliases: ['amd', 'hip', 'rsmi'], drivers: [rsmi] },
  oneapi: { words: [], aliases: ['intel', 'level-zero', 'levelzero', 'xe'], drivers: [oneapi] },
  all: { words: [], aliases: ['any', 'every'], drivers: gpuDrivers },
};

/**
 * The interfaces that a target of a kind has.
 * @param without variants that its toolchain can't have; `all` goes without them
 */
export const driversOf = (gpu: Gpu, without: readonly string[] = []): GpuDriver[] =>
  gpuKinds[gpu].drivers.filter(({ variant }) => !without.includes(variant));

/** Whether a toolchain can have a kind. */
export const hasGpu = (gpu: Gpu, without: readonly string[]): boolean =>
  gpu === 'none' || driversOf(gpu, without).length > 0;

const byWord = (words: (kind: GpuKind) => readonly string[]): Readonly<Record<string, Gpu>> =>
  Object.fromEntries(gpus.flatMap((gpu) => words(gpuKinds[gpu]).map((word) => [word, gpu])));

/** Values of the input that mean a kind, besides the kinds' own names. */
export const gpuSynonyms = byWord(({ words }) => words);

/** Words that are no value of the input, and the kind that their users most likely mean: `nvidia` for cuda. */
export const gpusMeant = byWord(({ aliases }) => aliases);

/** Whether a variant of Slurm is that of a kind of GPU. */
export const isGpuVariant = (name: string): boolean => gpuDrivers.some(({ variant }) => variant === name);

/** Files that tell of a GPU of any kind. */
export const gpuDevices: readonly string[] = gpuDrivers.map(({ device }) => device);

/** The libraries of all drivers. */
export const driverLibraries: GpuDriver['libraries'] = {
  names: gpuDrivers.flatMap(({ libraries }) => libraries.names),
  exports: gpuDrivers.flatMap(({ libraries }) => libraries.exports),
};

/**
 * Options that give a container the GPUs that a target is for.
 * @param devices those of `gpuDevices` that the machine has
 * @returns none where it has no such GPU
 */
export function gpuOptions(gpu: Gpu, devices: readonly string[]): string[] {
  const found = driversOf(gpu).filter(({ device }) => devices.includes(device));
  const options = found.flatMap(({ containerOptions }) => containerOptions);
  return [...new Map(options.map((option) => [option.join(' '), option])).values()].flat();
}
