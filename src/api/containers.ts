import { ContainerError } from '../base/errors.js';
import { type ContainerInfo, listAllContainers, removeOrphans } from '../container/list.js';
import { localMachine, type Machine } from '../local/machine.js';
import { asking, type PlaceOptions } from './place.js';

/** The containers of all builds and checks on this machine, running or not, of Docker and Podman. */
export async function listContainers(
  options: PlaceOptions = {},
  machine: Machine = localMachine,
): Promise<ContainerInfo[]> {
  const { process, owner } = await asking(options, machine);
  return listAllContainers(owner, process);
}

/**
 * Removes the containers that nobody will remove any more: their process was killed. Those of running builds stay,
 * and those that a build was told to keep.
 * @returns how many were removed
 */
export async function cleanupContainers(
  options: PlaceOptions = {},
  machine: Machine = localMachine,
): Promise<number> {
  const { process, owner } = await asking(options, machine);
  return (await removeOrphans(await listAllContainers(owner, process), process)).length;
}

/**
 * One container of a build or a check.
 * @param containerId its name, its id, or the first 12 digits of that and more
 * @throws ContainerError where there is none
 */
export async function getContainerInfo(
  containerId: string,
  options: PlaceOptions = {},
  machine: Machine = localMachine,
): Promise<ContainerInfo> {
  const isMeant = ({ id, name }: ContainerInfo) =>
    name === containerId || (containerId.length >= 12 && id.startsWith(containerId));
  const found = (await listContainers(options, machine)).find(isMeant);
  if (found !== undefined) return found;
  throw new ContainerError(
    `There is no container ${containerId} of a build.`,
    'listContainers() tells which there are.',
    { containerId },
  );
}
