import { posix } from 'node:path';
import { formatBytes } from '../../base/bytes.js';
import { PackageBuildError } from '../../base/errors.js';
import { freeBytes } from '../../base/files.js';
import type { Logger } from '../../base/ports.js';
import { readPlain } from '../../base/safe.js';
import { memoryHint } from '../../container/container.js';
import type { Session } from '../../container/session.js';
import { installCommand } from '../../spack/commands.js';
import { firstErrorLine, type InstallProgress } from '../../spack/progress.js';
import { logName, mostLogBytes } from '../logs.js';
import type { ResolvedBuild } from '../resolve.js';
import { wrongBytes } from './fetch.js';

/** Less than this, and what failed has failed for it; not every program says so (`ar`: "reason: Success"). */
const fullDiskBytes = 100e6;

/** Why an installation failed, told by Spack's last lines and the log of the package. */
export async function explainFailure(
  build: ResolvedBuild,
  session: Session,
  progress: InstallProgress,
  tail: readonly string[],
  logger: Logger,
): Promise<Error> {
  for (const line of tail.slice(-40)) logger.info(line);
  const output = tail.join('\n');
  const mismatch = wrongBytes(output);
  if (mismatch !== undefined) return mismatch;
  const { failure } = progress;
  const log =
    failure?.logPath === undefined ? undefined : posix.relative(session.layout.buildStage, failure.logPath);
  const text = log === undefined ? '' : await readLog(build, log);
  const found = firstErrorLine(text) ?? firstErrorLine(output) ?? tail.at(-1) ?? 'Spack said nothing';
  const scarce = (await scarceDisk(build)) ?? (await scarceMemory(session, found, `${text}\n${output}`));
  return new PackageBuildError({
    package: failure === undefined ? 'a package' : `${failure.name}@${failure.version}`,
    phase: failure?.lastPhase ?? 'unknown',
    firstError: scarce?.reason ?? found,
    log: log === undefined ? undefined : logName(log),
    remedy: scarce?.remedy,
    command: installCommand(session, build.jobs, build.own.tests).command.join(' '),
  });
}

/** What a build had too little of, and what to do about it. */
interface Scarce {
  readonly reason: string;
  readonly remedy?: string;
}

async function scarceDisk({ buildFolder }: ResolvedBuild): Promise<Scarce | undefined> {
  const free = await freeBytes(buildFolder);
  if (free >= fullDiskBytes) return undefined;
  return { reason: `No space left on device: ${formatBytes(free)} are free in ${buildFolder}` };
}

// Without a container nobody tells who killed it.
const compilerKilled = 'Killed signal terminated program';

async function scarceMemory(
  { container }: Session,
  found: string,
  output: string,
): Promise<Scarce | undefined> {
  if (container === undefined) {
    return output.includes(compilerKilled)
      ? { reason: `A compiler was killed, most likely since memory ran out: ${found}`, remedy: memoryHint }
      : undefined;
  }
  const limit = await container.memoryExceeded();
  if (limit === undefined) return undefined;
  const reason = `it took more memory than the ${formatBytes(limit)} that the container may have: ${found}`;
  return { reason, remedy: memoryHint };
}

async function readLog(build: ResolvedBuild, log: string): Promise<string> {
  return readPlain(build.hostLayout.buildStage, log, mostLogBytes).then(
    (text) => text.toString('utf8'),
    () => '',
  );
}
