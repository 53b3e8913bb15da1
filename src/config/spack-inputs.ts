import { moduleLayouts, packageTests } from '../targets/own-environment.js';
import { choice, path } from './kinds.js';
import { repositories, specs, specWords } from './spec-kinds.js';

const everywhere = {
  group: 'Spack',
  default: '',
  actions: ['build'],
  commands: ['build'],
} as const;

/** The inputs that say in Spack's own words what else is built, and how; rows of the table in `inputs.ts`. */
export const spackInputs = {
  spec: {
    ...everywhere,
    description:
      "What Spack's spec of Slurm says besides ours: compiler, flags, target, dependencies: cflags=-O3 target=x86_64_v3 ^lz4@1.9.4.",
    help: "see [spack.md](spack.md#specs). Release and features have inputs of their own. A `target` holds for all packages; the tarball then wants such a processor, which its name doesn't tell.",
    kind: specWords,
  },
  packages: {
    ...everywhere,
    description:
      "Further packages beside Slurm, as Spack's specs with white space between: openmpi schedulers=slurm ucx.",
    help: 'see [spack.md](spack.md#further-packages).',
    kind: specs,
  },
  'module-layout': {
    ...everywhere,
    default: 'flat',
    description:
      'Layout of the module files of further packages for Lmod: flat, or hierarchical by compiler and MPI.',
    help: "Slurm's own module files are the same in both. Those for Environment Modules are always flat.",
    kind: choice('layout of module files', moduleLayouts),
  },
  'spack-yaml': {
    ...everywhere,
    description:
      'File with an environment of Spack, spack.yaml, that is merged over ours: preferences, providers, externals, projections, views.',
    help: 'see [spack.md](spack.md#environments). A relative path starts at the workspace. What it changes of ours is told in the log; what would break the build is refused.',
    kind: path('file'),
  },
  repos: {
    ...everywhere,
    description:
      "Further repositories of Spack's recipes with white space between: folders, or https addresses of git repositories with @ and a full commit.",
    help: 'see [spack.md](spack.md#repositories). Their packages come before those of spack-packages; those that slurm-factory has itself stay its own.',
    kind: repositories,
  },
  'spack-lock': {
    ...everywhere,
    description:
      'File with the lock of an earlier build, <target>-spack.lock: exactly its packages are built, and nothing is concretized.',
    help: "see [spack.md](spack.md#lock). It must be one of the same release, features and versions of the distribution's libraries.",
    kind: path('file'),
  },
  'spack-test': {
    ...everywhere,
    default: 'none',
    description:
      "Run the packages' own tests while Spack installs them: none, root (Slurm and further packages) or all.",
    help: 'what is tested is compiled, not taken from the build cache; a test that fails fails the build. See [spack.md](spack.md#tests-of-packages).',
    kind: choice('kind of package tests', packageTests),
  },
} as const;
