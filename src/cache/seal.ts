import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { schemaNumber } from './keys.js';

/**
 * What a build with a secret puts on the entries that it saves, and asks of those that it believes. Whoever
 * can write to the cache but has not the secret can't make one.
 */
export interface Seal {
  /** Scope of such entries: it tells secrets apart and gives nothing of them away. */
  readonly scope: string;
  /**
   * @param key the entry's key in the store
   * @param sums text of the entry's list of sums
   */
  mark(key: string, sums: string): string;
  /** Whether a mark is the one of this key and these sums. */
  holds(key: string, sums: string, mark: string): boolean;
}

/** Makes the seal of a secret: long, and known to nobody who may not sign. */
export function makeSeal(secret: string): Seal {
  const derive = (use: string, bytes: number) =>
    Buffer.from(hkdfSync('sha256', secret, 'slurm-factory', `cache v${schemaNumber}: ${use}`, bytes));
  const sealKey = derive('seal', 32);
  const digest = (key: string, sums: string) =>
    createHmac('sha256', sealKey).update(`${key}\n${sums}`).digest();
  return {
    scope: `k${derive('scope', 6).toString('hex')}`,
    mark: (key, sums) => `${digest(key, sums).toString('hex')}\n`,
    holds: (key, sums, mark) => {
      const given = /^[0-9a-f]{64}\n$/.test(mark) ? Buffer.from(mark.trim(), 'hex') : Buffer.alloc(32);
      return timingSafeEqual(digest(key, sums), given);
    },
  };
}
