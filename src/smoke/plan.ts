import { ConfigurationError, InputError } from '../base/errors.js';
import { sha256 } from '../base/files.js';
import { visible } from '../base/text.js';
import { proxyArguments } from '../container/variables.js';
import { type Repositories, repositoryArguments } from '../distro/distro.js';
import { distroOf } from '../distro/distros.js';
import type { ModuleSystem } from '../spack/modules.js';
import { driversOf } from '../targets/gpus.js';
import type { Target } from '../targets/identifier.js';
import { baseReference, type FittedToolchain, type Toolchain } from '../targets/toolchains.js';

/**
 * The checks that a target must pass, in the order in which they are told; functions of
 * `scripts/inside/smoke/checks/`. What is not promised is not checked.
 * @param further the tarball brings packages beside Slurm
 */
export function promisedChecks(
  target: Pick<Target, 'gpu'>,
  { switches: { on, off } }: Pick<FittedToolchain, 'switches'>,
  modules: readonly ModuleSystem[],
  further = false,
): string[] {
  const checks = [
    ...['no-compilers', 'install', 'libraries', 'build-prefix'],
    ...['database', 'munged', 'slurmdbd', 'slurmctld', 'slurmd', 'sinfo'],
    ...['srun', 'srun-tasks', 'sbatch', 'scancel', 'sacct'],
    ...['mpi-list', 'mpi-pmix', 'mpi-pmi2'],
    ...['lua', 'jwt', 'rest', 'rest-accounting'],
    ...modules.map((system) => `module-${system}`),
    ...(further ? modules.map((system) => `packages-${system}`) : []),
    ...driversOf(target.gpu, off).map(({ smokeCheck }) => smokeCheck),
    ...featureChecks.filter((variant) => on.includes(variant)),
    ...['configless', 'cgroup-v2'],
  ];
  return checks.filter((check) => !(variantsOf[check] ?? []).some((variant) => off.includes(variant)));
}

/** Checks of what is not in the default set, by the names of their variants. Of the others the audit loads the plugins. */
const featureChecks = ['contribs', 'hdf5', 'pyxis', 'sview'] as const;

/** The recipe's variants that a check is about; any other check is for all. */
const variantsOf: Readonly<Record<string, readonly string[]>> = {
  database: ['mysql'],
  slurmdbd: ['mysql'],
  sacct: ['mysql'],
  'mpi-pmix': ['pmix'],
  lua: ['lua'],
  jwt: ['jwt'],
  rest: ['restd'],
  'rest-accounting': ['restd', 'mysql'],
  'cgroup-v2': ['cgroup'],
};

/** An image with a distribution, what the tarball needs of it, and what a cluster has beside Slurm. */
export interface SmokeImage {
  /** By digest where the toolchain pins one. */
  readonly base: string;
  readonly packages: readonly string[];
  /** Packages that are unpacked beside the installed ones. */
  readonly unpacked: readonly string[];
  readonly repositories: Repositories;
  readonly dockerfile: string;
  readonly tag: string;
}

/**
 * The image of a smoke test: no compilers, no headers, only the packages that the manifest names.
 * @param containerImage image that takes the place of the toolchain's base
 * @throws ConfigurationError for a toolchain that says nothing of smoke tests
 */
export function smokeImage(
  toolchain: Toolchain,
  runtimePackages: readonly string[],
  containerImage: string | undefined,
): SmokeImage {
  const { packages: own, unpacked } = toolchain.smoke;
  const distro = distroOf(toolchain.packageManager);
  if (
    own.length === 0 ||
    ![...own, ...unpacked].every(distro.isPackageName) ||
    (!distro.unpacks && unpacked.length > 0)
  ) {
    throw new ConfigurationError(
      `toolchains/${toolchain.id}/toolchain.yaml lists no packages for a smoke test that can be installed.`,
      distro.unpacks
        ? 'List them under `smoke`.'
        : 'List them under `smoke.packages`; nothing can be unpacked on this distribution.',
    );
  }
  const strange = runtimePackages.filter((word) => !distro.isPackageName(word));
  if (strange.length > 0) {
    // They would be words of an install command.
    const some = strange.slice(0, 5).map((word) => `'${visible(word.slice(0, 100))}'`);
    throw new InputError([
      {
        input: 'tarball',
        message: `its manifest has runtimePackages that are no packages: ${some.join(', ')}.`,
      },
    ]);
  }
  const base = baseReference(toolchain, containerImage);
  const packages = [...new Set([...own, ...runtimePackages])].sort();
  const parts = { base, packages, unpacked, repositories: toolchain.repositories };
  const dockerfile = distro.smokeDockerfile;
  const hash = sha256(JSON.stringify([...Object.values(parts), dockerfile])).slice(0, 16);
  return { ...parts, dockerfile, tag: `slurm-factory/smoke:${toolchain.id}-${hash}` };
}

/** `docker build` arguments; the proxy's values are in the process's environment, see `engineEnvironment`. */
export function imageArguments(
  image: SmokeImage,
  base: string,
  proxy: Readonly<Record<string, string>>,
  context: string,
): string[] {
  const values = {
    BASE_IMAGE: base,
    ...repositoryArguments(image.repositories),
    PACKAGES: image.packages.join(' '),
    ...(image.unpacked.length === 0 ? {} : { UNPACKED: image.unpacked.join(' ') }),
  };
  return [
    'build',
    ...['--tag', image.tag],
    ...['--label', 'slurm-factory=smoke'],
    ...Object.entries(values).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
    ...proxyArguments(proxy),
    context,
  ];
}
