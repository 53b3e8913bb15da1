// The installer on the cold result, in a container of the distribution's own image.
import { execFileSync } from 'node:child_process';
import { basename } from 'node:path';
import { timed } from './prepare.mjs';

const rounds = 5;

const docker = (...words) =>
  execFileSync('docker', words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();

/** Seconds of `install.sh --prefix` into new folders, `docker exec` counted with it. */
export async function measureInstall({ plan, library, say }, output) {
  const { baseReference } = await library('targets/toolchains.js');
  const image = present(baseReference(plan.toolchain, plan.options.containerImage));
  const name = `slurm-factory-bench-install-${process.pid}`;
  const script = `/result/${plan.identifier}-install.sh`;
  const mount = `type=bind,source=${output},target=/result,readonly`;
  const words = ['--name', name, '--init', '--network', 'none', '--mount', mount, '--entrypoint', 'sleep'];
  try {
    docker('run', '--detach', ...words, image, 'infinity');
    const times = [];
    for (let round = 1; round <= rounds; round++) {
      const run = async () =>
        docker('exec', name, 'sh', script, '--force', '--prefix', `/opt/slurm-${round}`);
      times.push((await timed(run)).seconds);
    }
    const seconds = [...times].sort((a, b) => a - b)[(rounds - 1) / 2];
    say(`   ${basename(script)}: ${seconds.toFixed(2)} s`);
    return { seconds, times };
  } finally {
    docker('rm', '--force', '--volumes', name);
  }
}

/** The image by digest, or by its name alone where no registry has answered for it. */
function present(reference) {
  try {
    execFileSync('docker', ['image', 'inspect', reference], { stdio: 'ignore' });
    return reference;
  } catch {
    return reference.replace(/@sha256:[0-9a-f]+$/, '');
  }
}
