import { sha256 } from '../base/files.js';
import { contentKey } from '../cache/keys.js';
import type { BuildOptions } from '../config/resolve.js';
import { containerLayout } from '../container/layout.js';
import { type EnvironmentRequest, overridesOf, renderEnvironment } from '../spack/environment.js';
import type { Target } from '../targets/identifier.js';
import type { OwnEnvironment } from '../targets/own-environment.js';
import { type BuiltRelease, sourceDigest } from '../targets/source.js';
import type { FittedToolchain } from '../targets/toolchains.js';
import type { Project } from './project.js';
import type { ResolvedBuild } from './resolve.js';

/** What of a build its content key is made of. */
export type DecidedParts = Pick<
  ResolvedBuild,
  'options' | 'release' | 'own' | 'target' | 'identifier' | 'toolchain' | 'builder' | 'pins' | 'overlayDigest'
>;

/** The content key of a build. */
export async function contentKeyOf(decided: DecidedParts, project: Project): Promise<string> {
  const { options, release, own, target, identifier, toolchain, builder, pins, overlayDigest } = decided;
  const environment = renderEnvironment({
    ...environmentBase(options, release, toolchain, target.arch, own),
    layout: containerLayout,
    versionOf: () => 'system',
    sourceMirror: undefined,
  });
  return contentKey({
    target: identifier,
    dependencies: target.dependencies,
    builder,
    spackCommit: pins.spack.commit,
    packagesCommit: pins.packages.commit,
    overlay: overlayDigest,
    environment,
    templates: await project.digest('templates'),
    scripts: await project.digest('scripts/inside'),
    libraries: librariesIn(target.dependencies, project),
    // They change no byte, but what was not tested is not what was asked for.
    tests: own.tests === 'none' ? undefined : own.tests,
  });
}

// A system or bundled target has the key that it would have without any other.
function librariesIn(kind: Target['dependencies'], project: Project): string | undefined {
  const { libraries, selfContained } = project;
  if (kind === 'system') return undefined;
  return JSON.stringify(kind === 'bundled' ? libraries : [libraries, selfContained]);
}

/** The parts of an environment that options alone decide. */
export function environmentBase(
  { gpu, debug }: BuildOptions,
  { spack }: BuiltRelease,
  toolchain: FittedToolchain,
  arch: Target['arch'],
  own: OwnEnvironment,
): Pick<EnvironmentRequest, 'spackVersion' | 'gpu' | 'debug' | 'arch' | 'toolchain' | 'own'> {
  return { spackVersion: spack, gpu, debug, arch, toolchain, own };
}

/** Digest of the recipes that a build uses: ours, with what they are told of a source of its own. */
export async function overlayOf(
  project: Project,
  { source }: BuiltRelease,
  { repos }: OwnEnvironment,
): Promise<string> {
  const ours = await project.digest('spack-repo');
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
