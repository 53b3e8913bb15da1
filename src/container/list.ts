import { ownerEnded, ownerLabel } from '../base/owner.js';
import type { Logger, ProcessRunner } from '../base/ports.js';
import type { EngineProgram } from './confinement.js';
import { type ContainerKind, containerKinds, keepLabel, kindLabel, removeContainer } from './container.js';

/** A container of a build or a check, as its engine lists it. */
export interface ContainerInfo {
  /** The engine's own name for it, 64 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  /** What it is for; undefined for what is not known. */
  readonly kind: ContainerKind | undefined;
  readonly engine: EngineProgram;
  readonly image: string;
  /** The engine's word, such as `running` or `exited`. */
  readonly state: string;
  readonly created: Date;
  /** Whether the process that it was started for has ended: nobody will remove it. */
  readonly orphaned: boolean;
  /** Whether it was left for a user to look into. */
  readonly kept: boolean;
}

const fields = [
  '{{.Names}}',
  `{{.Label "${ownerLabel}"}}`,
  `{{.Label "${keepLabel}"}}`,
  `{{.Label "${kindLabel}"}}`,
  ...['{{.ID}}', '{{.Image}}', '{{.State}}', '{{.CreatedAt}}'],
].join('\t');

/**
 * The containers of all builds and checks on this machine, running or not; none where the engine does not answer.
 * @param owner name of this process
 */
export async function listContainers(
  engine: EngineProgram,
  owner: string,
  process: ProcessRunner,
): Promise<ContainerInfo[]> {
  const filter = ['--filter', `label=${ownerLabel}`];
  const listed = await process.run([engine, 'ps', '--all', ...filter, '--no-trunc', '--format', fields]);
  return listed.stdout.split('\n').flatMap((line) => {
    const [name, of, kept, word, id = '', image = '', state = '', created = ''] = line.split('\t');
    if (!name || of === undefined) return [];
    const kind = containerKinds.find((known) => known === word);
    const facts = { id, image, state, created: dateOf(created) };
    return [{ name, engine, kind, orphaned: ownerEnded(of, owner), kept: Boolean(kept), ...facts }];
  });
}

/** The same of all engines that answer. */
export async function listAllContainers(owner: string, process: ProcessRunner): Promise<ContainerInfo[]> {
  const engines: readonly EngineProgram[] = ['docker', 'podman'];
  return (await Promise.all(engines.map((engine) => listContainers(engine, owner, process)))).flat();
}

// `2026-11-28 06:29:48.123 +0000 UTC`
function dateOf(text: string): Date {
  const [, day, time, zone = '+0000'] = /^(\S+) (\S+) ([+-]\d{4})/.exec(text) ?? [];
  return new Date(day === undefined ? Number.NaN : `${day}T${time}${zone.slice(0, 3)}:${zone.slice(3)}`);
}

/**
 * Removes containers whose process has ended without doing so, as after a kill of the engine or of the machine.
 * Those that a user may look into stay; who killed their process removes them.
 * @returns the removed ones
 */
export async function removeOrphans(
  containers: readonly ContainerInfo[],
  process: ProcessRunner,
): Promise<ContainerInfo[]> {
  const orphans = containers.filter(({ orphaned, kept }) => orphaned && !kept);
  for (const { engine, name } of orphans) await removeContainer(engine, name, process);
  return orphans;
}

/** The same for those of one engine, and tells of it. */
export async function removeStaleContainers(
  program: EngineProgram,
  owner: string,
  { process, logger }: { readonly process: ProcessRunner; readonly logger: Logger },
): Promise<void> {
  const listed = await listContainers(program, owner, process);
  for (const { name } of await removeOrphans(listed, process)) {
    logger.info(`Removed ${name}, which an earlier build left`);
  }
}
