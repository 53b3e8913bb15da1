import type { Session } from '../../container/session.js';
import { keepForDebugging } from '../kept.js';
import type { Stage } from '../stage.js';
import { watchStorage } from '../storage.js';
import { type Builder, makeFolders } from './builder.js';

/** Starts what the build's commands run in; it ends once the result is there, or can't be made. */
export const sessionStage: Stage<{ readonly builder: Builder }, { readonly session: Session }> = {
  id: 'session',
  run: async ({ build, request, ports, recorder, saver, defer }, { builder }) => {
    await makeFolders(build);
    const started = await builder.start(recorder);
    const { session, end } = watchStorage(build, started, ports);
    defer(async (failure) => {
      end();
      if (failure !== undefined && request.keepContainer && !ports.signal.aborted)
        await keepForDebugging(build, session, failure.error, recorder, ports.logger);
      await session.stop();
    });
    defer(() => saver.settled());
    return { session };
  },
};
