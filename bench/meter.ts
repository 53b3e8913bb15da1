// What a build takes of the machine, by the kernel's counters: of all that runs on it, as a build's containers are
// no children of ours. On an idle machine that is the build.
import { execFileSync } from 'node:child_process';
import { readFileSync, statfsSync, statSync } from 'node:fs';

/** What was used while something ran, bytes. */
export interface Resources {
  /** Most memory above what was in use before, without what the kernel could give back. */
  readonly memory: number;
  /** Most room on the disks above what was taken before. */
  readonly disk: number;
  /** Written to the disks; undefined where the kernel does not count it for these file systems. */
  readonly written: number | undefined;
  /** Received over the interfaces that have a default route. */
  readonly received: number;
}

const interval = 200;

/**
 * Runs something, and tells what was used meanwhile.
 * @param folders one of each file system that counts
 */
export async function metered<T>(
  folders: readonly string[],
  body: () => Promise<T>,
): Promise<{ readonly value: T; readonly resources: Resources }> {
  const disks = disksOf(folders);
  const before = counters(disks);
  const most = { memory: 0, disk: 0 };
  const look = () => {
    most.memory = Math.max(most.memory, before.available - available());
    most.disk = Math.max(most.disk, taken(disks) - before.taken);
  };
  const timer = setInterval(look, interval);
  try {
    const value = await body();
    look();
    const after = counters(disks);
    const { written } = before;
    return {
      value,
      resources: {
        ...most,
        written: written === undefined || after.written === undefined ? undefined : after.written - written,
        received: after.received - before.received,
      },
    };
  } finally {
    clearInterval(timer);
  }
}

interface Disk {
  readonly folder: string;
  /** `254:0` */
  readonly device: string;
}

function disksOf(folders: readonly string[]): Disk[] {
  const disks = folders.map((folder) => ({ folder, device: deviceName(statSync(folder).dev) }));
  return disks.filter(({ device }, index) => disks.findIndex((disk) => disk.device === device) === index);
}

/** `major:minor` of a device's number, as Linux packs them. */
export function deviceName(device: number): string {
  const low = device % 2 ** 32;
  const major = Math.floor(low / 2 ** 8) % 2 ** 12;
  const minor = (low % 2 ** 8) + Math.floor(low / 2 ** 20) * 2 ** 8;
  return `${major}:${minor}`;
}

const readProc = (name: string): string => readFileSync(`/proc/${name}`, 'utf8');
const available = (): number => availableIn(readProc('meminfo'));
const taken = (disks: readonly Disk[]): number =>
  disks.reduce((sum, { folder }) => {
    const { blocks, bfree, bsize } = statfsSync(folder);
    return sum + (blocks - bfree) * bsize;
  }, 0);

function counters(disks: readonly Disk[]) {
  // What the kernel keeps in memory yet is written, too; what others wrote before is not ours.
  execFileSync('sync');
  return {
    available: available(),
    taken: taken(disks),
    written: writtenIn(
      readProc('diskstats'),
      disks.map(({ device }) => device),
    ),
    received: receivedIn(readProc('net/dev'), defaultInterfaces(readProc('net/route'))),
  };
}

/** bytes that programs can have, of /proc/meminfo */
export const availableIn = (meminfo: string): number =>
  Number(/^MemAvailable: +(\d+) kB$/m.exec(meminfo)?.[1] ?? 0) * 1024;

/** bytes written to devices since the machine's start, of /proc/diskstats; undefined where one is not there */
export function writtenIn(diskstats: string, devices: readonly string[]): number | undefined {
  // The kernel's sectors have 512 bytes, whatever the device's have.
  const sectors = new Map(
    diskstats
      .split('\n')
      .map((line) => line.trim().split(/ +/))
      .map((words): [string, number] => [`${words[0]}:${words[1]}`, Number(words[9])]),
  );
  const found = devices.map((device) => sectors.get(device));
  if (found.includes(undefined)) return undefined;
  return found.reduce<number>((sum, count = 0) => sum + count * 512, 0);
}

/** Interfaces with a default route, of /proc/net/route */
export function defaultInterfaces(route: string): string[] {
  const rows = route.split('\n').map((line) => line.split('\t'));
  const names = rows.filter((row) => row[1] === '00000000').flatMap(([name = '']) => [name]);
  return [...new Set(names)];
}

/** bytes received by interfaces since the machine's start, of /proc/net/dev */
export function receivedIn(dev: string, interfaces: readonly string[]): number {
  const rows = dev.split('\n').map((line) => /^ *([^:]+): *(\d+)/.exec(line));
  const counts = new Map(rows.flatMap((row) => (row === null ? [] : [[row[1], Number(row[2])] as const])));
  return interfaces.reduce((sum, name) => sum + (counts.get(name) ?? 0), 0);
}
