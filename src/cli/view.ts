import { proxySecrets } from '../base/environment.js';
import type { Logger, ProgressEvent } from '../base/ports.js';
import type { Context } from './command.js';

/** What a build tells while it runs, and where. */
export interface View {
  readonly logger: Logger;
  readonly progress: ((event: ProgressEvent) => void) | undefined;
  /** Says that a signal has come, and what is done now; by a logger where lines are not written over. */
  readonly cancelling: (logger: Logger) => void;
  /** Takes away what is written over. */
  readonly close: () => void;
}

const cancelled = 'Cancelling: what runs is ended, what is complete is kept';

/**
 * A view that fits the terminal: with a bar that is written over, or lines one behind the other.
 * @param cacheDir folder that has the times of earlier builds
 */
export async function openView(context: Context, cacheDir: string): Promise<View> {
  const { screen, logger, printer, colours, invocation } = context;
  if (!screen.live) {
    return { logger, progress: undefined, cancelling: (log) => log.info(`${cancelled}.`), close: () => {} };
  }
  const { createLogUpdate } = await import('log-update');
  const { LiveView } = await import('../local/live.js');
  const { earlierBuild } = await import('../local/timings.js');
  const stream = {
    write: (text: string) => printer.log(text),
    get columns() {
      return screen.columns();
    },
  } as unknown as NodeJS.WritableStream;
  // The cursor stays: what hides it would take the signals that end a build.
  const update = createLogUpdate(stream, { showCursor: true });
  const view = new LiveView({
    ...{ printer, colours: colours.log, unicode: screen.unicode, columns: screen.columns },
    block: { update, clear: () => update.clear() },
    earlier: (release) => earlierBuild(cacheDir, release),
  });
  for (const secret of proxySecrets(invocation.env)) view.mask(secret);
  view.start();
  return {
    logger: view,
    progress: view.progress,
    cancelling: () => view.say(cancelled),
    close: () => view.stop(),
  };
}
