import { readdir, readFile, stat } from 'node:fs/promises';
import { arch } from 'node:os';
import { join } from 'node:path';
import { parseOsRelease } from '../base/host.js';
import type { Machine } from '../publish/choose.js';
import { driversFound } from '../publish/choose.js';
import { gpuDevices } from '../targets/gpus.js';
import { archOf } from '../targets/identifier.js';

/** Intel's number among the makers of PCI devices. */
const intel = '0x8086';

/**
 * What this machine is, for the choice of a tarball.
 * @param root the machine's file system; tests have another
 */
export async function lookAtMachine(root = '/'): Promise<Machine> {
  const release = parseOsRelease(await readFile(join(root, 'etc/os-release'), 'utf8').catch(() => ''));
  const there = await Promise.all(
    gpuDevices.map((device) =>
      stat(join(root, device)).then(
        () => [device],
        () => [],
      ),
    ),
  );
  // Any GPU has such a device; the maker tells whose it is.
  const devices = there.flat().filter((device) => !device.startsWith('/dev/dri/'));
  const drivers = driversFound(devices);
  return {
    arch: archOf(arch()) ?? arch(),
    glibc: glibcOfNode(),
    os: { id: release['ID'] ?? '', version: release['VERSION_ID'] ?? '' },
    drivers: (await hasIntel(root)) ? [...drivers, 'oneapi'] : drivers,
  };
}

async function hasIntel(root: string): Promise<boolean> {
  const folder = join(root, 'sys/class/drm');
  const names = await readdir(folder).catch(() => []);
  const vendors = await Promise.all(
    names
      .filter((name) => name.startsWith('renderD'))
      .map((name) => readFile(join(folder, name, 'device/vendor'), 'utf8').catch(() => '')),
  );
  return vendors.some((vendor) => vendor.trim() === intel);
}

/** The glibc that this process runs with, which is the machine's; undefined on one without. */
function glibcOfNode(): string | undefined {
  // Else it would ask for the name of each address of the machine; since Node 22.
  Object.assign(process.report, { excludeNetwork: true });
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime;
}
