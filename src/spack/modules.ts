import type { Layout } from '../container/layout.js';
import type { ModuleLayout } from '../targets/own-environment.js';
import type { FittedToolchain } from '../targets/toolchains.js';

/** Module systems that Spack writes files for, and their folders' names. */
export const moduleSystems = ['lmod', 'tcl'] as const;
export type ModuleSystem = (typeof moduleSystems)[number];

/** Where Spack writes the module files of further packages. */
export const modulesFolder = (layout: Layout): string => `${layout.store}/modulefiles`;

/**
 * Spack's settings for the module files of further packages. What was asked for is shown; what it needs is hidden,
 * and comes with it where it is needed at run time: libraries are found without a module. Slurm has its own module
 * files, and what is the distribution's needs none.
 */
export function moduleSettings(
  toolchain: Pick<FittedToolchain, 'compiler' | 'dependencies' | 'tools'>,
  layout: Layout,
  moduleLayout: ModuleLayout,
): Readonly<Record<string, unknown>> {
  const { name, version } = toolchain.compiler;
  const distributions = [...toolchain.dependencies, ...toolchain.tools].map(({ spec }) => spec);
  const common = {
    exclude: [...new Set(['slurm', name, ...distributions, 'gcc-runtime', 'compiler-wrapper'])],
    hide_implicits: true,
    hash_length: 0,
    all: { autoload: 'run' },
  };
  const plain = { ...common, projections: { all: '{name}/{version}' } };
  const hierarchy = {
    ...plain,
    hierarchical: true,
    core_compilers: [`${name}@${version}`],
    hierarchy: ['mpi'],
  };
  return {
    default: {
      roots: { lmod: `${modulesFolder(layout)}/lmod`, tcl: `${modulesFolder(layout)}/tcl` },
      // Written when all is installed.
      enable: [],
      arch_folder: false,
      lmod: moduleLayout === 'hierarchical' ? hierarchy : { ...plain, hierarchical: false },
      tcl: plain,
    },
  };
}
