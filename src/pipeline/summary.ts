import { formatBytes } from '../base/bytes.js';
import { quotedWord } from '../base/text.js';
import { formatSeconds } from '../base/time.js';
import { fileName, signatureName } from '../bundle/catalogue.js';
import { bytesOf, type CacheUse, entryLabel } from '../cache/ledger.js';
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
    ['Time', formatSeconds(total)],
  ];
}

/**
 * Commands that check the files of a build and install them, a line each, for a folder with all of them.
 * @param repository `OWNER/NAME` that the build's provenance is kept for, where there is one
 */
export function installCommands(
  { identifier, described, attested }: BuildReport,
  repository: string | undefined,
): string[] {
  const name = (kind: Parameters<typeof fileName>[1]) => fileName(identifier, kind);
  const [software, sums, key, installer] = [name('software'), name('sums'), name('key'), name('installer')];
  const signature = signatureName(sums);
  const lines = [
    ['sha256sum', '--check', sums],
    ...(described.some((file) => file.name === signature)
      ? [
          ['gpg', '--import', key],
          ['gpg', '--verify', signature, sums],
        ]
      : []),
    ...(attested && repository !== undefined
      ? [['gh', 'attestation', 'verify', software, '--repo', repository]]
      : []),
    ['sh', installer, '--check'],
    ['sudo', 'sh', installer, '--prefix', '/opt/slurm'],
  ];
  return lines.map((words) => words.map(quotedWord).join(' '));
}

/** What became of cache entries over a whole run, main and post. */
export interface CacheReport {
  readonly uses: readonly CacheUse[];
  /** Bytes of all saved entries that the target may use, as the store counts them, where it can tell. */
  readonly stored: number | undefined;
  /** bytes that those may have together */
  readonly budget: number;
}

/** A row for each cache entry: what it is of, its size, what became of it. */
export const cacheRows = ({ uses }: CacheReport): [string, string, string][] =>
  uses.map((use) => [entryLabel(use), use.outcome === 'failed' ? '' : formatBytes(use.bytes), use.outcome]);

/** The totals of a run's cache entries, a name and a value each. */
export function cacheTotals({ uses, stored, budget }: CacheReport): [string, string][] {
  const total = (outcome: CacheUse['outcome']) => formatBytes(bytesOf(uses, outcome));
  return [
    ['Restored', total('restored')],
    ['Saved', total('saved')],
    ['Pruned', total('pruned')],
    ...(stored === undefined
      ? []
      : ([['Stored for this target', `${formatBytes(stored)} of ${formatBytes(budget)}`]] as [
          string,
          string,
        ][])),
  ];
}
