import { z } from 'zod';
import { ConfigurationError } from '../base/errors.js';
import { compareVersions, type Release } from './releases.js';

/** Where the advisories are, below the project's root. */
export const advisoriesPath = 'data/advisories.json';

const schema = z.object({
  advisories: z.array(
    z.object({
      ids: z.array(z.string().regex(/^CVE-\d{4}-\d{4,}$/)).min(1),
      /** First release of each series without the fault. */
      mended: z.array(z.string().regex(/^\d+\.\d+\.\d+$/)).min(1),
      source: z.string(),
    }),
  ),
});

/** A security advisory, as `data/advisories.json` has it. */
export type Advisory = z.infer<typeof schema>['advisories'][number];

/**
 * Reads the advisories.
 * @throws ConfigurationError when the file is not as it must be
 */
export function parseAdvisories(text: string): Advisory[] {
  const parsed = schema.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data.advisories;
  throw new ConfigurationError(
    `${advisoriesPath}: ${z.prettifyError(parsed.error)}`,
    'Restore the file from the repository.',
  );
}

/** What is asked about; `early` is one before the release that it is numbered for, `25.05.9-0pre1`. */
type Named = Pick<Release, 'version' | 'series'> & { readonly early?: boolean };

const seriesOf = (version: string): string => version.split('.').slice(0, 2).join('.');

/** Whether a release has what an advisory is about. */
function isAffected({ version, series, early }: Named, { mended }: Advisory): boolean {
  const own = mended.find((first) => seriesOf(first) === series);
  // The mending may have come between it and the release.
  if (own !== undefined) return compareVersions(version, own) < (early ? 1 : 0);
  // A series that nobody mended; those that began after all that were mended had it no more.
  return mended.some((first) => compareVersions(series, seriesOf(first)) < 0);
}

/** What is known against a release. */
export interface Vulnerability {
  /** The advisories, sorted. */
  readonly ids: readonly string[];
  /** The first releases that have none of them: of its own series where there are any. */
  readonly mended: readonly string[];
}

/**
 * What is known against a release.
 * @returns undefined for a release without any
 */
export function knownAgainst(release: Named, advisories: readonly Advisory[]): Vulnerability | undefined {
  const found = advisories.filter((advisory) => isAffected(release, advisory));
  if (found.length === 0) return undefined;
  const candidates = [...new Set(found.flatMap(({ mended }) => mended))].sort(compareVersions);
  const mends = candidates.filter((version) => {
    const candidate = { version, series: seriesOf(version) };
    return (
      compareVersions(version, release.version) > (release.early ? -1 : 0) &&
      !advisories.some((advisory) => isAffected(candidate, advisory))
    );
  });
  const ids = found.flatMap((advisory) => advisory.ids).sort();
  const own = mends.filter((version) => seriesOf(version) === release.series);
  return { ids, mended: own.length > 0 ? own : mends };
}

/** The same in one sentence. */
export function vulnerabilityOf(release: Named, advisories: readonly Advisory[]): string | undefined {
  const known = knownAgainst(release, advisories);
  if (known === undefined) return undefined;
  const name = release.early ? `Slurm before ${release.version}` : `Slurm ${release.version}`;
  return `${name} has known vulnerabilities (${known.ids.join(', ')}); mended in ${listed(known.mended)}.`;
}

/** `a, b and c` */
const listed = (words: readonly string[]): string =>
  words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
