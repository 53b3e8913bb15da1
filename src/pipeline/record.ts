import { basename, relative } from 'node:path';
import { z } from 'zod';
import { ConfigurationError } from '../base/errors.js';
import type { StateStore } from '../base/ports.js';
import { type CacheUse, cacheUseSchema } from '../cache/ledger.js';
import type { CachePolicy } from '../cache/policy.js';
import { archs } from '../targets/identifier.js';
import { confine, type RecordPlaces } from './confine.js';

const program = z.enum(['docker', 'podman']);
const count = z.number().nonnegative();

/** A record as it is kept: it names folders by their names only, and nothing that the build's name gives. */
const storedSchema = z.strictObject({
  version: z.literal(2),
  identifier: z.string(),
  /** Name of the build's own folder, removed at the end. */
  build: z.string(),
  /** Name of the folder that cache entries pass through, removed at the end. */
  transfer: z.string(),
  policy: z.strictObject({ restore: z.boolean(), save: z.boolean(), scopes: z.array(z.string()).min(1) }),
  /** bytes that the saved entries which the target may use may have together */
  cacheBudget: count,
  /** What became of the entries that main asked for. */
  cacheUses: z.array(cacheUseSchema),
  /** Engine of a container that may still run. */
  container: program.optional(),
  /** The same of the container that sources are fetched in, and of the smoke test's. */
  fetch: program.optional(),
  smoke: program.optional(),
  /** Folder in memory with the signing key, while files are signed. */
  keyring: z.string().optional(),
  /** Entries that are complete and not in the cache yet: a folder below the build's, and files in it. */
  saves: z.array(
    z.strictObject({ key: z.string(), folder: z.string(), files: z.array(z.string()).optional() }),
  ),
  /** Entries that were found damaged: what is saved must not hide behind them. */
  damaged: z.array(z.string()).optional(),
  /** Where the build cache's complete packages go, but for those that the cache has (`restored`). */
  packages: z
    .strictObject({
      place: z.strictObject({
        toolchain: z.string(),
        arch: z.enum(archs),
        builder: z.string().regex(/^[0-9a-z]{1,64}$/),
        padding: count,
      }),
      restored: z.array(z.string()),
      /** Hashes of the lock's own; others are not the build's to save. */
      wanted: z.array(z.string()).optional(),
    })
    .optional(),
  /** Where ccache's files go; those used `since` (ms since 1970) once all is compiled. */
  ccache: z.strictObject({ prefix: z.string(), since: count.optional() }).optional(),
  succeeded: z.boolean(),
  /** The container and the build's folder are left, for a look into them. */
  kept: z.boolean().optional(),
  upload: z.boolean(),
  retentionDays: count.optional(),
});

export type StoredRecord = z.infer<typeof storedSchema>;

interface Container {
  readonly program: z.infer<typeof program>;
  readonly name: string;
}

/** What the post step must know, in paths of this machine; it recomputes nothing. */
export interface PostRecord
  extends Omit<
    StoredRecord,
    'build' | 'transfer' | 'policy' | 'container' | 'fetch' | 'smoke' | 'saves' | 'packages' | 'ccache'
  > {
  readonly policy: CachePolicy;
  readonly buildFolder: string;
  readonly transfer: string;
  readonly container?: Container | undefined;
  readonly fetch?: Container | undefined;
  readonly smoke?: Container | undefined;
  /** Files by relative paths; the whole folder when left out. */
  readonly saves: readonly {
    readonly key: string;
    readonly directory: string;
    readonly files?: readonly string[];
  }[];
  readonly packages?: NonNullable<StoredRecord['packages']> & { readonly directory: string };
  readonly ccache?: NonNullable<StoredRecord['ccache']> & { readonly directory: string };
  /** Folder that Spack builds in; its logs are kept when the build failed. */
  readonly stage: string;
}

/** A record as it is kept. What `confine` takes from the build's name is left out. */
export function storedRecord(record: PostRecord): StoredRecord {
  const { buildFolder, stage: _, transfer, policy, saves, packages, ccache, ...others } = record;
  const { container, fetch, smoke, ...rest } = others;
  return {
    ...rest,
    policy: { ...policy, scopes: [...policy.scopes] },
    build: basename(buildFolder),
    transfer: basename(transfer),
    ...(container === undefined ? {} : { container: container.program }),
    ...(fetch === undefined ? {} : { fetch: fetch.program }),
    ...(smoke === undefined ? {} : { smoke: smoke.program }),
    saves: saves.map(({ key, directory, files }) => ({
      key,
      folder: relative(buildFolder, directory),
      ...(files === undefined ? {} : { files: [...files] }),
    })),
    ...(packages === undefined ? {} : { packages: withoutDirectory(packages) }),
    ...(ccache === undefined ? {} : { ccache: withoutDirectory(ccache) }),
  };
}

const withoutDirectory = <T extends { readonly directory: string }>({ directory: _, ...rest }: T) => rest;

/**
 * Reads a record; undefined when main never got as far as writing one.
 * @throws ConfigurationError when it names anything outside of the build's own folders; another error when it
 * is no record of this version
 */
export function parseRecord(text: string, places: RecordPlaces): PostRecord | undefined {
  if (text === '') return undefined;
  const record = confine(storedSchema.parse(JSON.parse(text)), places);
  if (typeof record !== 'string') return record;
  throw new ConfigurationError(
    `The record of an earlier build is not followed: ${record}.`,
    'Look who can write to the folder of the caches; what it names is left alone.',
  );
}

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

  update(change: Partial<Omit<PostRecord, 'version'>>): void {
    this.record = { ...this.record, ...change };
    this.store.save(storedRecord(this.record));
  }

  addSave(entry: PostRecord['saves'][number]): void {
    this.update({ saves: [...this.record.saves, entry] });
  }

  addUse(use: CacheUse): void {
    this.update({ cacheUses: [...this.record.cacheUses, use] });
  }
}
