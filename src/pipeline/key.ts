import { sha256 } from '../base/files.js';
import type { BuildOptions } from '../config/resolve.js';
import { containerLayout } from '../container/layout.js';
import { type EnvironmentRequest, overridesOf } from '../spack/environment.js';
import type { Target } from '../targets/identifier.js';
import type { OwnEnvironment } from '../targets/own-environment.js';
import { type BuiltRelease, sourceDigest } from '../targets/source.js';
import type { FittedToolchain } from '../targets/toolchains.js';
import type { ResolvedBuild } from './resolve.js';

/** What of a build its environment is made of. */
export type DecidedParts = Pick<ResolvedBuild, 'options' | 'release' | 'own' | 'target' | 'toolchain'>;

/** The parts of an environment that options alone decide. */
export function environmentBase(
  { gpu, debug }: Pick<BuildOptions, 'gpu' | 'debug'>,
  { spack }: BuiltRelease,
  toolchain: FittedToolchain,
  arch: Target['arch'],
  own: OwnEnvironment,
): Pick<EnvironmentRequest, 'spackVersion' | 'gpu' | 'debug' | 'arch' | 'toolchain' | 'own'> {
  return { spackVersion: spack, gpu, debug, arch, toolchain, own };
}

/**
 * Digest of the recipes that a build uses: ours, with what they are told of a source of its own.
 * @param ours digest of our own
 */
export function overlayOf(ours: string, { source }: BuiltRelease, { repos }: OwnEnvironment): string {
  const more = [
    ...(source === undefined ? [] : [`source ${sourceDigest(source)}`]),
    ...repos.map(({ namespace, digest }) => `repo ${namespace} ${digest}`),
  ];
  return more.length === 0 ? ours : sha256([ours, ...more].join('\n'));
}

/** Whether a build has its own copy of our recipes, with what they are told or stand beside. */
export const hasOwnRecipes = ({ addition, own }: Pick<ResolvedBuild, 'addition' | 'own'>): boolean =>
  addition !== undefined || own.repos.length > 0;

/** What a user's environment changes of ours is told with the other notices. */
export function withOverrides<T extends Pick<ResolvedBuild, 'notices'>>(
  trust: T,
  { options, release, toolchain, target, own }: DecidedParts,
): T {
  const base = environmentBase(options, release, toolchain, target.arch, own);
  const told = overridesOf({ ...base, layout: containerLayout }).map(
    ({ path, before, after }) => `spack-yaml: ${path} is ${after}, in place of ${before}.`,
  );
  return { ...trust, notices: [...trust.notices, ...told] };
}
