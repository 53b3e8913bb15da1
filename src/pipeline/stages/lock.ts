import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConcretizationError, ContainerError, InputError } from '../../base/errors.js';
import type { Logger } from '../../base/ports.js';
import { copyPlain, readPlain } from '../../base/safe.js';
import type { CacheEntries } from '../../cache/entries.js';
import { lockDigest, lockKey } from '../../cache/keys.js';
import type { Session } from '../../container/session.js';
import { parseVersions } from '../../distro/distro.js';
import { distroOf } from '../../distro/distros.js';
import { concretizeCommand } from '../../spack/commands.js';
import { renderEnvironment, rootSpec } from '../../spack/environment.js';
import { type Lock, parseLock } from '../../spack/lock.js';
import { type LockOrigin, lockMismatches, madeWith, publishedLock } from '../../spack/lock-file.js';
import { summarize } from '../../targets/own-environment.js';
import type { Indexes } from '../indexes.js';
import { environmentBase } from '../key.js';
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

/** The lock as it is handed out, with what it was made with. */
const lockToHandOut = async (build: ResolvedBuild): Promise<string> =>
  publishedLock(await lockText(build), originOf(build));

/** What a lock of this build is made with. */
function originOf(build: ResolvedBuild): LockOrigin {
  const { options, release, toolchain, target, own, pins, overlayDigest } = build;
  const root = rootSpec(environmentBase(options, release, toolchain, target.arch, own));
  const { yaml } = summarize(own) ?? {};
  return {
    ...{ spack: pins.spack.commit, packages: pins.packages.commit, recipes: overlayDigest },
    specs: [root, ...own.packages],
    ...(yaml === undefined ? {} : { yaml }),
  };
}

/**
 * Writes spack.yaml with the distribution's versions and brings its lock: the user's, or from the cache, else by
 * concretizing.
 * @throws ConcretizationError; InputError for a user's lock that is of something else
 */
export async function bringLock(
  build: ResolvedBuild,
  session: Session,
  entries: CacheEntries,
  indexes: Indexes,
  recorder: Recorder,
  logger: Logger,
): Promise<Lock> {
  const { environment, versions } = await writeEnvironment(build, session);
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
  if (build.own.lock !== undefined) {
    await takeGivenLock(build, build.own.lock, versions);
    logger.info('The lock is the one of spack-lock; nothing is concretized.');
  } else if (await entries.restore(key, folder)) {
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

/** Takes a user's lock where it is of this build. */
async function takeGivenLock(
  build: ResolvedBuild,
  text: string,
  versions: ReadonlyMap<string, string>,
): Promise<void> {
  const { compiler, dependencies, tools } = build.toolchain;
  const there = new Map(
    [...dependencies, ...tools].map((item) => [item.spec, versions.get(item.package) ?? '']),
  );
  const found = lockMismatches(
    { lock: parseLock(text), origin: madeWith(text) },
    {
      origin: originOf(build),
      // Spack finds the C library by the compiler.
      versions: there.set(compiler.name, compiler.version).set('glibc', compiler.glibc),
    },
  );
  if (found.length > 0) {
    throw new InputError(found.map((message) => ({ input: 'spack-lock', message })));
  }
  await writeFile(join(lockFolder(build), lockName), text);
  await putIn(build.hostLayout.environment, lockName, text);
}

/** @returns the environment as the key of its lock sees it, and the versions of the distribution's packages */
async function writeEnvironment(
  build: ResolvedBuild,
  session: Session,
): Promise<{ readonly environment: string; readonly versions: ReadonlyMap<string, string> }> {
  const { toolchain, options, release, target, own } = build;
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
      ...environmentBase(options, release, toolchain, target.arch, own),
      layout: session.layout,
      versionOf: (item) => versions.get(item.package) ?? missingVersion(item.package),
      sourceMirror,
    });
  const mirror = build.localMirror === undefined ? options.sourceMirror : `file://${session.layout.sources}`;
  await putIn(build.hostLayout.environment, 'spack.yaml', render(mirror));
  // Where sources come from changes nothing that is solved; nor may a key hold an address or a login.
  return { environment: render(undefined), versions };
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

/** Brings the lock of the build's environment: what it says, and its text as it is handed out. */
export const lockStage: Stage<
  { readonly session: Session },
  { readonly lock: Lock; readonly lockFile: string }
> = {
  id: 'lock',
  run: async ({ build, entries, indexes, recorder, ports }, { session }) => {
    const lock = await bringLock(build, session, entries, indexes, recorder, ports.logger);
    return { lock, lockFile: await lockToHandOut(build) };
  },
};
