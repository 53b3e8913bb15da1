import { expect, test } from '@jest/globals';
import { megabytes, summaryRows } from '../../../src/build/summary.js';
import { report } from '../../support/report.js';

const rows = (change: Parameters<typeof report>[0]) => Object.fromEntries(summaryRows(report(change)));

test('the facts of a build', () => {
  expect(rows({})).toMatchObject({
    Target: 'slurm-24.11.6-bookworm-amd64',
    'Content key': 'f'.repeat(64),
    Packages: '2 compiled, 1 from the build cache, 34 of the distribution',
    'Needs at run time': 'libc6 libmunge2',
    Time: '102.8 s',
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

test.each([
  [0, '0.0 MB'],
  [1234567, '1.2 MB'],
  [6_300_000, '6.3 MB'],
])('%i bytes are %s', (bytes, text) => {
  expect(megabytes(bytes)).toBe(text);
});
