import { aligned } from '../base/text.js';
import type { Colours } from '../local/style.js';

/**
 * Rows as lines whose columns begin below each other.
 * @param head what each column is of, left out by a table that needs none
 */
export function table(
  rows: readonly (readonly string[])[],
  { bold }: Colours,
  head?: readonly string[],
): string[] {
  if (head === undefined) return aligned(rows);
  const [first = '', ...others] = aligned([head, ...rows]);
  return [bold(first), ...others];
}
