import type { BuildReport } from '../../src/pipeline/report.js';

/** What a build of one target handed out. */
export function report(change: Partial<BuildReport> = {}): BuildReport {
  const identifier = 'slurm-24.11.6-bookworm-amd64';
  return {
    identifier,
    slurmVersion: '24.11.6',
    contentKey: 'f'.repeat(64),
    cacheHit: 'none',
    outputDir: '/out',
    files: {
      software: `/out/${identifier}-software.tar.gz`,
      modules: `/out/${identifier}-modules.tar.gz`,
      installer: `/out/${identifier}-install.sh`,
      sbom: `/out/${identifier}-sbom.spdx.json`,
      manifest: `/out/${identifier}-manifest.json`,
      sums: `/out/${identifier}-SHA256SUMS`,
    },
    described: [{ name: `${identifier}-software.tar.gz`, size: 6_300_000, sha256: '0'.repeat(64) }],
    packages: { external: 34, fromCache: 1, compiled: 2 },
    packageTimes: [],
    caches: [],
    runtimePackages: ['libc6', 'libmunge2'],
    smoke: undefined,
    attested: false,
    artifacts: [],
    timings: [
      { stage: 'install', seconds: 100.25 },
      { stage: 'pack', seconds: 2.5 },
    ],
    ...change,
  };
}
