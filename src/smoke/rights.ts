/** A right of root's that the smoke container keeps; all others are taken from it. */
export interface Right {
  /** Linux' name of the capability, without `CAP_`. */
  readonly capability: string;
  /** What needs it, one sentence. */
  readonly reason: string;
  /** The first check that fails without it. */
  readonly check: string;
}

/** docs/smoke.md has the same table, and a slow test takes each away in turn. */
export const rights: readonly Right[] = [
  {
    capability: 'SETGID',
    reason: 'slurmd drops supplementary groups, and daemons take groups of their own.',
    check: 'install',
  },
  {
    capability: 'SETUID',
    reason: 'munged, MariaDB, slurmctld and jobs run as users of their own.',
    check: 'munged',
  },
  {
    capability: 'CHOWN',
    reason: 'Keys, spool folders and the files of a job are given to the users that they are for.',
    check: 'munged',
  },
  {
    capability: 'DAC_OVERRIDE',
    reason: "slurmd, as root, works in the jobs' and the daemons' folders.",
    check: 'munged',
  },
  {
    capability: 'KILL',
    reason: 'Daemons and jobs of other users are signalled, as slurmd does when a job is cancelled.',
    check: 'munged',
  },
  {
    capability: 'NET_ADMIN',
    reason: 'The node gets an address, in a network of its own that leads nowhere.',
    check: 'slurmdbd',
  },
  {
    capability: 'SYS_NICE',
    reason: 'slurmstepd binds the tasks of other users to processors.',
    check: 'srun',
  },
  {
    capability: 'FOWNER',
    reason: "slurmstepd sets the mode of a job's PMIx folder when that is the user's already.",
    check: 'mpi-pmix',
  },
];

/** An engine shows a container its own cgroup read-only; to mount it anew takes these, with cgroup v2 only. */
export const cgroup2Rights: readonly string[] = [
  ...['--cgroupns', 'private'],
  ...['--cap-add', 'SYS_ADMIN'],
  ...['--security-opt', 'apparmor=unconfined'],
];

/** A whole cluster has some 250 threads. */
export const mostProcesses = 1024;

/** Bytes; a whole cluster takes some 300 MB, most of it MariaDB's. */
export const mostMemory = 2 * 2 ** 30;
