import { closest, distance } from 'fastest-levenshtein';

/** The candidate nearest to `word`, if one is near enough to be what was meant. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  if (candidates.length === 0) return undefined;
  const lower = candidates.map((candidate) => candidate.toLowerCase());
  const best = closest(word.toLowerCase(), lower);
  const near = distance(word.toLowerCase(), best) <= Math.max(2, Math.floor(best.length / 3));
  return near ? candidates[lower.indexOf(best)] : undefined;
}

/** "… is not a known kind. Did you mean b? Choose one of: a, b, c." */
export function unknownValue(kind: string, word: string, candidates: readonly string[]): string {
  const near = nearest(word, candidates);
  const meant = near === undefined ? '' : ` Did you mean '${near}'?`;
  const all =
    candidates.length === 1
      ? `There is only '${candidates[0]}'.`
      : `Choose one of: ${candidates.join(', ')}.`;
  return `'${word}' is not a known ${kind}.${meant} ${all}`;
}
