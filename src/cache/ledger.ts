import { z } from 'zod';
import { entryKinds, readKey } from './keys.js';

/** What became of one cache entry in a run. */
export const cacheUseSchema = z.object({
  key: z.string(),
  kind: z.enum([...entryKinds, 'other']),
  /** The package, ccache's release series or the result's target. */
  name: z.string().optional(),
  /** Of the entry's files; of a pruned entry, as its store counts them. */
  bytes: z.number(),
  outcome: z.enum(['restored', 'saved', 'already there', 'damaged', 'failed', 'pruned']),
});

/** What became of one cache entry. */
export type CacheUse = z.infer<typeof cacheUseSchema>;

export function cacheUse(key: string, bytes: number, outcome: CacheUse['outcome']): CacheUse {
  const { kind = 'other', ...named } = readKey(key);
  return { key, kind, ...named, bytes, outcome };
}

/** Short text for an entry: `package slurm abcdefg`, the last word being the beginning of its hash. */
export function entryLabel({ key, kind, name }: CacheUse): string {
  if (kind === 'other') return key;
  return [kind, name, key.slice(key.lastIndexOf('-') + 1).slice(0, 7)].filter(Boolean).join(' ');
}

/** The entries that a run has in use: those it restored, and those it saved or found saved. */
export function usedKeys(uses: readonly CacheUse[]): ReadonlySet<string> {
  const inUse: readonly CacheUse['outcome'][] = ['restored', 'saved', 'already there'];
  return new Set(uses.filter(({ outcome }) => inUse.includes(outcome)).map(({ key }) => key));
}

/** Bytes of all entries with an outcome. */
export const bytesOf = (uses: readonly CacheUse[], outcome: CacheUse['outcome']): number =>
  uses.filter((use) => use.outcome === outcome).reduce((sum, use) => sum + use.bytes, 0);
