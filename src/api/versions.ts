import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseReleases } from '../targets/release-data.js';
import type { Release } from '../targets/releases.js';
import { packageRoot } from './root.js';

/** The series of Slurm that can be built. An exact release such as `24.11.6`, or `latest`, is taken as well. */
export const SlurmVersion = {
  V26_05: '26.05',
  V25_11: '25.11',
  V25_05: '25.05',
  V24_11: '24.11',
  V24_05: '24.05',
  V23_11: '23.11',
  V23_02: '23.02',
  V22_05: '22.05',
} as const;
export type SlurmVersion = (typeof SlurmVersion)[keyof typeof SlurmVersion];

/** Where the newest known release of a series comes from. */
export interface SlurmVersionSource {
  /** `24.11.7` */
  readonly release: string;
  /** Address of its archive. */
  readonly url: string;
  /** `sha256:` and 64 hexadecimal digits of the archive. */
  readonly hash: string;
  /** Commit of its tag. */
  readonly commit: string;
  /** Spec of our recipe, `slurm@=24-11-7-1`. */
  readonly spackSpec: string;
}

/**
 * The newest release of each series, by the series. Each is read from the package's `data/` when it is asked for.
 * @throws ConfigurationError for half of an installation, when an entry is read
 */
export const SLURM_VERSIONS: Readonly<Record<SlurmVersion, SlurmVersionSource>> = Object.freeze(
  Object.defineProperties(
    {} as Record<SlurmVersion, SlurmVersionSource>,
    Object.fromEntries(
      Object.values(SlurmVersion).map((series) => [series, { enumerable: true, get: () => newest(series) }]),
    ),
  ),
);

function newest(series: SlurmVersion): SlurmVersionSource {
  const text = readFileSync(join(packageRoot(), 'data', 'slurm-releases.json'), 'utf8');
  // A series that the list has is one that data/ has: a test compares them.
  const release = parseReleases(text)
    .filter((known) => known.series === series)
    .at(-1) as Release;
  return {
    release: release.version,
    url: `https://github.com/SchedMD/slurm/archive/refs/tags/${release.tag}.tar.gz`,
    hash: `sha256:${release.archiveSha256}`,
    commit: release.commit,
    spackSpec: `slurm@=${release.spack}`,
  };
}
