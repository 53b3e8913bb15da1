import { gpuSynonyms, gpus, gpusMeant } from '../targets/gpus.js';
import { dependencyKinds } from '../targets/identifier.js';
import { boolean, choice, toolchain } from './kinds.js';

const everywhere = { actions: ['build'], commands: ['build'] } as const;
// What a plan has to know of every leg.
const planned = { actions: ['build', 'plan'], commands: ['build', 'plan'] } as const;

/** The inputs that say what Slurm is built for; rows of the table in `inputs.ts`. */
export const targetInputs = {
  toolchain: {
    group: 'What is built',
    default: 'bookworm',
    description: 'Distribution to build for, a folder of toolchains/.',
    help: 'what was built and tried of them is in [libraries.md](libraries.md#toolchains).',
    kind: toolchain,
    ...everywhere,
  },
  gpu: {
    group: 'What is built',
    default: 'none',
    description:
      'GPU support: none, cuda (NVML), rocm (ROCm SMI), oneapi (Level Zero), or all of these in one tarball; true means cuda, false none. No toolkit is needed.',
    help: 'slurmd opens the library of the driver at run time, and runs without where there is none. What a distribution has no headers for, `all` leaves out.',
    kind: choice('kind of GPU support', gpus, {
      synonyms: gpuSynonyms,
      meant: gpusMeant,
      toggle: { on: 'cuda', off: 'none' },
    }),
    ...everywhere,
  },
  dependencies: {
    group: 'What is built',
    default: 'bundled',
    description:
      "Libraries of Slurm: bundled (copies of the distribution's in the tarball, which runs on every distribution with the glibc of its name or a newer one), system (the distribution's own, which must be there) or self-contained (built by Spack).",
    help: 'see [libraries.md](libraries.md) for when to take which.',
    kind: choice('kind of dependencies', dependencyKinds),
    ...everywhere,
  },
  debug: {
    group: 'What is built',
    default: 'false',
    description: 'Also make a tarball with debug files for gdb, <target>-debug.tar.gz.',
    help: 'Slurm is compiled with `-g` too, and the debug files are split off into `.debug` beside each program. It goes into the content key.',
    kind: boolean,
    ...planned,
  },
  'deny-vulnerable': {
    group: 'What is built',
    default: 'false',
    description: 'Refuse a release with known vulnerabilities; without it one warning names them.',
    help: 'what is known is in `data/advisories.json`, with the releases that mend it.',
    kind: boolean,
    ...everywhere,
  },
} as const;
