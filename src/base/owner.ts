import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Label that names the process which a container is for. */
export const ownerLabel = 'slurm-factory.owner';

/**
 * Names a process so that another one on the machine can tell later whether it has ended: host, boot, pid
 * namespace, pid and start time, `~` between them. It need not be unique: what can't be read is left empty.
 * @param pid as /proc counts, this process where left out
 */
export function processOwner(pid: number = ownPid()): string {
  const boot = firstLine('/proc/sys/kernel/random/boot_id').slice(0, 8);
  return [hostname(), boot, pidNamespace(), pid, startTime(pid) ?? ''].join('~');
}

/**
 * Whether the process behind a name has ended. What can't be known from here, of another machine, another
 * pid namespace or a process whose start nobody could read, counts as running.
 * @param owner as `processOwner` gave it; a file's ending or more words behind it are ignored
 * @param here name of this process
 */
export function ownerEnded(
  owner: string,
  here: string,
  startTimeOf: (pid: number) => string | undefined = startTime,
): boolean {
  const [host, boot, namespace, pid, last] = owner.split('~');
  const [ownHost, ownBoot, ownNamespace] = here.split('~');
  if (pid === undefined || last === undefined || host !== ownHost) return false;
  if (boot !== ownBoot) return true;
  const start = last.replace(/\D.*/s, '');
  return start !== '' && namespace === ownNamespace && (startTimeOf(Number(pid)) ?? '') !== start;
}

/**
 * Whether a name is of this machine before it was started again, or of another machine that has the same host
 * name and may well be running: only time tells those apart.
 */
export function otherBoot(owner: string, here: string): boolean {
  return owner.split('~')[1] !== here.split('~')[1];
}

// /proc may be that of an outer pid namespace, where this process has another number.
function ownPid(): number {
  try {
    return Number(readlinkSync('/proc/self'));
  } catch {
    return process.pid;
  }
}

// A pid is used again; with its start time (field 22 of proc_pid_stat(5)) it is not.
function startTime(pid: number): string | undefined {
  const stat = firstLine(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid').replace(/\D/g, '');
  } catch {
    return '';
  }
}

function firstLine(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
