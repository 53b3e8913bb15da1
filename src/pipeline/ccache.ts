import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger, ProcessRunner } from '../base/ports.js';
import { openPlain, PlainFileError } from '../base/safe.js';
import { listPlain } from '../base/walk.js';
import type { CacheEntries } from '../cache/entries.js';
import { ccacheKey, ccachePrefix } from '../cache/keys.js';
import type { Layout } from '../container/layout.js';
import type { Session } from '../container/session.js';
import { ccacheFolder, configureResults } from '../spack/commands.js';
import { type Recorder, type SaveOf, saveOf } from './record.js';
import type { ResolvedBuild } from './resolve.js';
import { takeOut } from './takeout.js';

// A thousand files one by one would take a store seconds.
const archive = 'ccache.tar';

const arrivedCcache = (layout: Layout): string => join(layout.arrivals, 'ccache');

/**
 * What compilers made, kept by ccache for the builds of one release series: one that was killed within a
 * package goes on from there, and a patch release compiles only the files that changed.
 */
export class Ccache {
  readonly #directory: string;
  readonly #prefix: string;
  readonly #arrived: string;
  #brought = 0;

  constructor(
    build: ResolvedBuild,
    private readonly entries: CacheEntries,
    private readonly recorder: Recorder,
    private readonly logger: Logger,
  ) {
    const { toolchain, arch } = build.target;
    const { debug } = build.options;
    const { series } = build.release;
    this.#directory = ccacheFolder(build.hostLayout);
    this.#prefix = ccachePrefix({ toolchain, arch, builder: build.builder, series, debug });
    this.#arrived = arrivedCcache(build.hostLayout);
  }

  /** Brings the files of the last build into the session, if there are any, and has this build's saved. */
  async bring(session: Session): Promise<void> {
    if (await this.entries.restoreNear(this.#prefix, this.#arrived)) await this.#unpack(session);
    this.recorder.putSave({ what: 'ccache', directory: this.#directory, prefix: this.#prefix });
    this.#brought = Date.now();
  }

  async #unpack(session: Session): Promise<void> {
    const { layout } = session;
    const folder = ccacheFolder(layout);
    await session.exec(['mkdir', '-p', folder]);
    // With times of now: they say what is used from now on.
    const words = ['--extract', '--touch', '--file', `${arrivedCcache(layout)}/${archive}`];
    const { exitCode, stderr } = await session.exec(['tar', ...words, '--directory', folder]);
    // ccache finds and leaves out what is not whole.
    if (exitCode !== 0) this.logger.warning(`Not all of ccache's files could be unpacked: ${stderr}`);
  }

  /** Says that all is compiled: what was not used since they were brought is not saved again. */
  async finished(session: Session): Promise<void> {
    const save = saveOf(this.recorder.current, 'ccache');
    if (save === undefined) return;
    this.recorder.putSave({ ...save, since: this.#brought });
    const env = { CCACHE_DIR: ccacheFolder(session.layout) };
    const { exitCode, stdout } = await session.exec(['ccache', '--print-stats'], { env });
    const { had, asked } = exitCode === 0 ? countsOf(stdout) : { had: 0, asked: 0 };
    if (asked > 0) this.logger.info(`ccache had ${had} of ${asked} compiled files`);
  }
}

/**
 * How many compiled files ccache was asked for, and how many it had.
 * @param statistics a name and a number on each line; https://ccache.dev/manual/4.7.5.html#_statistics
 */
export function countsOf(statistics: string): { readonly had: number; readonly asked: number } {
  const sum = (...names: readonly string[]): number =>
    [...statistics.matchAll(/^(\w+)\t(\d+)$/gm)]
      .filter(([, name = '']) => names.includes(name))
      .reduce((all, [, , number]) => all + Number(number), 0);
  const had = sum('direct_cache_hit', 'preprocessed_cache_hit');
  return { had, asked: had + sum('cache_miss') };
}

// Manifests, results, and what configure found; anything else is a lock, a statistic or half of a file. Each
// use touches them.
const wholeFile = new RegExp(`^[\\w/]+[MR]$|^${configureResults}/[0-9a-f]{64}$`);

/**
 * Saves ccache's files: after a failure all that are whole, else those that this build has used.
 * @param leaving folder out of the build's reach, which they are taken to first
 */
export async function saveCcache(
  { directory, prefix, since = 0 }: Omit<SaveOf<'ccache'>, 'what'>,
  leaving: string,
  entries: CacheEntries,
  { process, logger }: { readonly process: ProcessRunner; readonly logger: Logger },
): Promise<void> {
  const files: string[] = [];
  for (const file of await listPlain(directory)) {
    if (wholeFile.test(file) && (await lastUse(directory, file)) > since) files.push(file);
  }
  if (files.length === 0) return;
  const [copies, packed] = [join(leaving, 'ccache'), join(leaving, 'ccache-packed')];
  try {
    for (const folder of [copies, packed]) await rm(folder, { recursive: true, force: true });
    await takeOut(directory, files, copies);
    await mkdir(packed);
    const words = ['--create', '--file', join(packed, archive), '--directory', copies];
    const { exitCode, stderr } = await process.run(
      ['tar', ...words, '--verbatim-files-from', '--files-from=-'],
      { input: `${files.join('\n')}\n` },
    );
    if (exitCode === 0) await entries.save(ccacheKey(prefix, files), packed, [archive]);
    else logger.warning(`ccache's files could not be packed: ${stderr}`);
  } finally {
    for (const folder of [copies, packed]) await rm(folder, { recursive: true, force: true });
  }
}

/** When a file was used last, in milliseconds since 1970; 0 for one that is no plain file. */
async function lastUse(directory: string, file: string): Promise<number> {
  try {
    const opened = await openPlain(directory, file);
    try {
      return (await opened.stat()).mtimeMs;
    } finally {
      await opened.close();
    }
  } catch (error) {
    if (error instanceof PlainFileError) return 0;
    throw error;
  }
}
