import { boolean, path } from './kinds.js';

const everywhere = { group: 'Results', actions: ['build'], commands: ['build'] } as const;

/** The inputs that say what a build tells of itself and its result; rows of the table in `inputs.ts`. */
export const reportInputs = {
  'smoke-test': {
    ...everywhere,
    default: 'true',
    description:
      'Run a one-node cluster from the tarball in a fresh container before it is handed out (not with engine none).',
    help: 'a failed check fails the build, and no tarball is handed out; the checks are in `<target>-smoke.xml` all the same. A result from the cache was tested and is not tested again; a build without the test does not save its result. With engine `none` it is skipped with a notice. See [smoke.md](smoke.md).',
    kind: boolean,
  },
  junit: {
    ...everywhere,
    default: '',
    description:
      'File for a report of the build as JUnit XML: each stage, package and phase with its time; of a failed build, too.',
    help: 'a relative path starts at the workspace, in a folder that is there. Nothing of it is in the result, its sums or the caches. See [spack.md](spack.md#build-report).',
    kind: path('file'),
  },
} as const;
