import type { UploadedArtifact } from '../base/ports.js';
import type { BundleFile } from '../bundle/sums.js';
import type { CacheUse } from '../cache/ledger.js';
import type { SmokeReport } from '../smoke/report.js';
import type { Timing } from './stopwatch.js';

/** Where the result came from: the result cache, binary packages, or source. */
export type CacheHit = 'result' | 'build-cache' | 'none';

/** Files of a target in the output folder. */
export interface ResultFiles {
  readonly software: string;
  readonly modules: string;
  readonly installer: string;
  readonly sbom: string;
  readonly manifest: string;
  readonly sums: string;
}

/** File names of a target: they all carry its identifier, so that a matrix can upload them side by side. */
export function resultFiles(identifier: string): ResultFiles {
  return {
    software: `${identifier}-software.tar.gz`,
    modules: `${identifier}-modules.tar.gz`,
    installer: `${identifier}-install.sh`,
    sbom: `${identifier}-sbom.spdx.json`,
    manifest: `${identifier}-manifest.json`,
    sums: `${identifier}-SHA256SUMS`,
  };
}

/** Name of the tarball with debug files, which only some results have. */
export const debugTarball = (identifier: string): string => `${identifier}-debug.tar.gz`;

/** How many packages came from where; `external` are the distribution's. */
export interface PackageCounts {
  readonly external: number;
  readonly fromCache: number;
  readonly compiled: number;
}

/** The files of a target as they lie in the output folder, and what is known of them. */
export interface Finished {
  readonly described: readonly BundleFile[];
  readonly runtimePackages: readonly string[];
}

/** What a build hands out. */
export interface BuildReport extends Finished {
  readonly identifier: string;
  readonly slurmVersion: string;
  readonly contentKey: string;
  readonly cacheHit: CacheHit;
  readonly outputDir: string;
  /** Absolute paths. */
  readonly files: ResultFiles;
  readonly packages: PackageCounts | undefined;
  /** Cache entries that were restored, or could not be; what is saved is known after the build only. */
  readonly caches: readonly CacheUse[];
  /** The checks of the smoke test; undefined where it was not asked for or not run again. */
  readonly smoke: SmokeReport | undefined;
  readonly artifacts: readonly UploadedArtifact[];
  readonly timings: readonly Timing[];
}
