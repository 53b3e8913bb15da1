import { formatBytes } from '../base/bytes.js';
import { DiskSpaceError } from '../base/errors.js';
import type { Ports } from '../base/ports.js';
import type { Session } from '../container/session.js';
import type { ResolvedBuild } from './resolve.js';

/** Milliseconds between two looks at what a build fills; one takes some ten milliseconds. */
const interval = 3_000;

/**
 * Ends a session once its build has filled more of the disk than `container-storage` lets it: an engine can limit
 * a container's own layer at best, and a build writes to folders of this machine.
 * @returns the session, whose commands then reject with a DiskSpaceError, and what ends the watch
 */
export function watchStorage(
  build: Pick<ResolvedBuild, 'buildFolder' | 'options'>,
  session: Session,
  { process }: Pick<Ports, 'process'>,
  every = interval,
): { readonly session: Session; readonly end: () => void } {
  const most = build.options.containerStorage;
  if (most === undefined || session.container === undefined) return { session, end: () => {} };
  let full: DiskSpaceError | undefined;
  let looking = false;
  const look = async () => {
    const told = await process.run(['du', '-s', '--block-size=1', build.buildFolder]);
    const bytes = Number.parseInt(told.stdout, 10);
    if (!(bytes > most)) return;
    full = new DiskSpaceError(
      `The build has filled ${formatBytes(bytes)} of the disk; container-storage lets it fill ${formatBytes(most)}.`,
      'Raise container-storage, or leave it out.',
    );
    end();
    await session.stop();
  };
  const timer = setInterval(() => {
    // An abort ends a look too, and whoever aborted knows of it.
    if (!looking)
      void look()
        .catch(() => {})
        .finally(() => (looking = false));
    looking = true;
  }, every);
  timer.unref();
  const end = () => clearInterval(timer);
  const watched: Session = {
    ...session,
    exec: async (command, options) => {
      const result = await session.exec(command, options).catch((error: unknown) => {
        throw full ?? error;
      });
      if (full !== undefined) throw full;
      return result;
    },
  };
  return { session: watched, end };
}
