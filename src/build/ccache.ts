import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { exists, listFiles } from '../base/files.js';
import type { Logger, ProcessRunner } from '../base/ports.js';
import type { CacheEntries } from '../cache/entries.js';
import { ccacheKey, ccachePrefix } from '../cache/keys.js';
import { ccacheFolder, configureResults } from '../spack/commands.js';
import type { BuildPlan } from './plan.js';
import type { PostRecord, Recorder } from './record.js';

interface CcachePorts {
  readonly process: ProcessRunner;
  readonly logger: Logger;
}

// A thousand files one by one would take a store seconds.
const archive = 'ccache.tar';

/**
 * What compilers made, kept by ccache for the builds of one release series: one that was killed within a
 * package goes on from there, and a patch release compiles only the files that changed.
 */
export class Ccache {
  readonly #directory: string;
  readonly #prefix: string;
  readonly #arrival: string;
  #brought = 0;

  constructor(
    plan: BuildPlan,
    private readonly entries: CacheEntries,
    private readonly recorder: Recorder,
    private readonly ports: CcachePorts,
  ) {
    const { toolchain, arch } = plan.target;
    const { release, debug } = plan.options;
    this.#directory = ccacheFolder(plan.hostLayout);
    this.#prefix = ccachePrefix({ toolchain, arch, builder: plan.builder, series: release.series, debug });
    this.#arrival = join(plan.buildFolder, 'ccache');
  }

  /** Brings the files of the last build, if there are any, and has this build's saved. */
  async bring(): Promise<void> {
    if (await this.entries.restoreNear(this.#prefix, this.#arrival)) {
      await mkdir(this.#directory, { recursive: true });
      // With times of this machine: they say what is used from now on.
      const words = ['--extract', '--touch', '--file', join(this.#arrival, archive)];
      const { exitCode, stderr } = await this.ports.process.run([
        'tar',
        ...words,
        '--directory',
        this.#directory,
      ]);
      // ccache finds and leaves out what is not whole.
      if (exitCode !== 0) this.ports.logger.warning(`Not all of ccache's files could be unpacked: ${stderr}`);
    }
    this.recorder.update({ ccache: { directory: this.#directory, prefix: this.#prefix } });
    this.#brought = Date.now();
  }

  /** Says that all is compiled: what was not used since they were brought is not saved again. */
  finished(): void {
    const { ccache } = this.recorder.current;
    if (ccache !== undefined) this.recorder.update({ ccache: { ...ccache, since: this.#brought } });
  }
}

// Manifests, results, and what configure found; anything else is a lock, a statistic or half of a file. Each
// use touches them.
const wholeFile = new RegExp(`[MR]$|^${configureResults}/[0-9a-f]{64}$`);

/** Saves ccache's files: after a failure all that are whole, else those that this build has used. */
export async function saveCcache(
  { directory, prefix, since = 0 }: NonNullable<PostRecord['ccache']>,
  entries: CacheEntries,
  { process, logger }: CcachePorts,
): Promise<void> {
  if (!(await exists(directory))) return;
  const whole = (await listFiles(directory)).filter((file) => wholeFile.test(file));
  const times = await Promise.all(whole.map(async (file) => (await stat(join(directory, file))).mtimeMs));
  const files = whole.filter((_, index) => (times[index] ?? 0) > since);
  if (files.length === 0) return;
  const words = ['--create', '--file', join(directory, archive), '--directory', directory];
  const { exitCode, stderr } = await process.run(
    ['tar', ...words, '--verbatim-files-from', '--files-from=-'],
    { input: `${files.join('\n')}\n` },
  );
  if (exitCode === 0) await entries.save(ccacheKey(prefix, files), directory, [archive]);
  else logger.warning(`ccache's files could not be packed: ${stderr}`);
}
