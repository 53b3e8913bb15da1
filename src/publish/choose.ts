import { unknownValue } from '../base/suggest.js';
import { type Gpu, gpuKinds, gpus } from '../targets/gpus.js';
import { compareVersions } from '../targets/releases.js';
import type { IndexTarget, ReleaseIndex } from './index-file.js';

/** Which target of a release fits a machine; `site/get.sh` goes by the same rules. */

/** What a machine is. */
export interface Machine {
  /** `amd64`, `arm64`, or what the machine calls itself */
  readonly arch: string;
  /** undefined where there is none */
  readonly glibc: string | undefined;
  /** `ID` and `VERSION_ID` of os-release. */
  readonly os: { readonly id: string; readonly version: string };
  /** Kinds of GPU whose drivers are here, best first. */
  readonly drivers: readonly Gpu[];
}

/** What is wanted. */
export interface Wish {
  /** `24.11.6`, `24.11`; undefined for the newest that fits */
  readonly release?: string | undefined;
  readonly gpu?: Gpu | undefined;
  /** An identifier, whatever the machine is. */
  readonly target?: string | undefined;
}

/** The target, or why there is none, a sentence each. */
export type Choice = { readonly target: IndexTarget } | { readonly reasons: readonly string[] };

const dependencyOrder: readonly IndexTarget['dependencies'][] = ['bundled', 'self-contained', 'system'];

/**
 * The better of two targets first: the newer release, Slurm's own source, libraries that are brought, the default
 * features, the newer glibc.
 */
export function byPreference(a: IndexTarget, b: IndexTarget): number {
  return (
    compareVersions(b.slurmVersion, a.slurmVersion) ||
    Number(a.source === true) - Number(b.source === true) ||
    dependencyOrder.indexOf(a.dependencies) - dependencyOrder.indexOf(b.dependencies) ||
    Number(a.choice !== undefined) - Number(b.choice !== undefined) ||
    compareVersions(b.glibc ?? '0', a.glibc ?? '0') ||
    (a.identifier < b.identifier ? -1 : 1)
  );
}

/** Finds the target of a release that fits a machine best. */
export function chooseTarget({ targets, name }: ReleaseIndex, machine: Machine, wish: Wish): Choice {
  if (wish.target !== undefined) return named(targets, wish.target, name);
  const asked = [...targets].sort(byPreference).filter(({ slurmVersion }) => isAsked(slurmVersion, wish));
  if (asked.length === 0) {
    const versions = [...new Set(targets.map(({ slurmVersion }) => slurmVersion))];
    return {
      reasons: [
        versions.length === 0
          ? `${name} has no target.`
          : unknownValue('release here', wish.release ?? 'latest', versions),
      ],
    };
  }
  const fitting = asked.filter((target) => reasonAgainst(target, machine, wish) === undefined);
  const [newest] = fitting;
  if (newest === undefined) {
    return {
      reasons: asked.map((target) => `${target.identifier}: ${reasonAgainst(target, machine, wish)}.`),
    };
  }
  const own = fitting.filter(({ slurmVersion }) => slurmVersion === newest.slurmVersion);
  const order = gpuOrder(machine.drivers);
  const rank = ({ gpu }: IndexTarget) => order.indexOf(gpu);
  return { target: own.reduce((best, target) => (rank(target) < rank(best) ? target : best)) };
}

function named(targets: readonly IndexTarget[], identifier: string, name: string): Choice {
  const target = targets.find((item) => item.identifier === identifier);
  if (target !== undefined) return { target };
  const all = targets.map((item) => item.identifier);
  return {
    reasons: [all.length === 0 ? `${name} has no target.` : unknownValue('target here', identifier, all)],
  };
}

const isAsked = (version: string, { release = 'latest' }: Wish): boolean =>
  release === 'latest' || version === release || version.startsWith(`${release}.`);

// A tarball for a GPU runs without one, too.
const gpuOrder = (drivers: readonly Gpu[]): string[] => [
  ...new Set([...drivers, ...(drivers.length > 0 ? ['all'] : []), ...gpus]),
];

/** Why a target does not fit, a clause; undefined where it does. */
function reasonAgainst(target: IndexTarget, machine: Machine, wish: Wish): string | undefined {
  const { glibc, distribution: its } = target;
  if (wish.gpu !== undefined && target.gpu !== wish.gpu) return `it is for GPU: ${target.gpu}`;
  if (target.arch !== machine.arch) return `it is for ${target.arch}, this is ${machine.arch}`;
  if (glibc !== undefined && machine.glibc === undefined) {
    return `it needs glibc ${glibc}, and this machine has none`;
  }
  if (glibc !== undefined && compareVersions(machine.glibc ?? '0', glibc) < 0) {
    return `it needs glibc ${glibc}, this machine has ${machine.glibc}`;
  }
  if (glibc !== undefined) return undefined;
  const { id, version } = machine.os;
  if (its === undefined) return `it is for ${target.platform}, and the index does not say what that is`;
  const fits = id === its.id && (version === its.version || version.startsWith(`${its.version}.`));
  return fits ? undefined : `it is for ${its.id} ${its.version}, this is ${id} ${version}`.trimEnd();
}

/** `amd64, glibc 2.36, debian 12, cuda GPU driver` */
export const aboutMachine = ({ arch, glibc, os, drivers }: Machine): string =>
  [
    arch,
    ...(glibc === undefined ? [] : [`glibc ${glibc}`]),
    ...(os.id === '' ? [] : [`${os.id} ${os.version}`.trimEnd()]),
    `${drivers.length === 0 ? 'no' : drivers.join(' ')} GPU driver`,
  ].join(', ');

/** The kinds of GPU that devices tell of, in the order that `get` prefers. */
export const driversFound = (devices: readonly string[]): Gpu[] =>
  gpus.filter(
    (gpu) =>
      gpuKinds[gpu].drivers.length === 1 &&
      gpuKinds[gpu].drivers.some(({ device }) => devices.includes(device)),
  );
