import { closest, distance } from 'fastest-levenshtein';

/** The candidate nearest to `word`, if one is near enough to be what was meant. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  if (candidates.length === 0) return undefined;
  const best = closest(word.toLowerCase(), [...candidates]);
  return distance(word.toLowerCase(), best.toLowerCase()) <= Math.max(2, Math.floor(best.length / 3))
    ? best
    : undefined;
}

/** `'x' is not a known gpu. Did you mean 'y'? Choose one of: y, z.` */
export function unknownValue(kind: string, word: string, candidates: readonly string[]): string {
  const near = nearest(word, candidates);
  const meant = near === undefined ? '' : ` Did you mean '${near}'?`;
  return `'${word}' is not a known ${kind}.${meant} Choose one of: ${candidates.join(', ')}.`;
}
