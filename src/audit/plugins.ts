import { type Gpu, gpuKinds } from '../targets/gpus.js';
import type { Target } from '../targets/identifier.js';
import { compareVersions } from '../targets/releases.js';
import type { InventoryRequest } from './facts.js';

/** Files that a target promises to have, all of them for one reason. */
export interface Promised {
  readonly feature: string;
  /** What to look at when one of them is missing. */
  readonly needs: string;
  /** Paths below the top folder; `*` stands for any part of a name, and one such file is enough. */
  readonly files: readonly string[];
  /** First series that has them: `23.11`. */
  readonly since?: string;
  /** Only the targets of one kind of GPU have them. */
  readonly gpu?: Gpu;
}

const plugin = (...names: string[]): string[] => names.map((name) => `lib/slurm/${name}.so`);

/** What every build of the recipe's default variants has: `_expected` of the recipe, for the finished tarball. */
export const promises: readonly Promised[] = [
  {
    feature: 'commands',
    needs: 'the build log',
    files: ['sinfo', 'srun', 'sbatch', 'squeue', 'scontrol', 'sacctmgr'].map((name) => `bin/${name}`),
  },
  {
    feature: 'daemons',
    needs: 'the build log',
    files: ['slurmctld', 'slurmd', 'slurmdbd', 'slurmstepd'].map((name) => `sbin/${name}`),
  },
  { feature: 'sackd', needs: 'the build log', files: ['sbin/sackd'], since: '23.11' },
  {
    feature: 'headers',
    needs: 'the build log',
    files: ['include/slurm/slurm.h', 'include/slurm/spank.h'],
  },
  {
    feature: 'manual pages',
    needs: 'the build log',
    files: ['share/man/man1/srun.1', 'share/man/man8/slurmd.8'],
  },
  { feature: 'munge', needs: 'munge', files: plugin('auth_munge', 'cred_munge') },
  {
    feature: 'JSON and YAML',
    needs: 'json-c and libyaml',
    files: plugin('serializer_json', 'serializer_yaml'),
  },
  {
    feature: 'PMI-1 and PMI-2',
    needs: 'the build log',
    files: ['lib/libpmi.so', 'lib/libpmi2.so', ...plugin('mpi_pmi2')],
  },
  { feature: 'nss_slurm', needs: 'the build log', files: ['lib/libnss_slurm.so.2'] },
  { feature: 'task affinity', needs: 'hwloc', files: plugin('task_affinity') },
  {
    feature: 'cgroup v2',
    needs: 'dbus and linux/bpf.h',
    files: plugin('cgroup_v2', 'proctrack_cgroup', 'task_cgroup'),
  },
  { feature: 'JSON web tokens', needs: 'libjwt', files: plugin('auth_jwt') },
  {
    feature: 'REST',
    needs: 'http-parser, json-c and libjwt',
    files: ['sbin/slurmrestd', ...plugin('rest_auth_local', 'rest_auth_jwt', 'openapi_*')],
  },
  { feature: 'REST', needs: 'json-c', files: plugin('data_parser_v*'), since: '23.02' },
  { feature: 'REST', needs: 'http-parser', files: plugin('http_parser_libhttp_parser'), since: '25.11' },
  { feature: 'MySQL accounting', needs: 'mariadb-c-client', files: plugin('accounting_storage_mysql') },
  { feature: 'PMIx', needs: 'pmix', files: plugin('mpi_pmix') },
  {
    feature: 'PAM',
    needs: 'linux-pam',
    files: ['lib/security/pam_slurm.so', 'lib/security/pam_slurm_adopt.so'],
  },
  { feature: 'Lua', needs: 'lua', files: plugin('job_submit_lua', 'cli_filter_lua') },
  { feature: 'HTTP', needs: 'curl', files: plugin('jobcomp_elasticsearch', 'acct_gather_profile_influxdb') },
  { feature: 'NVML', needs: 'nvml', files: plugin('gpu_nvml'), gpu: 'cuda' },
  { feature: 'ROCm SMI', needs: 'rocm-smi-lib', files: plugin('gpu_rsmi'), gpu: 'rocm' },
];

/** What one target promises. */
export function promisedBy(target: Pick<Target, 'version' | 'gpu'>): Promised[] {
  return promises.filter(
    ({ since, gpu }) =>
      (since === undefined || compareVersions(target.version, series(since)) >= 0) &&
      (gpu === undefined || gpu === target.gpu),
  );
}

// `23.02` as the releases write it: 23.02.0.
const series = (name: string): string => `${name}.0`;

/** Whether a path is one that a pattern of `Promised.files` means. */
export function matches(pattern: string, path: string): boolean {
  const source = pattern
    .split('*')
    .map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('[^/]*');
  return new RegExp(`^${source}$`).test(path);
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
  ...Object.values(gpuKinds).flatMap(({ plugin, driverFunctions }) =>
    plugin === undefined || driverFunctions === undefined
      ? []
      : [{ file: `*/lib/slurm/${plugin}.so`, driver: driverFunctions }],
  ),
];
