import type { StoredEntry } from '../base/ports.js';
import { readKey } from './keys.js';

/** What is to go, and what is left then. */
export interface Pruning {
  /** In the order in which they go. */
  readonly remove: readonly StoredEntry[];
  /** Bytes of the entries that stay. */
  readonly bytes: number;
}

/**
 * Chooses what to remove until the entries keep to a budget: the least recently used first, and never one
 * that this run used, even when those alone are more than the budget.
 * @param used keys that this run restored or saved
 */
export function planPruning(
  entries: readonly StoredEntry[],
  budget: number,
  used: ReadonlySet<string>,
): Pruning {
  let bytes = entries.reduce((sum, entry) => sum + entry.size, 0);
  const remove: StoredEntry[] = [];
  for (const entry of entries.filter(({ key }) => !used.has(key)).sort(goesFirst)) {
    if (bytes <= budget) break;
    remove.push(entry);
    bytes -= entry.size;
  }
  return { remove, bytes };
}

// One run uses its entries over minutes, so within an hour they are equally old. Of those a result goes
// first: only one old content key asks for it, and its packages make it again.
const hour = 3_600_000;
const age = ({ lastUse }: StoredEntry) => Math.floor(lastUse / hour);
const worth = ({ key }: StoredEntry) => (readKey(key).kind === 'result' ? 0 : 1);

function goesFirst(a: StoredEntry, b: StoredEntry): number {
  return (
    age(a) - age(b) ||
    worth(a) - worth(b) ||
    a.lastUse - b.lastUse ||
    (a.key < b.key ? -1 : Number(a.key > b.key))
  );
}
