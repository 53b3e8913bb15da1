import { formatBytes } from '../base/bytes.js';
import type { CacheInventory, Logger, Ports, StoredEntry } from '../base/ports.js';
import { planPruning } from '../cache/budget.js';
import { reachOf } from '../cache/keys.js';
import { type CacheUse, cacheUse } from '../cache/ledger.js';
import { readTarget } from '../targets/identifier.js';
import type { PostRecord } from './record.js';

/** What a run left of the entries that its target may use. */
export interface Pruned {
  /** The entries that went. */
  readonly uses: readonly CacheUse[];
  /** Bytes of those that stayed. */
  readonly bytes: number;
}

/**
 * Keeps the saved entries that the target may use within its budget, and warns before the whole store is
 * full. A store that can't be asked, or does not let this run remove anything, is told in one notice.
 * @param used keys that this run restored or saved
 * @returns undefined where nothing is known of the entries
 */
export async function pruneCaches(
  record: PostRecord,
  used: ReadonlySet<string>,
  { cache: { inventory }, logger }: Ports,
): Promise<Pruned | undefined> {
  if (!record.policy.save || inventory === undefined) return undefined;
  try {
    const entries = await reachable(record, inventory);
    const pruned = await removeOldest(entries, record.cacheBudget, used, inventory, logger);
    await warnWhenFull(inventory, logger);
    return pruned;
  } catch (error) {
    logger.notice(`The cache entries could not be counted: ${messageOf(error)}`);
    return undefined;
  }
}

// Those of the scope that this run saves in; another one's are not its own to remove.
async function reachable(record: PostRecord, inventory: CacheInventory): Promise<StoredEntry[]> {
  const { identifier, toolchain, policy } = record;
  const target = readTarget(identifier, toolchain);
  if (target === undefined) throw new Error(`${identifier} is no target`);
  const reach = reachOf(identifier, target, policy.scopes[0]);
  return (await inventory.list(reach.prefixes)).filter(({ key }) => reach.includes(key));
}

async function removeOldest(
  entries: readonly StoredEntry[],
  budget: number,
  used: ReadonlySet<string>,
  inventory: CacheInventory,
  logger: Logger,
): Promise<Pruned> {
  const plan = planPruning(entries, budget, used);
  const removed: StoredEntry[] = [];
  try {
    for (const entry of plan.remove) {
      await inventory.remove(entry);
      removed.push(entry);
      const lastUse = new Date(entry.lastUse).toISOString();
      logger.info(`Removed from the cache: ${entry.key}, ${formatBytes(entry.size)}, last used ${lastUse}`);
    }
  } catch (error) {
    const left = plan.remove.length - removed.length;
    logger.notice(`${left} old cache entries stay beyond the cache-budget: ${messageOf(error)}`);
  }
  if (plan.bytes > budget) {
    logger.notice(
      `This run alone uses ${formatBytes(plan.bytes)} of cache entries, more than the cache-budget of ${formatBytes(budget)}. They stay.`,
    );
  }
  const uses = removed.map(({ key, size }) => cacheUse(key, size, 'pruned'));
  return { uses, bytes: sizeOf(entries) - sizeOf(removed) };
}

async function warnWhenFull(inventory: CacheInventory, logger: Logger): Promise<void> {
  const usage = await inventory.usage().catch((error: unknown) => {
    logger.debug(`The size of all caches is not known: ${messageOf(error)}`);
    return undefined;
  });
  if (usage === undefined || usage.bytes <= 0.9 * usage.limit) return;
  logger.warning(
    `The caches of the repository hold ${formatBytes(usage.bytes)} of the ${formatBytes(usage.limit)} that there is room for. ` +
      'Beyond that, entries are evicted that builds still use. Lower cache-budget, build fewer targets or on ' +
      "fewer branches, or delete old entries on the repository's page Actions, Caches.",
  );
}

const sizeOf = (entries: readonly StoredEntry[]): number => entries.reduce((sum, { size }) => sum + size, 0);

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
