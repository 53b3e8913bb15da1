import type { Colours } from '../local/style.js';

/**
 * Rows as lines whose columns begin below each other; what follows a row's last cell is not filled up.
 * @param head what each column is of, left out by a table that needs none
 */
export function table(
  rows: readonly (readonly string[])[],
  { bold }: Colours,
  head?: readonly string[],
): string[] {
  const all = head === undefined ? rows : [head, ...rows];
  const widths: number[] = [];
  for (const row of all) {
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  }
  return all.map((row) => {
    const line = row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd();
    return row === head ? bold(line) : line;
  });
}
