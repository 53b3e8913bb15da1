import type { Feature } from '../targets/features.js';
import { driversOf, gpuDrivers, isGpuVariant } from '../targets/gpus.js';
import type { Target } from '../targets/identifier.js';
import { hasCome } from '../targets/releases.js';
import type { FittedToolchain } from '../targets/toolchains.js';
import type { InventoryRequest } from './inventory.js';

/** Files that a target promises to have, all of them for one reason. */
export interface Promised {
  readonly feature: string;
  /** What to look at when one of them is missing. */
  readonly needs: string;
  /** Paths below the top folder; `*` stands for any part of a name, and one such file is enough. */
  readonly files: readonly string[];
}

/** What one target promises: the files of the recipe's features, of which no variant may be missing. */
export function promisedBy(
  target: Pick<Target, 'version' | 'gpu'>,
  features: readonly Feature[],
  { switches: { off } }: Pick<FittedToolchain, 'switches'>,
): Promised[] {
  const drivers = driversOf(target.gpu, off).map(({ variant }) => variant);
  return features
    .filter(
      ({ since, variant, files }) =>
        files.length > 0 &&
        (since === undefined || hasCome(since, target.version)) &&
        (variant === undefined ||
          (isGpuVariant(variant) ? drivers.includes(variant) : !off.includes(variant))),
    )
    .map(({ feature, needs, files }) => ({ feature, needs: listed(needs), files }));
}

/** `a, b and c` */
function listed(needs: readonly string[]): string {
  const last = needs.at(-1) ?? 'the build log';
  return needs.length < 2 ? last : `${needs.slice(0, -1).join(', ')} and ${last}`;
}

/**
 * Programs that shared objects are loaded into, in the order they are tried in. Slurm's plugins leave
 * symbols open that the daemon they are for has.
 */
export const hosts: readonly string[] = [
  'sbin/slurmctld',
  'sbin/slurmd',
  'sbin/slurmstepd',
  'sbin/slurmrestd',
  'sbin/slurmdbd',
  'bin/srun',
];

/**
 * What is open before a plugin is: a library that Slurm or the plugin itself opens by name. A driver's library
 * is on no builder; a stand-in with the functions that the plugin asks for, by the start of their names, is
 * made for the audit alone.
 */
export const companions: InventoryRequest['companions'] = [
  { file: '*/lib/slurm/mpi_pmix*.so', library: 'libpmix.so.2' },
  // UCX goes with the host's network.
  { file: '*/lib/slurm/mpi_pmix*.so', driver: 'ucp_' },
  { file: '*/lib/slurm/mpi_pmix*.so', driver: 'ucs_' },
  // Perl itself, which loads them.
  { file: '*/lib/perl5/auto/*.so', library: 'libperl.so.5.*' },
  ...gpuDrivers.map(({ plugin, driverFunctions }) => ({
    file: `*/lib/slurm/${plugin}.so`,
    driver: driverFunctions,
  })),
];
