import { markdownTable } from '../base/text.js';
import { featureSets } from './feature-sets.js';
import type { Features, Variant } from './features.js';
import type { Toolchain } from './toolchains.js';

const code = (word: string): string => `\`${word}\``;

/** What `docs/features.md` has below its mark: all features, and which of them a distribution can't have. */
export function featuresPage({ variants, features }: Features, toolchains: readonly Toolchain[]): string {
  const order = [...featureSets, 'named'];
  const rows = [...variants].sort(
    (one, other) =>
      order.indexOf(one.set) - order.indexOf(other.set) || (one.variant < other.variant ? -1 : 1),
  );
  const files = (name: string) =>
    features
      .filter(({ variant }) => variant === name)
      .flatMap(({ files, define }) => [...files, ...(define === undefined ? [] : [`${define} in config.h`])])
      .map(code);
  const lacking = (name: string) =>
    toolchains.filter((toolchain) => toolchain.lacking.includes(name)).map(({ id }) => code(id));
  return markdownTable(
    ['feature', 'set', 'what it is', 'releases', 'what shows it', 'not on'],
    rows.map((row) => [
      code(row.variant),
      row.set === 'named' ? 'none' : row.set,
      [row.description, ...row.requires.map((name) => `needs ${code(name)}`)].join('; '),
      releases(row),
      files(row.variant).join('<br>'),
      lacking(row.variant).join(', ') || '–',
    ]),
  );
}

function releases({ since, until }: Variant): string {
  if (since !== undefined) return `${since} and newer`;
  return until === undefined ? 'all' : `up to ${until}`;
}
