import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { exists, listFiles } from '../base/files.js';
import type { CacheEntries } from '../cache/entries.js';
import { type IndexMaterial, indexKey, indexPrefix } from '../cache/keys.js';
import type { BuildPlan } from './plan.js';
import type { Recorder } from './record.js';

/**
 * Spack's own indexes of all packages' providers, patches and tags, which it would else make by loading
 * every package: to concretize, and for the patches of what it compiles. It takes one for its own when no
 * package file is newer; the key holds the commits.
 */
export class Indexes {
  readonly #material: IndexMaterial;
  readonly #folder: string;
  readonly #entries: CacheEntries;
  #brought: Promise<boolean> | undefined;

  constructor(plan: BuildPlan, entries: CacheEntries) {
    const { toolchain, target, pins, overlayDigest } = plan;
    this.#material = {
      toolchain: toolchain.id,
      arch: target.arch,
      spackCommit: pins.spack.commit,
      packagesCommit: pins.packages.commit,
      overlay: overlayDigest,
    };
    this.#folder = join(plan.hostLayout.userCache, 'misc');
    this.#entries = entries;
  }

  /** Brings them from the cache, once; says whether they are all of this very state. */
  bring(): Promise<boolean> {
    this.#brought ??= this.#restore();
    return this.#brought;
  }

  async #restore(): Promise<boolean> {
    if (await this.#entries.restore(indexKey(this.#material), this.#folder)) return true;
    if (await this.#entries.restoreNear(indexPrefix(this.#material), this.#folder)) {
      // Those of our own few packages are of another state.
      for (const file of await listFiles(this.#folder)) {
        if (basename(file).startsWith('slurm_factory-')) await rm(join(this.#folder, file));
      }
    }
    return false;
  }

  /** Has those saved that a concretization has made; nothing else makes all of them. */
  async keep(recorder: Recorder): Promise<void> {
    if ((await this.bring()) || !(await exists(this.#folder))) return;
    const made = await listFiles(this.#folder);
    const files = made.filter((file) => /^(?:patches|providers|tags)\//.test(file));
    if (files.length > 0) recorder.addSave({ key: indexKey(this.#material), directory: this.#folder, files });
  }
}
