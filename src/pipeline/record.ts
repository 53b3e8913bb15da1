import { basename, relative } from 'node:path';
import { z } from 'zod';
import type { StateStore } from '../base/ports.js';
import { type CacheUse, cacheUseSchema } from '../cache/ledger.js';
import type { CachePolicy } from '../cache/policy.js';
import { type ContainerKind, containerKinds } from '../container/container.js';
import { archs } from '../targets/identifier.js';

const count = z.number().nonnegative();

/** What has to go after a build, whatever became of it. */
const storedCleanup = z.discriminatedUnion('what', [
  /** A container that may still run; its name follows from its kind and the build's. */
  z.strictObject({
    what: z.literal('container'),
    kind: z.enum(containerKinds),
    program: z.enum(['docker', 'podman']),
  }),
  /** Folder in memory with the signing key, while files are signed. */
  z.strictObject({ what: z.literal('keyring'), folder: z.string() }),
]);

/** What is complete, or may become so, and is not in the cache yet. */
const storedSave = z.discriminatedUnion('what', [
  /** One entry: a folder below the build's, and files in it; the whole folder when left out. */
  z.strictObject({
    what: z.literal('files'),
    key: z.string(),
    folder: z.string(),
    files: z.array(z.string()).optional(),
  }),
  /** The build cache's complete packages, but for those that the cache has (`restored`). */
  z.strictObject({
    what: z.literal('packages'),
    place: z.strictObject({
      toolchain: z.string(),
      arch: z.enum(archs),
      builder: z.string().regex(/^[0-9a-z]{1,64}$/),
      padding: count,
    }),
    restored: z.array(z.string()),
    /** Hashes of the lock's own; others are not the build's to save. */
    wanted: z.array(z.string()).optional(),
  }),
  /** ccache's files; those used `since` (ms since 1970) once all is compiled. */
  z.strictObject({ what: z.literal('ccache'), prefix: z.string(), since: count.optional() }),
]);

/** A record as it is kept: it names folders by their names only, and nothing that the build's name gives. */
export const storedSchema = z.strictObject({
  version: z.literal(4),
  identifier: z.string(),
  toolchain: z.string(),
  /** Name of the build's own folder, removed at the end. */
  build: z.string(),
  /** Name of the folder that cache entries pass through, removed at the end. */
  transfer: z.string(),
  policy: z.strictObject({ restore: z.boolean(), save: z.boolean(), scopes: z.array(z.string()).min(1) }),
  /** bytes that the saved entries which the target may use may have together */
  cacheBudget: count,
  /** What became of the entries that main asked for. */
  cacheUses: z.array(cacheUseSchema),
  cleanups: z.array(storedCleanup),
  saves: z.array(storedSave),
  /** Entries that were found damaged: what is saved must not hide behind them. */
  damaged: z.array(z.string()).optional(),
  succeeded: z.boolean(),
  /** The container and the build's folder are left, for a look into them. */

  /** The container and the build's folder are left, for a look into them. */
  kept: z.boolean().optional(),
  upload: z.boolean(),
  retentionDays: count.optional(),
});

export type StoredRecord = z.infer<typeof storedSchema>;
export type StoredCleanup = z.infer<typeof storedCleanup>;
export type StoredSave = z.infer<typeof storedSave>;

type Stored<Kind extends StoredSave['what']> = Extract<StoredSave, { what: Kind }>;

/** As `StoredCleanup`, the container by its name. */
export type Cleanup =
  | (Extract<StoredCleanup, { what: 'container' }> & { readonly name: string })
  | Extract<StoredCleanup, { what: 'keyring' }>;

/** As `StoredSave`, in paths of this machine. */
export type Save =
  | (Omit<Stored<'files'>, 'folder' | 'files'> & {
      readonly directory: string;
      readonly files?: readonly string[];
    })
  | (Stored<'packages'> & { readonly directory: string })
  | (Stored<'ccache'> & { readonly directory: string });

