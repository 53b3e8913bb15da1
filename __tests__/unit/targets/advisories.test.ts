import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { ConfigurationError } from '../../../src/base/errors.js';
import { advisoriesPath, parseAdvisories, vulnerabilityOf } from '../../../src/targets/advisories.js';
import { parseReleases } from '../../../src/targets/release-data.js';
import { release } from '../../support/fakes.js';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const advisories = parseAdvisories(read(advisoriesPath));
const of = (version: string) => vulnerabilityOf(release(version), advisories);

describe('a release', () => {
  test('of a series that was mended is told of by the release that mends it', () => {
    expect(of('25.05.8')).toMatch(
      /^Slurm 25\.05\.8 has known vulnerabilities \(CVE-2026-65107, .*\); mended in 25\.05\.9\.$/,
    );
    expect(of('25.05.8')?.match(/CVE-/g)).toHaveLength(8);
  });

  test('of a series that nobody mended is told of by the newer ones that have none', () => {
    expect(of('24.11.6')).toContain('mended in 25.05.9, 25.11.8 and 26.05.4.');
    expect(of('24.11.6')?.match(/CVE-/g)).toHaveLength(8);
    expect(of('24.11.4')?.match(/CVE-/g)).toHaveLength(9);
    // It is its series' newest, and has what came later.
    expect(of('22.05.11')?.match(/CVE-/g)).toHaveLength(9);
    expect(of('22.05.10')?.match(/CVE-/g)).toHaveLength(15);
  });

  test.each(['25.05.9', '25.05.10', '25.11.8', '26.05.4', '26.11.0'])(
    '%s has nothing against it',
    (version) => {
      expect(of(version)).toBeUndefined();
    },
  );

  test('that is to come has what it may not mend yet', () => {
    const early = (version: string) => vulnerabilityOf({ ...release(version), early: true }, advisories);
    expect(early('25.05.9')).toMatch(/^Slurm before 25\.05\.9 has known .*; mended in 25\.05\.9\.$/);
    expect(early('25.05.10')).toBeUndefined();
  });

  test('that is known to the project is told of in one line', () => {
    for (const known of parseReleases(read('data/slurm-releases.json'))) {
      expect(vulnerabilityOf(known, advisories) ?? '').not.toMatch(/mended in \.|\n/);
    }
  });
});

test.each([
  ['an identifier', { ids: ['CVE-1'] }],
  ['a release', { mended: ['25.05'] }],
  ['no release', { mended: [] }],
])('refuses %s that is none', (_, odd) => {
  const text = JSON.stringify({
    advisories: [{ ids: ['CVE-2026-65107'], mended: ['25.05.9'], source: '', ...odd }],
  });
  expect(() => parseAdvisories(text)).toThrow(ConfigurationError);
});
