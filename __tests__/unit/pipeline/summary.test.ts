import { describe, expect, test } from '@jest/globals';
import { lockKey, packageKey } from '../../../src/cache/keys.js';
import { cacheUse } from '../../../src/cache/ledger.js';
import { cacheRows, cacheTotals, installCommands, summaryRows } from '../../../src/pipeline/summary.js';
import { report } from '../../support/report.js';

const rows = (change: Parameters<typeof report>[0]) => Object.fromEntries(summaryRows(report(change)));

test('the facts of a build', () => {
  expect(rows({})).toMatchObject({
    Target: 'slurm-24.11.6-bookworm-amd64',
    'Content key': 'f'.repeat(64),
    Packages: '2 compiled, 1 from the build cache, 34 of the distribution',
    'Needs at run time': 'libc6 libmunge2',
    Time: '1 min 43 s',
  });
});

test('each way a result can come has words of its own', () => {
  const words = (['result', 'build-cache', 'none'] as const).map((cacheHit) => rows({ cacheHit })['Cache']);
  expect(new Set(words).size).toBe(3);
  expect(words.every((word) => word !== undefined && word !== '')).toBe(true);
});

test('a result from the cache says nothing of packages', () => {
  expect(rows({ packages: undefined })).not.toHaveProperty('Packages');
});

describe('the commands that check and install', () => {
  const target = 'slurm-24.11.6-bookworm-amd64';

  test('are those of files with sums alone', () => {
    expect(installCommands(report(), 'us/slurm')).toEqual([
      `sha256sum --check ${target}-SHA256SUMS`,
      `sh ${target}-install.sh --check`,
      `sudo sh ${target}-install.sh --prefix /opt/slurm`,
    ]);
  });

  test('look at a signature and a provenance where there are such', () => {
    const described = [{ name: `${target}-SHA256SUMS.asc`, size: 1, sha256: '0'.repeat(64) }];
    const signed = report({ described, attested: true });
    const checks = [
      `sha256sum --check ${target}-SHA256SUMS`,
      `gpg --import ${target}-signing-key.asc`,
      `gpg --verify ${target}-SHA256SUMS.asc ${target}-SHA256SUMS`,
    ];
    const provenance = `gh attestation verify ${target}-software.tar.gz --repo us/slurm`;
    expect(installCommands(signed, 'us/slurm').slice(0, -2)).toEqual([...checks, provenance]);
    expect(installCommands(signed, undefined).slice(0, -2)).toEqual(checks);
  });
});

describe('caches', () => {
  const place = { toolchain: 'bookworm', arch: 'amd64', builder: 'b', padding: 128 } as const;
  const slurm = packageKey(place, 'slurm', 'abcdefghijklmnopqrstuvwxyz234567');
  const uses = [
    cacheUse(packageKey(place, 'gcc-runtime', '1'.repeat(32)), 20_000_000, 'restored'),
    cacheUse(slurm, 6_300_000, 'saved'),
    cacheUse('another', 0, 'failed'),
    cacheUse(lockKey(place, '2'.repeat(64)), 100_000, 'pruned'),
  ];

  test('each entry has its size and what became of it', () => {
    expect(cacheRows({ uses, stored: undefined, budget: 2e9 })).toEqual([
      ['package gcc-runtime 1111111', '20.0 MB', 'restored'],
      ['package slurm abcdefg', '6.3 MB', 'saved'],
      ['another', '', 'failed'],
      ['lock 2222222', '100.0 kB', 'pruned'],
    ]);
  });

  test('the totals say how much of the budget is taken, where the store can tell', () => {
    const totals = [
      ['Restored', '20.0 MB'],
      ['Saved', '6.3 MB'],
      ['Pruned', '100.0 kB'],
    ];
    expect(cacheTotals({ uses, stored: undefined, budget: 2e9 })).toEqual(totals);
    expect(cacheTotals({ uses, stored: 1.5e9, budget: 2e9 })).toEqual([
      ...totals,
      ['Stored for this target', '1.5 GB of 2.0 GB'],
    ]);
  });
});
