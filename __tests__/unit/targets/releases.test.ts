import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { ConfigurationError } from '../../../src/base/errors.js';
import { parseReleases } from '../../../src/targets/release-data.js';
import { compareVersions, hasCome, type Release, resolveRelease } from '../../../src/targets/releases.js';

const releases = parseReleases(
  await readFile(new URL('../../../data/slurm-releases.json', import.meta.url), 'utf8'),
);
const versionOf = (found: Release | string) => (typeof found === 'string' ? `none: ${found}` : found.version);

describe('data/slurm-releases.json', () => {
  test('has each release once, oldest first', () => {
    const versions = releases.map((release) => release.version);
    expect(versions.length).toBeGreaterThanOrEqual(71);
    expect(new Set(versions).size).toBe(versions.length);
    expect(versions[0]).toBe('22.05.0');
    expect(versions).toContain('26.05.3');
    for (const [index, version] of versions.entries()) {
      if (index > 0) expect(compareVersions(versions[index - 1] ?? '', version)).toBeLessThan(0);
    }
  });

  test.each(releases.map((release) => [release.version, release] as const))(
    '%s belongs to its series, and tag and Spack version are its own',
    (version, release) => {
      expect(version.startsWith(`${release.series}.`)).toBe(true);
      expect(release.tag).toBe(`slurm-${release.spack}`);
      expect(release.spack).toMatch(new RegExp(`^${version.replaceAll('.', '-')}-\\d+$`));
    },
  );
});

describe('resolveRelease', () => {
  test.each(releases.map((release) => release.version))('%s is found by its own name', (version) => {
    expect(versionOf(resolveRelease(releases, version))).toBe(version);
  });

  test.each([...new Set(releases.map((release) => release.series))])(
    'the series %s gives its newest',
    (series) => {
      const patches = releases
        .filter((release) => release.series === series)
        .map((release) => Number(release.version.split('.')[2]));
      expect(versionOf(resolveRelease(releases, series))).toBe(`${series}.${Math.max(...patches)}`);
    },
  );

  test('latest is the newest of all', () => {
    expect(versionOf(resolveRelease(releases, 'latest'))).toBe(releases.at(-1)?.version);
  });

  test.each<[string, string]>([
    ['24.11.99', '24.11.0'],
    ['24.12', '24.11'],
    ['latst', "Did you mean 'latest'?"],
    ['', 'latest'],
  ])('%j is none, and the answer names %j', (request, named) => {
    const answer = resolveRelease(releases, request);
    expect(answer).toEqual(expect.any(String));
    expect(answer).toContain(named);
  });

  test.each(['24', '24.11.', '24.1', '.11', '24.11.06', 'v24.11.6', 'slurm-24-11-6-1', '24.11.6 '])(
    'a part of a name, %j, is no release',
    (request) => {
      expect(typeof resolveRelease(releases, request)).toBe('string');
    },
  );
});

test.each([
  ['23.11', '23.02.7', false],
  ['23.11', '23.11.0', true],
  ['23.11', '24.05.1', true],
] as const)('%s has come with %s: %s', (series, release, is) => expect(hasCome(series, release)).toBe(is));

describe('compareVersions', () => {
  test.each<[string, string, number]>([
    ['24.11.9', '24.11.10', -1],
    ['24.05.1', '23.11.11', 1],
    ['24.11.6', '24.11.6', 0],
    ['24.11', '24.11.1', -1],
    ['24.11', '24.11.0', 0],
  ])('%s and %s: %i', (a, b, sign) => {
    expect(Math.sign(compareVersions(a, b))).toBe(sign);
    expect(Math.sign(compareVersions(b, a))).toBe(sign === 0 ? 0 : -sign);
  });
});

describe('a releases file that is not as it must be', () => {
  const good = {
    version: '24.11.6',
    spack: '24-11-6-1',
    tag: 'slurm-24-11-6-1',
    commit: 'c'.repeat(40),
    archiveSha256: 'a'.repeat(64),
    date: '2026-01-01',
  };

  test.each<[string, object]>([
    ['a short commit', { ...good, commit: 'abc' }],
    ['a sum that is none', { ...good, archiveSha256: 'A'.repeat(64) }],
    ['a version that is none', { ...good, version: '24.11' }],
    ['a missing tag', { ...good, tag: undefined }],
  ])('%s is a ConfigurationError that names the file', (_, entry) => {
    const read = () => parseReleases(JSON.stringify({ releases: { '24.11': [entry] } }));
    expect(read).toThrow(ConfigurationError);
    expect(read).toThrow(/data\/slurm-releases\.json/);
  });

  test('later series that are written first are sorted behind', () => {
    const text = JSON.stringify({
      releases: {
        '24.11': [good],
        '24.05': [
          { ...good, version: '24.05.10' },
          { ...good, version: '24.05.9' },
        ],
      },
    });
    expect(parseReleases(text).map((release) => release.version)).toEqual(['24.05.9', '24.05.10', '24.11.6']);
  });
});
