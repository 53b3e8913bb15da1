import type { Stage } from '../stage.js';
import { type Builder, prepareBuilder } from './builder.js';
import { bringSources } from './sources.js';

/** Brings what a build is done with: Spack and its packages, and the builder image. */
export const toolsStage: Stage<object, { readonly builder: Builder }> = {
  id: 'tools',
  run: async ({ build, request, ports }) => {
    // Clones and image have nothing to do with each other.
    const prepared = prepareBuilder(build, request, ports);
    const bring = () => bringSources(build, request.project, ports);
    // On the machine itself, git may be among what is installed first.
    const onMachine = !(build.engine instanceof Error) && build.engine.kind === 'none';
    // Whichever fails, the other must have ended before anything is cleaned up.
    const [made, clones] = await Promise.allSettled([prepared, onMachine ? prepared.then(bring) : bring()]);
    if (made.status === 'rejected') throw made.reason;
    if (clones.status === 'rejected') throw clones.reason;
    return { builder: made.value };
  },
};
