import { ownerEnded, ownerLabel } from '../base/owner.js';
import type { Logger, ProcessRunner } from '../base/ports.js';
import type { EngineProgram } from './confinement.js';
import { keepLabel, removeContainer } from './container.js';

/**
 * Removes containers whose process has ended without doing so, as after a kill of the engine or of the machine.
 * Those that a user may look into stay; who killed their process removes them.
 * @param owner name of this process
 */
export async function removeStaleContainers(
  program: EngineProgram,
  owner: string,
  ports: { readonly process: ProcessRunner; readonly logger: Logger },
): Promise<void> {
  const format = `{{.Names}}\t{{.Label "${ownerLabel}"}}\t{{.Label "${keepLabel}"}}`;
  const filter = ['--filter', `label=${ownerLabel}`];
  const listed = await ports.process.run([program, 'ps', '--all', ...filter, '--format', format]);
  for (const line of listed.stdout.split('\n')) {
    const [name, of, kept] = line.split('\t');
    if (!name || of === undefined || kept || !ownerEnded(of, owner)) continue;
    ports.logger.info(`Removing ${name}, which an earlier build left`);
    await removeContainer(program, name, ports.process);
  }
}
