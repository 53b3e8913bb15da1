import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { ConfigurationError } from '../../../src/base/errors.js';
import { parseReleases } from '../../../src/targets/release-data.js';
import { parseSupport, supportNotice, supportPath, unsupportedSince } from '../../../src/targets/support.js';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const support = parseSupport(read(supportPath));

test('every series from 23.02 on has its end, none before the one of an older series', () => {
  const series = [...new Set(parseReleases(read('data/slurm-releases.json')).map((item) => item.series))];
  expect(support.map((item) => item.series)).toEqual(
    expect.arrayContaining(series.filter((name) => name >= '23.02' && name <= '26.05')),
  );
  const ends = support.map(({ until }) => until);
  expect(ends).toEqual(ends.toSorted());
  for (const { source } of support) expect(source).toMatch(/upgrades\.s?html/);
});

describe('a series', () => {
  test.each([
    ['24.11', '2026-05-31', undefined],
    ['24.11', '2026-06-01', '2026-05'],
    ['24.11', '2027-01-01', '2026-05'],
    ['22.05', '2026-01-01', '2024-11'],
    ['22.05', '2024-11-30', undefined],
    ['99.05', '2099-01-01', undefined],
  ])('%s on %s is supported no more since: %s', (series, today, since) => {
    expect(unsupportedSince(support, series, today)).toBe(since);
  });

  test('that is supported no more is told of with the newest one that is', () => {
    expect(supportNotice(support, '24.11', '2026-11-28')).toBe(
      "SchedMD's support of Slurm 24.11 ended in 2026-05; the newest supported series is 26.05.",
    );
    expect(supportNotice(support, '22.05', '2026-11-28')).toBe(
      "SchedMD's support of Slurm 22.05 ended before 2024-11; the newest supported series is 26.05.",
    );
    expect(supportNotice(support, '25.05', '2026-11-28')).toBeUndefined();
  });

  test('of a time when no known one is supported names none', () => {
    expect(supportNotice(support, '24.11', '2099-01-01')).toBe(
      "SchedMD's support of Slurm 24.11 ended in 2026-05.",
    );
  });
});

test.each([
  ['a month', { '24.11': { until: '2026-13', source: '' } }],
  ['a series', { '24.11.6': { until: '2026-05', source: '' } }],
  ['a source', { '24.11': { until: '2026-05' } }],
])('refuses %s that is none', (_, series) => {
  expect(() => parseSupport(JSON.stringify({ series }))).toThrow(ConfigurationError);
});
