import { ownerEnded, ownerLabel } from '../base/owner.js';
import type { Logger, ProcessRunner } from '../base/ports.js';
import { removeContainer } from './session.js';

/**
 * Removes containers whose process has ended without doing so, as after a kill of the engine or of the machine.
 * @param owner name of this process
 */
export async function removeStaleContainers(
  program: 'docker' | 'podman',
  owner: string,
  ports: { readonly process: ProcessRunner; readonly logger: Logger },
): Promise<void> {
  const format = `{{.Names}}\t{{.Label "${ownerLabel}"}}`;
  const filter = ['--filter', `label=${ownerLabel}`];
  const listed = await ports.process.run([program, 'ps', '--all', ...filter, '--format', format]);
  for (const line of listed.stdout.split('\n')) {
    const [name, of] = line.split('\t');
    if (!name || of === undefined || !ownerEnded(of, owner)) continue;
    ports.logger.info(`Removing ${name}, which an earlier build left`);
    await removeContainer(program, name, ports.process);
  }
}
