import { InputError, type Problem } from '../base/errors.js';
import { wordsIn } from '../config/kinds.js';
import { type Layer, settle } from '../config/layers.js';
import type { BuildOptions } from '../config/resolve.js';
import type { Arch } from '../targets/identifier.js';
import type { Release } from '../targets/releases.js';
import { chosenExternals, selfContainedToolchain, wrongExternals } from '../targets/self-contained.js';
import { type FittedToolchain, fitToolchain } from '../targets/toolchains.js';
import type { Project } from './project.js';

/** What is wrong with the names of `externals`; nothing where the toolchain is wrong, which is told itself. */
export async function lookAtExternals(
  layers: readonly Layer[],
  arch: Arch,
  project: Project,
): Promise<Problem[]> {
  const id = settle(layers, 'toolchain').text;
  const names = wordsIn(settle(layers, 'externals').text);
  if (names.length === 0 || !project.toolchains.includes(id)) return [];
  const { toolchain } = await project.loadToolchain(id, arch);
  const message = wrongExternals(names, toolchain);
  return message === undefined ? [] : [{ input: 'externals', message }];
}

/**
 * The toolchain as a build sees it, and the packages that its user has taken from the distribution.
 * @throws InputError for features that the release or the distribution can't have
 */
export async function toolchainFor(
  options: Pick<BuildOptions, 'toolchain' | 'dependencies' | 'externals' | 'features'>,
  { version }: Pick<Release, 'version'>,
  arch: Arch,
  project: Project,
): Promise<{
  readonly toolchain: FittedToolchain;
  readonly dockerfile: string;
  readonly externals: readonly string[];
}> {
  const { toolchain: whole, dockerfile } = await project.loadToolchain(options.toolchain, arch);
  const isOwn = options.dependencies === 'self-contained';
  const externals = isOwn ? chosenExternals(options.externals ?? [], project.selfContained) : [];
  // What no feature needs may be needed by something that Spack builds.
  const toolchain = fitToolchain(whole, project.features, options.features, version, externals);
  if (Array.isArray(toolchain)) {
    throw new InputError(toolchain.map((message) => ({ input: 'features', message })));
  }
  const seen = isOwn ? selfContainedToolchain(toolchain, externals, project.selfContained) : toolchain;
  return { toolchain: seen, dockerfile, externals };
}
