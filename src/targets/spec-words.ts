/*
 * Specs as a user writes them, cut into words as Spack's command line would get them from a shell. What they mean,
 * Spack alone says.
 */

/** A quoted value belongs to its word: `cflags="-O3 -g"`. */
const wordPattern = /(?:[^\s"']|"[^"\n]*"|'[^'\n]*')+/g;

/**
 * The words of a text.
 * @returns a sentence where a quote isn't closed or a character can't be in a spec
 */
export function specWordsIn(text: string): string[] | string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  if (/[\x00-\x08\x0b-\x1f\x7f]/.test(text)) return 'it has characters that no spec has.';
  const found = text.match(wordPattern) ?? [];
  if (found.join('') !== text.replaceAll(/("[^"\n]*"|'[^'\n]*')|\s+/g, '$1')) return 'a quote is not closed.';
  return found;
}

/** Whether a word starts a spec, and is not more of the one before it. */
const isName = (word: string): boolean =>
  /^[A-Za-z0-9][A-Za-z0-9_.-]*(?:[@%+~^ ]|$)/.test(word) && !isValue(word);

/** `cflags=-O3`, `target==x86_64` */
const isValue = (word: string): boolean => /^[A-Za-z0-9_-]+={1,2}/.test(word);

/** The name that a word starts with: `openmpi` of `openmpi@5:+pmi`. */
export const nameOf = (spec: string): string => /^[A-Za-z0-9][A-Za-z0-9_.-]*/.exec(spec)?.[0] ?? '';

/**
 * Words as whole specs: each name starts one.
 * @returns a sentence where the first word is no package's name
 */
export function joinSpecs(words: readonly string[]): string[] | string {
  const specs: string[][] = [];
  for (const word of words) {
    const last = specs.at(-1);
    // `% gcc` and `^ hwloc` are one thing to Spack.
    const open = /^[%^]$/.test(last?.at(-1) ?? '');
    if (isName(word) && !open) specs.push([word]);
    else if (last === undefined) return `'${word}' is not the name of a package.`;
    else last.push(word);
  }
  return specs.map((spec) => spec.join(' '));
}

/** Variants that a spec of a package sets by its own words, those of its dependencies left out: `+hdf5 ~x11 a=b`. */
export function variantsIn(words: readonly string[]): string[] {
  const own = words.slice(0, words.findIndex((word) => word.startsWith('^')) >>> 0);
  return own.flatMap((word) => [
    ...[...word.replace(/^[^+~]*=.*$/, '').matchAll(/(?:^-|[+~])([A-Za-z0-9_][\w-]*)/g)].map(
      ([, name = '']) => name,
    ),
    ...(isValue(word) ? [word.slice(0, word.indexOf('='))] : []),
  ]);
}
