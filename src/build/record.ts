import { z } from 'zod';
import type { StateStore } from '../base/ports.js';
import { type CacheUse, cacheUseSchema } from '../cache/ledger.js';
import { archs } from '../targets/identifier.js';

const save = z.object({
  key: z.string(),
  directory: z.string(),
  /** Relative paths; the whole folder when left out. */
  files: z.array(z.string()).optional(),
});

const recordSchema = z.object({
  version: z.literal(1),
  identifier: z.string(),
  /** The build's own folder, removed at the end. */
  buildFolder: z.string(),
  transfer: z.string(),
  policy: z.object({ restore: z.boolean(), save: z.boolean() }),
  /** bytes that the saved entries which the target may use may have together */
  cacheBudget: z.number(),
  /** What became of the entries that main asked for. */
  cacheUses: z.array(cacheUseSchema),
  /** Container that may still run. */
  container: z.object({ program: z.enum(['docker', 'podman']), name: z.string() }).optional(),
  /** Container that sources are fetched in and that may still run. */
  fetch: z.object({ program: z.enum(['docker', 'podman']), name: z.string() }).optional(),
  /** Container of the smoke test that may still run. */
  smoke: z.object({ program: z.enum(['docker', 'podman']), name: z.string() }).optional(),
  /** Folder in memory with the signing key, while files are signed. */
  keyring: z.string().optional(),
  /** Entries that are complete and not in the cache yet. */
  saves: z.array(save),
  /** Entries that were found damaged: what is saved must not hide behind them. */
  damaged: z.array(z.string()).optional(),
  /** Build cache whose complete packages are to be saved, but for those that the cache has (`restored`). */
  packages: z
    .object({
      directory: z.string(),
      place: z.object({
        toolchain: z.string(),
        arch: z.enum(archs),
        builder: z.string(),
        padding: z.number(),
      }),
      restored: z.array(z.string()),
      /** Hashes of the lock's own; others are not the build's to save. */
      wanted: z.array(z.string()).optional(),
    })
    .optional(),
  /** ccache's folder, and where its files go; those used `since` (ms since 1970) once all is compiled. */
  ccache: z.object({ directory: z.string(), prefix: z.string(), since: z.number().optional() }).optional(),
  /** Folder that Spack builds in; its logs are kept when the build failed. */
  stage: z.string(),
  succeeded: z.boolean(),
  upload: z.boolean(),
  retentionDays: z.number().optional(),
});

/** What the post step must know; it recomputes nothing. */
export type PostRecord = z.infer<typeof recordSchema>;

/** Reads a record; undefined when main never got as far as writing one. */
export function parseRecord(text: string): PostRecord | undefined {
  if (text === '') return undefined;
  return recordSchema.parse(JSON.parse(text));
}

/** Keeps the record and writes it at each change, so that the post step of a killed build finds it. */
export class Recorder {
  constructor(
    private record: PostRecord,
    private readonly store: StateStore,
  ) {
    this.store.save(this.record);
  }

  get current(): PostRecord {
    return this.record;
  }

  update(change: Partial<Omit<PostRecord, 'version'>>): void {
    this.record = { ...this.record, ...change };
    this.store.save(this.record);
  }

  addSave(entry: PostRecord['saves'][number]): void {
    this.update({ saves: [...this.record.saves, entry] });
  }

  addUse(use: CacheUse): void {
    this.update({ cacheUses: [...this.record.cacheUses, use] });
  }
}
