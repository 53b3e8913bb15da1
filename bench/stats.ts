/** Figures of several rounds as one. */

/** The middle of some numbers, of an even count the mean of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [upper = Number.NaN, lower = upper] = [sorted[middle], sorted[middle - 1]];
  return sorted.length % 2 === 1 ? upper : (lower + upper) / 2;
}

/** Standard deviation of a sample; undefined of fewer than two numbers. */
export function deviation(values: readonly number[]): number | undefined {
  if (values.length < 2) return undefined;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}

/**
 * Figures of the same shape as one: each number is the median of its like, all else is the last round's.
 * @throws when there are none
 */
export function medianOf<T>(rounds: readonly T[]): T {
  if (rounds.length === 0) throw new Error('there are no rounds');
  return merged(rounds) as T;
}

function merged(values: readonly unknown[]): unknown {
  const last = values.at(-1);
  if (values.every((value) => typeof value === 'number')) return median(values);
  if (Array.isArray(last)) {
    const alike = values.filter((value): value is unknown[] => Array.isArray(value));
    if (alike.some((list) => list.length !== last.length)) return last;
    return last.map((_, index) => merged(alike.map((list) => list[index])));
  }
  if (typeof last !== 'object' || last === null) return last;
  const alike = values.filter((value): value is Record<string, unknown> => isRecord(value));
  return Object.fromEntries(Object.keys(last).map((key) => [key, merged(alike.map((value) => value[key]))]));
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