/** One kind of save. */
export type SaveOf<Kind extends Save['what']> = Extract<Save, { what: Kind }>;

/** What the post step must know, in paths of this machine; it recomputes nothing. */
export interface PostRecord
  extends Omit<StoredRecord, 'build' | 'transfer' | 'policy' | 'cleanups' | 'saves'> {
  readonly policy: CachePolicy;
  readonly buildFolder: string;
  readonly transfer: string;
  readonly cleanups: readonly Cleanup[];
  readonly saves: readonly Save[];
  /** Folder that Spack builds in; its logs are kept when the build failed. */
  readonly buildStage: string;
}

/** A record as it is kept. What `confine` takes from the build's name is left out. */
export function storedRecord(record: PostRecord): StoredRecord {
  const { buildFolder, buildStage: _, transfer, policy, cleanups, saves, ...rest } = record;
  return {
    ...rest,
    policy: { ...policy, scopes: [...policy.scopes] },
    build: basename(buildFolder),
    transfer: basename(transfer),
    cleanups: cleanups.map((cleanup) => {
      if (cleanup.what !== 'container') return cleanup;
      const { name: _name, ...stored } = cleanup;
      return stored;
    }),
    saves: saves.map((save) => {
      const { directory, ...stored } = save;
      if (stored.what !== 'files') return stored;
      const { files, ...named } = stored;
      return {
        ...named,
        folder: relative(buildFolder, directory),
        ...(files === undefined ? {} : { files: [...files] }),
      };
    }),
  };
}

/** The one save of a kind, where there is one. */
export function saveOf<Kind extends 'packages' | 'ccache'>(
  record: PostRecord,
  kind: Kind,
): SaveOf<Kind> | undefined {
  return record.saves.find((save): save is SaveOf<Kind> => save.what === kind);
}

const sameCleanup = (a: Cleanup, b: Cleanup): boolean =>
  a.what === 'container' && b.what === 'container'
    ? a.name === b.name
    : a.what === 'keyring' && b.what === 'keyring' && a.folder === b.folder;

const sameSave = (a: Save, b: Save): boolean =>
  a.what === b.what && (a.what !== 'files' || b.what !== 'files' || a.key === b.key);

/** Keeps the record and writes it at each change, so that the post step of a killed build finds it. */
export class Recorder {
  constructor(
    private record: PostRecord,
    private readonly store: StateStore,
  ) {
    this.store.save(storedRecord(this.record));
  }

  get current(): PostRecord {
    return this.record;
  }

  update(
    change: Partial<Pick<PostRecord, 'succeeded' | 'kept' | 'damaged' | 'cacheUses' | 'cleanups' | 'saves'>>,
  ): void {
    this.record = { ...this.record, ...change };
    this.store.save(storedRecord(this.record));
  }

  /** Notes what has to go; call it before it is made, so that nothing is left of a build that is killed. */
  addCleanup(cleanup: Cleanup): void {
    const others = this.record.cleanups.filter((other) => !sameCleanup(other, cleanup));
    this.update({ cleanups: [...others, cleanup] });
  }

  /** Says that a container is gone already. */
  dropContainer(kind: ContainerKind): void {
    const isGone = (cleanup: Cleanup) => cleanup.what === 'container' && cleanup.kind === kind;
    this.update({ cleanups: this.record.cleanups.filter((cleanup) => !isGone(cleanup)) });
  }

  /** Notes what is to be saved, in place of what was noted for the same key or kind. */
  putSave(save: Save): void {
    const { saves } = this.record;
    const known = saves.some((other) => sameSave(other, save));
    this.update({
      saves: known ? saves.map((other) => (sameSave(other, save) ? save : other)) : [...saves, save],
    });
  }

  addUse(use: CacheUse): void {
    this.update({ cacheUses: [...this.record.cacheUses, use] });
  }
}
