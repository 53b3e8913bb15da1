import type { BuildReport } from './report.js';

/** Facts of a build, a name and a value each, for people to read. */
export function summaryRows(report: BuildReport): [string, string][] {
  const total = report.timings.reduce((sum, timing) => sum + timing.seconds, 0);
  const { packages } = report;
  return [
    ['Target', report.identifier],
    ['Content key', report.contentKey],
    [
      'Cache',
      { result: 'result (nothing was built)', 'build-cache': 'binary packages', none: 'built from source' }[
        report.cacheHit
      ],
    ],
    ...(packages === undefined
      ? []
      : ([
          [
            'Packages',
            `${packages.compiled} compiled, ${packages.fromCache} from the build cache, ${packages.external} of the distribution`,
          ],
        ] as [string, string][])),
    ['Needs at run time', report.runtimePackages.join(' ')],
    ['Time', `${total.toFixed(1)} s`],
  ];
}

/** `1234567` → `1.2 MB` */
export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
