// The installer on the cold result, in a container of the distribution's own image.
import { docker, type Left, type Prepared, presentBase, timed } from './bench.js';

/** Seconds of `install.sh --prefix` into a new folder, `docker exec` counted with it. */
export async function measureInstall(bench: Prepared, { output }: Left): Promise<{ seconds: number }> {
  const name = `slurm-factory-bench-install-${process.pid}`;
  const script = `/result/${bench.plan.identifier}-install.sh`;
  const mount = `type=bind,source=${output},target=/result,readonly`;
  const words = ['--name', name, '--init', '--network', 'none', '--mount', mount, '--entrypoint', 'sleep'];
  try {
    docker('run', '--detach', ...words, presentBase(bench), 'infinity');
    const install = async () => docker('exec', name, 'sh', script, '--force', '--prefix', '/opt/slurm');
    const { seconds } = await timed(install);
    bench.say(`   install.sh: ${seconds.toFixed(2)} s`);
    return { seconds };
  } finally {
    docker('rm', '--force', '--volumes', name);
  }
}
