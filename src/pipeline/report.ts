import type { UploadedArtifact } from '../base/ports.js';
import type { PresentFiles } from '../bundle/catalogue.js';
import type { BundleFile } from '../bundle/sums.js';
import type { CacheUse } from '../cache/ledger.js';
import type { SmokeReport } from '../smoke/report.js';
import type { InstallTimes } from '../spack/progress.js';
import type { Timing } from './stage.js';

/** Where the result came from: the result cache, binary packages, or source. */
export type CacheHit = 'result' | 'build-cache' | 'none';

/** How many packages came from where; `external` are the distribution's. */
export interface PackageCounts {
  readonly external: number;
  readonly fromCache: number;
  readonly compiled: number;
}

/** How long a package of Spack's took to install, phase by phase, as this machine saw it. */
export interface PackageTimes extends InstallTimes {
  readonly name: string;
  readonly version: string;
  readonly hash: string;
}

/** The files of a target, and what is known of them. */
export interface Finished {
  readonly described: readonly BundleFile[];
  readonly runtimePackages: readonly string[];
}

/** A whole result in a folder that only this user can write. */
export interface Result extends Finished {
  readonly folder: string;
}

/** What a build hands out. */
export interface BuildReport extends Finished {
  readonly identifier: string;
  readonly slurmVersion: string;
  readonly contentKey: string;
  readonly cacheHit: CacheHit;
  readonly outputDir: string;
  /** Absolute paths of the files that there are. */
  readonly files: PresentFiles;
  readonly packages: PackageCounts | undefined;
  /** Of each package that Spack installed; none where the result came from the cache. */
  readonly packageTimes: readonly PackageTimes[];
  /** Cache entries that were restored, or could not be; what is saved is known after the build only. */
  readonly caches: readonly CacheUse[];
  /** The checks of the smoke test; undefined where it was not asked for or not run again. */
  readonly smoke: SmokeReport | undefined;
  /** Whether a service has a provenance of the files. */
  readonly attested: boolean;
  readonly artifacts: readonly UploadedArtifact[];
  readonly timings: readonly Timing[];
}
