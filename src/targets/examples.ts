/** Example configurations: they lie in `templates/` and in the software tarball under the same paths. */
const names = ['cgroup.conf', 'gres.conf', 'job_submit.lua', 'slurm.conf', 'slurmdbd.conf'] as const;

/** Their paths below the tarball's top folder, and below `templates/`. */
export const examplePaths: readonly string[] = names.map((name) => `etc/${name}.example`);
