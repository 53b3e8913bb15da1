// A container of the same kind as the product's, for what is measured against it.
import { mkdir } from 'node:fs/promises';

/**
 * Runs `body` in a container over folders below `folder`, and removes the container.
 * @param body gets the session and the folders as this machine sees them
 */
export async function withSession({ plan, host, nodeProcess, library }, image, folder, body) {
  const { startSession } = await library('container/session.js');
  const { removeContainer } = await library('container/container.js');
  const { layoutBelow, places } = await library('container/layout.js');
  const { spack, recipes, overlay, sources } = plan.hostLayout;
  const layout = { ...layoutBelow(folder), spack, recipes, overlay, sources };
  for (const place of places) await mkdir(layout[place], { recursive: true });
  const name = `slurm-factory-bench-${process.pid}`;
  const interrupted = () => removeContainer('docker', name, nodeProcess);
  process.once('SIGINT', interrupted);
  try {
    const session = await startSession({ program: 'docker', image, kind: 'build', name, host }, layout, {
      process: nodeProcess,
      env: process.env,
      signal: new AbortController().signal,
    });
    try {
      return await body(session, layout);
    } finally {
      await session.stop();
    }
  } finally {
    process.off('SIGINT', interrupted);
  }
}

/** Runs commands in a session; a failure tells the end of what the command wrote. */
export function commandsOf(session, say) {
  return async (what, command, { env = {}, cwd } = {}) => {
    const began = performance.now();
    const lines = [];
    const onLine = (line) => lines.push(line);
    const result = await session.exec(command, { env, onLine, ...(cwd === undefined ? {} : { cwd }) });
    if (result.exitCode !== 0) throw new Error(`${what} failed:\n${lines.slice(-40).join('\n')}`);
    const seconds = (performance.now() - began) / 1000;
    say(`   ${what}: ${seconds.toFixed(1)} s`);
    return { seconds, stdout: result.stdout, lines };
  };
}
