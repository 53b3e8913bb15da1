import { mkdir, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { exists, listFiles } from '../base/files.js';
import { listPlain } from '../base/walk.js';
import type { CacheEntries } from '../cache/entries.js';
import { type IndexMaterial, indexKey, indexPrefix } from '../cache/keys.js';
import type { Layout } from '../container/layout.js';
import type { Session } from '../container/session.js';
import { indexFolder } from '../spack/commands.js';
import type { ShippedIndexes } from '../spack/shipped.js';
import type { Recorder } from './record.js';
import type { ResolvedBuild } from './resolve.js';
import { takeOut } from './takeout.js';

/** Where the indexes arrive from the cache, or from the session that made them. */
export const arrivedIndexes = (layout: Layout): string => join(layout.arrivals, 'misc');

/** bytes of one index; today the largest has half a million */
const mostBytes = 1 << 28;

/**
 * Spack's own indexes of all packages' providers, patches and tags, which it would else make by loading
 * every package: to concretize, and for the patches of what it compiles. It takes one for its own when no
 * package file is newer; the key holds the commits. Those of the pinned commits come with the project, and no
 * cache is asked for them.
 */
export class Indexes {
  readonly #material: IndexMaterial;
  readonly #layout: Layout;
  readonly #arrived: string;
  readonly #entries: CacheEntries;
  #brought: Promise<boolean> | undefined;

  constructor(
    build: ResolvedBuild,
    entries: CacheEntries,
    private readonly shipped: () => Promise<ShippedIndexes>,
  ) {
    const { toolchain, target, pins, overlayDigest } = build;
    this.#material = {
      toolchain: toolchain.id,
      arch: target.arch,
      spackCommit: pins.spack.commit,
      packagesCommit: pins.packages.commit,
      overlay: overlayDigest,
    };
    this.#layout = build.hostLayout;
    this.#arrived = arrivedIndexes(build.hostLayout);
    this.#entries = entries;
  }

  /** Brings them into the session, once; says whether nothing of them is to be saved. */
  bring(session: Session): Promise<boolean> {
    this.#brought ??= this.#bring(session);
    return this.#brought;
  }

  async #bring(session: Session): Promise<boolean> {
    const whole = await this.#restore();
    // A build writes to its own copy. Without one Spack makes them anew.
    if (await exists(this.#arrived)) {
      const copy = ['cp', '-R', `${arrivedIndexes(session.layout)}/.`, indexFolder(session.layout)] as const;
      if ((await session.exec(copy)).exitCode !== 0) return false;
    }
    return whole;
  }

  async #restore(): Promise<boolean> {
    if (await this.#placeShipped()) return true;
    if (await this.#entries.restore(indexKey(this.#material), this.#arrived)) return true;
    if (await this.#entries.restoreNear(indexPrefix(this.#material), this.#arrived)) {
      // Those of our own few packages are of another state.
      for (const file of await listFiles(this.#arrived)) {
        if (basename(file).startsWith('slurm_factory-')) await rm(join(this.#arrived, file));
      }
    }
    return false;
  }

  // Those of our own few packages are not among them: Spack makes them in a moment.
  async #placeShipped(): Promise<boolean> {
    const { spackCommit, packagesCommit } = this.#material;
    const { spack, packages, files } = await this.shipped();
    if (spack !== spackCommit || packages !== packagesCommit) return false;
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(this.#arrived, path)), { recursive: true });
      await writeFile(join(this.#arrived, path), text);
    }
    return true;
  }

  /** Has those saved that a concretization has made; nothing else makes all of them. */
  async keep(session: Session, recorder: Recorder): Promise<void> {
    if (await this.bring(session)) return;
    const folder = indexFolder(this.#layout);
    const made = await listPlain(folder);
    const files = made.filter((file) => /^(?:patches|providers|tags)\/[^/]+$/.test(file));
    if (files.length === 0) return;
    await rm(this.#arrived, { recursive: true, force: true });
    await takeOut(folder, files, this.#arrived, mostBytes);
    recorder.putSave({ what: 'files', key: indexKey(this.#material), directory: this.#arrived, files });
  }
}
