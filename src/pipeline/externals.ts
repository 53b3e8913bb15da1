import type { Problem } from '../base/errors.js';
import { wordsIn } from '../config/kinds.js';
import { type Layer, settle } from '../config/layers.js';
import type { BuildOptions } from '../config/resolve.js';
import { chosenExternals, selfContainedToolchain, wrongExternals } from '../targets/self-contained.js';
import type { Toolchain } from '../targets/toolchains.js';
import type { Project } from './project.js';

/** What is wrong with the names of `externals`; nothing where the toolchain is wrong, which is told itself. */
export async function lookAtExternals(layers: readonly Layer[], project: Project): Promise<Problem[]> {
  const id = settle(layers, 'toolchain').text;
  const names = wordsIn(settle(layers, 'externals').text);
  if (names.length === 0 || !project.toolchains.includes(id)) return [];
  const { toolchain } = await project.loadToolchain(id);
  const message = wrongExternals(names, toolchain);
  return message === undefined ? [] : [{ input: 'externals', message }];
}

/** The toolchain as a build sees it, and the packages that its user has taken from the distribution. */
export async function toolchainFor(
  options: Pick<BuildOptions, 'toolchain' | 'dependencies' | 'externals'>,
  project: Project,
): Promise<{
  readonly toolchain: Toolchain;
  readonly dockerfile: string;
  readonly externals: readonly string[];
}> {
  const loaded = await project.loadToolchain(options.toolchain);
  if (options.dependencies !== 'self-contained') return { ...loaded, externals: [] };
  const externals = chosenExternals(options.externals ?? [], project.selfContained);
  const toolchain = selfContainedToolchain(loaded.toolchain, externals, project.selfContained);
  return { ...loaded, toolchain, externals };
}
