import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ConcretizationError, ContainerError } from '../../base/errors.js';
import type { Logger } from '../../base/ports.js';
import { copyPlain, readPlain } from '../../base/safe.js';
import type { CacheEntries } from '../../cache/entries.js';
import { lockDigest, lockKey } from '../../cache/keys.js';
import type { Session } from '../../container/session.js';
import { parseVersions } from '../../distro/distro.js';
import { distroOf } from '../../distro/distros.js';
import { concretizeCommand } from '../../spack/commands.js';
import { renderEnvironment } from '../../spack/environment.js';
import { type Lock, parseLock } from '../../spack/lock.js';
import { environmentBase } from '../decisions.js';
import type { Indexes } from '../indexes.js';
import type { Recorder } from '../record.js';
import type { ResolvedBuild } from '../resolve.js';
import type { Stage } from '../stage.js';
import { putIn } from '../takeout.js';

const lockName = 'spack.lock';

/** bytes; today's have 50,000 */
const mostLockBytes = 1 << 26;

/** Folder of this machine's own copy of the lock, which no build can change. */
const lockFolder = (build: ResolvedBuild): string => join(build.buildFolder, 'lock');

/** Text of the lock as it was brought. */
async function lockText(build: ResolvedBuild): Promise<string> {
  return (await readPlain(lockFolder(build), lockName, mostLockBytes)).toString('utf8');
}

/**
 * Writes spack.yaml with the distribution's versions and brings its lock: from the cache, else by
 * concretizing.
 * @throws ConcretizationError
 */
export async function bringLock(
  build: ResolvedBuild,
  session: Session,
  entries: CacheEntries,
  indexes: Indexes,
  recorder: Recorder,
  logger: Logger,
): Promise<Lock> {
  const environment = await writeEnvironment(build, session);
  const digest = lockDigest({
    builder: build.builder,
    spackCommit: build.pins.spack.commit,
    packagesCommit: build.pins.packages.commit,
    overlay: build.overlayDigest,
    environment,
  });
  const key = lockKey(build.target, digest);
  const folder = lockFolder(build);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  if (await entries.restore(key, folder)) {
    logger.info('The lock came from the cache; nothing is concretized.');
    await putIn(build.hostLayout.environment, lockName, await lockText(build));
  } else {
    await indexes.bring(session);
    await concretize(session, logger);
    await takeLock(build);
    await indexes.keep(session, recorder);
    recorder.putSave({ what: 'files', key, directory: folder, files: [lockName] });
  }
  return parseLock(await lockText(build));
}

async function takeLock(build: ResolvedBuild): Promise<void> {
  const partial = join(lockFolder(build), `${lockName}.partial`);
  await copyPlain(build.hostLayout.environment, lockName, partial, { limit: mostLockBytes });
  await rename(partial, join(lockFolder(build), lockName));
}

/** @returns the environment as the key of its lock sees it */
async function writeEnvironment(build: ResolvedBuild, session: Session): Promise<string> {
  const { toolchain, options, release, target } = build;
  const names = [...toolchain.dependencies, ...toolchain.tools].map((item) => item.package);
  const queried = await session.exec(distroOf(toolchain.packageManager).versionsCommand([...new Set(names)]));
  if (queried.exitCode !== 0) {
    throw new ContainerError(
      `The builder image lacks packages: ${queried.stderr.trim()}`,
      'Remove the image, so that it is made again.',
    );
  }
  const versions = parseVersions(queried.stdout);
  const render = (sourceMirror: string | undefined) =>
    renderEnvironment({
      ...environmentBase(options, release, toolchain, target.arch),
      layout: session.layout,
      versionOf: (item) => versions.get(item.package) ?? missingVersion(item.package),
      sourceMirror,
    });
  const mirror = build.localMirror === undefined ? options.sourceMirror : `file://${session.layout.sources}`;
  await putIn(build.hostLayout.environment, 'spack.yaml', render(mirror));
  // Where sources come from changes nothing that is solved; nor may a key hold an address or a login.
  return render(undefined);
}

function missingVersion(name: string): never {
  throw new ContainerError(
    `The builder image has no version of ${name}.`,
    'Remove the image, so that it is made again.',
  );
}

async function concretize(session: Session, logger: Logger): Promise<void> {
  const { command, env } = concretizeCommand(session);
  const result = await session.exec(command, { env, onLine: (line) => logger.debug(line) });
  if (result.exitCode === 0) return;
  const output = `${result.stdout}\n${result.stderr}`;
  for (const line of output.split('\n').filter((text) => text.trim() !== '')) logger.info(line);
  const reason = output.split('\n').find((line) => /^==> Error/.test(line)) ?? 'Spack gave no reason.';
  throw new ConcretizationError(
    `Spack found no solution: ${reason.replace(/^==> Error:\s*/, '')}`,
    'Read the lines above; with another spack-ref or packages-ref, try the pinned commits.',
    { command: command.join(' ') },
  );
}

/** Brings the lock of the build's environment. */
export const lockStage: Stage<{ readonly session: Session }, { readonly lock: Lock }> = {
  id: 'lock',
  run: async ({ build, entries, indexes, recorder, ports }, { session }) => ({
    lock: await bringLock(build, session, entries, indexes, recorder, ports.logger),
  }),
};
