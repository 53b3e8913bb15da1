import { z } from 'zod';
import { ConfigurationError } from '../base/errors.js';
import { compareVersions } from './releases.js';

/** Where it is said until when each series is supported, below the project's root. */
export const supportPath = 'data/support.json';

const schema = z.object({
  series: z.record(
    z.string().regex(/^\d\d\.\d\d$/),
    z.object({
      /** Last month of the support. */
      until: z.string().regex(/^\d{4}-(?:0[1-9]|1[0-2])$/),
      source: z.string(),
      note: z.string().optional(),
    }),
  ),
});

/** How long SchedMD supports a series. */
export interface Support {
  /** `24.11` */
  readonly series: string;
  /** Last month of it, `2026-05`. */
  readonly until: string;
  readonly source: string;
}

/**
 * Reads `data/support.json`.
 * @returns one of each series that something is known of, oldest first
 * @throws ConfigurationError when the file is not as it must be
 */
export function parseSupport(text: string): Support[] {
  const parsed = schema.safeParse(JSON.parse(text));
  if (!parsed.success) {
    throw new ConfigurationError(
      `${supportPath}: ${z.prettifyError(parsed.error)}`,
      'Restore the file from the repository.',
    );
  }
  return Object.entries(parsed.data.series)
    .map(([series, { until, source }]) => ({ series, until, source }))
    .sort((a, b) => compareVersions(a.series, b.series));
}

/**
 * Since when a series is supported no more: the last month of its support.
 * @param today `2026-11-28`
 * @returns undefined while it is supported, and for a series of which nothing is known; one that is older than all
 * that are known of is supported no more either
 */
export function unsupportedSince(
  support: readonly Support[],
  series: string,
  today: string,
): string | undefined {
  const own = support.find((item) => item.series === series);
  const [oldest] = support;
  const ended =
    own ?? (oldest !== undefined && compareVersions(series, oldest.series) < 0 ? oldest : undefined);
  return ended !== undefined && today.slice(0, 7) > ended.until ? ended.until : undefined;
}

/**
 * What a build of a series that is supported no more says, with the newest one that is.
 * @param today `2026-11-28`
 */
export function supportNotice(
  support: readonly Support[],
  series: string,
  today: string,
): string | undefined {
  const since = unsupportedSince(support, series, today);
  if (since === undefined) return undefined;
  const exact = support.some((item) => item.series === series);
  const ended = exact ? `ended in ${since}` : `ended before ${since}`;
  const newest = support.findLast((item) => today.slice(0, 7) <= item.until);
  const better = newest === undefined ? '' : `; the newest supported series is ${newest.series}`;
  return `SchedMD's support of Slurm ${series} ${ended}${better}.`;
}
