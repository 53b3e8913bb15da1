import { choice, count, size, sizeFrom } from './kinds.js';

const everywhere = {
  group: 'How it is built',
  default: '',
  actions: ['build'],
  commands: ['build'],
} as const;

/** When a container of a build has the network. */
export const networks = ['fetch', 'build', 'none'] as const;
export type Network = (typeof networks)[number];

/** The inputs that limit what the containers of a build may take; rows of the table in `inputs.ts`. */
export const limitInputs = {
  'container-cpu': {
    ...everywhere,
    description: 'Processors that a container of the build may use, such as 8 or 2.5; all of them if empty.',
    help: 'without `jobs` no more compile jobs run than that. More than the machine has is no limit. Not with engine `none`, as all limits.',
    kind: count,
  },
  'container-memory': {
    ...everywhere,
    description:
      "Memory that a container of the build may use, such as 16 GB; nine tenths of the machine's if empty.",
    help: "more than nine tenths of the machine's is no limit: what takes too much is then ended within its container, and the machine goes on. The error says so, and what to do. Units are those of `cache-budget`.",
    kind: sizeFrom('64 MB'),
  },
  'container-swap': {
    ...everywhere,
    description:
      "Swap that a container of the build may use beside its memory, such as 4 GB, or 0 for none; the engine's own limit if empty.",
    help: 'Docker and Podman allow as much again as memory.',
    kind: size,
  },
  'container-storage': {
    ...everywhere,
    description:
      'Disk that a build may fill with what it unpacks, compiles and installs, such as 20 GB; all that is free if empty.',
    help: 'a build that takes more is ended within some seconds. A build of Slurm alone takes 1.1 GB.',
    kind: sizeFrom('100 MB'),
  },
  'container-network': {
    ...everywhere,
    default: 'fetch',
    description:
      'Network of the containers: fetch (only while sources are fetched), build (while packages are built too) or none (not even then: all sources must be in source-mirror).',
    help: '`build` is for recipes that fetch while they build. What they fetch is checked by nobody, and what they build is cached as ever. The clones of Spack, the builder image and the security archive are fetched by this machine, not by a container. The smoke test never has a network.',
    kind: choice('kind of network', networks, { synonyms: { default: 'fetch' } }),
  },
} as const;
