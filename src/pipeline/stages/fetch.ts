import { ChecksumError, type FactoryError, PackageBuildError } from '../../base/errors.js';
import { exists } from '../../base/files.js';
import type { Ports } from '../../base/ports.js';
import type { Session } from '../../container/session.js';
import { fetchCommand, fetchEnvironment, indexFolder } from '../../spack/commands.js';
import type { LockedSpec } from '../../spack/lock.js';
import { firstErrorLine } from '../../spack/progress.js';
import { arrivedIndexes } from '../indexes.js';
import type { ResolvedBuild } from '../resolve.js';

/**
 * Fetches the sources of what will be compiled, with the network and the proxy settings that the build itself
 * does not have, and ends what it was done in.
 * @param start starts what fetches
 * @param ready resolves once Spack's indexes have arrived
 * @throws ChecksumError, PackageBuildError, ContainerError
 */
export async function fetchSources(
  build: ResolvedBuild,
  specs: readonly LockedSpec[],
  start: () => Promise<Session>,
  ready: Promise<unknown>,
  { logger }: Pick<Ports, 'logger'>,
): Promise<void> {
  const [started] = await Promise.allSettled([start(), ready]);
  if (started.status === 'rejected') throw started.reason;
  const session = started.value;
  try {
    await fetch(build, specs, session, logger);
  } finally {
    await session.stop();
  }
}

async function fetch(
  build: ResolvedBuild,
  specs: readonly LockedSpec[],
  session: Session,
  logger: Ports['logger'],
): Promise<void> {
  const { layout } = session;
  const copies = [[layout.environment, fetchEnvironment(layout)]];
  if (await exists(arrivedIndexes(build.hostLayout))) {
    copies.push([arrivedIndexes(layout), indexFolder(layout)]);
  }
  for (const [from, to] of copies) await session.exec(['cp', '-R', `${from}/.`, to ?? '']);
  const { command, env } = fetchCommand(
    session,
    specs.map(({ hash }) => hash),
  );
  const start = performance.now();
  const result = await session.exec(command, { env, onLine: (line) => logger.debug(line) });
  if (result.exitCode === 0) {
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    logger.info(`The sources of ${specs.length} packages are there (${seconds} s)`);
    return;
  }
  throw explainFetch(`${result.stdout}\n${result.stderr}`, specs, logger);
}

function explainFetch(output: string, specs: readonly LockedSpec[], logger: Ports['logger']): FactoryError {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  for (const line of lines) logger.info(line);
  const mismatch = wrongBytes(output);
  if (mismatch !== undefined) return mismatch;
  // Spack names the folder of the package that it could not fetch.
  const failed = specs.find(({ hash }) => output.includes(hash));
  const error = lines.find((line) => /^==> Error: /.test(line))?.replace(/^==> Error: /, '');
  // The official address comes last.
  const reason = [error, lines.at(-1)?.trim()].filter((part) => part !== undefined && part !== '');
  return new PackageBuildError({
    package: failed === undefined ? 'a package' : `${failed.name}@${failed.version}`,
    phase: 'fetch',
    firstError: [...new Set(reason)].join(' ') || 'Spack said nothing',
    log: undefined,
  });
}

/** The error for fetched bytes that are not those of the recipe, where an output tells of them. */
export function wrongBytes(output: string): ChecksumError | undefined {
  const mismatch = /ChecksumError|checksum failed for (.*)/.exec(output);
  if (mismatch === null) return undefined;
  return new ChecksumError(
    `An archive's sha256 is not the expected one: ${firstErrorLine(output) ?? mismatch[0]}`,
    'Check the source mirror or proxy that served it; nothing of it was used.',
  );
}
