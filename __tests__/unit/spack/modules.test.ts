import { expect, test } from '@jest/globals';
import { containerLayout } from '../../../src/container/layout.js';
import { moduleSettings, modulesFolder } from '../../../src/spack/modules.js';
import { fittedToolchain } from '../../support/toolchains.js';

type Settings = { readonly default: Readonly<Record<string, Readonly<Record<string, unknown>>>> };

const settings = (layout: 'flat' | 'hierarchical') =>
  (moduleSettings(fittedToolchain('bookworm'), containerLayout, layout) as Settings).default;

test("files lie below Spack's store, and none is written while packages are installed", () => {
  expect(modulesFolder(containerLayout)).toBe('/opt/slurm-factory/store/modulefiles');
  expect(settings('flat')).toMatchObject({
    roots: {
      lmod: '/opt/slurm-factory/store/modulefiles/lmod',
      tcl: '/opt/slurm-factory/store/modulefiles/tcl',
    },
    enable: [],
    arch_folder: false,
  });
});

test("Slurm, the compiler and what is the distribution's have no module", () => {
  const excluded = settings('flat')['tcl']?.['exclude'];
  expect(excluded).toEqual(expect.arrayContaining(['slurm', 'gcc', 'gcc-runtime', 'hwloc', 'cmake']));
});

test('a flat layout has no levels; a hierarchical one has those of MPI, for Lmod alone', () => {
  expect(settings('flat')['lmod']).toMatchObject({
    hierarchical: false,
    projections: { all: '{name}/{version}' },
  });
  expect(settings('hierarchical')['lmod']).toMatchObject({
    ...{ hierarchical: true, hierarchy: ['mpi'], core_compilers: ['gcc@12.2.0'] },
    ...{ hide_implicits: true, hash_length: 0 },
  });
  expect(settings('hierarchical')['tcl']).toEqual(settings('flat')['tcl']);
});
