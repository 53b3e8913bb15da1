import { unknownValue } from '../base/suggest.js';

/** One Slurm release, as `data/slurm-releases.json` has it. */
export interface Release {
  /** `24.11.6` */
  readonly version: string;
  /** `24.11` */
  readonly series: string;
  /** Version in Spack's recipe, `24-11-6-1`. */
  readonly spack: string;
  readonly tag: string;
  readonly commit: string;
  /** sha256 of the tag's archive, `slurm-<tag>.tar.gz`. */
  readonly archiveSha256: string;
  readonly date: string;
}

/** Orders dotted versions by their numbers. */
export function compareVersions(a: string, b: string): number {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Whether a release is of a series, `23.02`, or of a later one. */
export const hasCome = (series: string, release: string): boolean =>
  compareVersions(release, `${series}.0`) >= 0;

/**
 * Resolves a request (`24.11.6`, `24.11`, `latest`) to one release; a series gives its newest.
 * @returns the release, or a sentence that says what there is
 */
export function resolveRelease(releases: readonly Release[], request: string): Release | string {
  const wanted = request === 'latest' ? () => true : matches(request);
  const found = releases.filter(wanted).at(-1);
  if (found !== undefined) return found;
  const series = [...new Set(releases.map((release) => release.series))];
  const near = releases.filter((release) => request.startsWith(`${release.series}.`));
  const candidates = near.length > 0 ? near.map((release) => release.version) : [...series, 'latest'];
  return unknownValue('Slurm release', request, candidates);
}

const matches = (request: string) => (release: Release) =>
  release.version === request || release.series === request;
