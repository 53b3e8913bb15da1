import { describe, expect, test } from '@jest/globals';
import { formatTarget, parseTarget, versionOf } from '../../../src/targets/identifier.js';
import { compareVersions } from '../../../src/targets/releases.js';
import {
  type CustomSource,
  customRelease,
  newestTag,
  readMeta,
  resolveVersion,
  sourceDigest,
  sourceWord,
  taggedReleases,
} from '../../../src/targets/source.js';
import { bundledTarget, release } from '../../support/fakes.js';
import { metaOf } from '../../support/slurm-source.js';

const releases = ['24.05.8', '24.11.5', '24.11.6'].map(release);
const commit = 'c'.repeat(40);

describe('what slurm-version asks for', () => {
  test.each<[string, object]>([
    ['24.11.6', { kind: 'release', release: release('24.11.6') }],
    ['24.11', { kind: 'release', release: release('24.11.6') }],
    ['latest', { kind: 'release', release: release('24.11.6') }],
    [
      '24.11.7',
      { kind: 'unlisted', version: '24.11.7', otherwise: expect.stringContaining('24.11.5, 24.11.6') },
    ],
    ['26.05.4', { kind: 'unlisted', version: '26.05.4', otherwise: expect.any(String) }],
    [commit, { kind: 'commit', commit }],
    ['slurm-24.11.6.tar.bz2', { kind: 'archive', place: 'slurm-24.11.6.tar.bz2' }],
    ['../my slurm.tgz', { kind: 'archive', place: '../my slurm.tgz' }],
    [
      'https://h.test:8443/slurm-24.11.6.tar.xz',
      { kind: 'archive', place: 'https://h.test:8443/slurm-24.11.6.tar.xz' },
    ],
  ])('%s', (request, meant) => {
    expect(resolveVersion(releases, request)).toEqual(meant);
  });

  test.each([
    ['27.05', /24\.05, 24\.11, latest/],
    ['24.11.06', /24\.11\.5, 24\.11\.6/],
    ['24.11.1000', /24\.11\.5, 24\.11\.6/],
    ['23.11.1', /older than 24\.05/],
    ['c'.repeat(39), /all of its 40 digits/],
    ['C'.repeat(40), /is not a known/],
    ['.tar.gz', /is not a known/],
    ['slurm.zip', /is not a known/],
    ['./slurm.zip', /is no archive/],
    ['https://me:word@h.test/slurm.tar.gz', /has no login/],
    ['https://h.test/slurm.tar.gz?token=1', /is no archive/],
    ['ext::sh -c id/x.tar.gz\n', /is no archive/],
  ])('%j is none of it', (request, answer) => {
    expect(resolveVersion(releases, request)).toMatch(answer);
  });
});

describe('the digest of a source', () => {
  const patches = [
    { name: 'a.patch', sha256: 'a'.repeat(64) },
    { name: 'b.patch', sha256: 'b'.repeat(64) },
  ];
  const source: CustomSource = { repository: 'https://git.test/slurm.git', commit, patches };
  const others: Record<string, CustomSource> = {
    'another commit': { ...source, commit: 'd'.repeat(40) },
    'another repository': { ...source, repository: 'https://git.test/fork.git' },
    'a repository of a machine': { ...source, repository: undefined },
    'an archive': { sha256: 'e'.repeat(64), patches },
    'a patch less': { ...source, patches: patches.slice(1) },
    'patches in another order': { ...source, patches: patches.toReversed() },
    'another patch of the name': {
      ...source,
      patches: patches.map((patch) => ({ ...patch, sha256: 'f'.repeat(64) })),
    },
  };

  test('is another for all that decides the bytes', () => {
    const words = [source, ...Object.values(others)].map(sourceWord);
    expect(new Set(words).size).toBe(words.length);
  });

  test.each<[string, CustomSource]>([
    ['the name of a tag', { ...source, tag: 'slurm-24-11-6-1' }],
    ['the name of a patch', { ...source, patches: patches.map((patch) => ({ ...patch, name: 'x' })) }],
    ['where an archive was found', { ...source, archive: 'https://h.test/x.tar.gz' }],
  ])('does not change with %s', (_, same) => {
    expect(sourceDigest(same)).toBe(sourceDigest(source));
  });

  test('stands in the version, and the identifier comes back', () => {
    const word = sourceWord(source);
    expect(word).toMatch(/^p[0-9a-f]{12}$/);
    const target = bundledTarget({ source: word, gpu: 'cuda' });
    expect(formatTarget(target)).toBe(`slurm-24.11.6.${word}-glibc2.34-amd64-cuda`);
    const { toolchain: _, ...name } = target;
    expect(parseTarget(formatTarget(target))).toEqual(name);
    expect(versionOf(target)).toBe(`24.11.6.${word}`);
  });

  test('is not in the version for Spack, which is as that of a listed release', () => {
    expect(customRelease({ version: '24.11.6', date: '2026-01-02' }, source)).toEqual({
      version: '24.11.6',
      series: '24.11',
      spack: '24-11-6-1',
      date: '2026-01-02',
      early: false,
      source,
    });
    const tagged = { ...source, tag: 'slurm-24-11-6-2' };
    expect(customRelease({ version: '24.11.6', date: '' }, tagged).spack).toBe('24-11-6-2');
  });
});

test('versions with a source sort behind their release and before the next', () => {
  const names = ['24.11.7', '24.11.6.p3f2a91c04b17', '24.11.6', '24.11.10', '24.11.6.p03f2a91c04b1'];
  expect(names.toSorted(new Intl.Collator('en', { numeric: true }).compare)).toEqual([
    '24.11.6',
    '24.11.6.p03f2a91c04b1',
    '24.11.6.p3f2a91c04b17',
    '24.11.7',
    '24.11.10',
  ]);
  expect(compareVersions('24.11.6', '24.11.10')).toBeLessThan(0);
});

const meta = (major: string, minor: string, micro: string) =>
  `##\n  Meta:\t\t1\n  Name:\t\tslurm\n  Major:\t${major}\n  Minor:\t${minor}\n  Micro:\t${micro}\n  Version:\t1.2.3\n`;

test.each<[string, string | undefined]>([
  [meta('26', '05', '3'), '26.05.3'],
  [meta('26', '05', '3').replaceAll('\n', '\r\n'), '26.05.3'],
  [meta('26', '11', '0'), '26.11.0'],
  [meta('26', '5', '3'), undefined],
  [meta('26', '05', '3; rm -rf /'), undefined],
  [meta('26', '05', '../..'), undefined],
  ['', undefined],
  ['Major: 26', undefined],
])('META: %j', (text, version) => {
  expect(readMeta(text)?.version).toBe(version);
});

test.each([
  ['1', false],
  ['2.site', false],
  ['0rc1', true],
  ['0pre1', true],
])('Release: %s is before the release: %s', (release, early) => {
  expect(readMeta(metaOf('25.05.9', release))).toEqual({ version: '25.05.9', early });
});

const line = (letter: string, ref: string) => `${letter.repeat(40)}\trefs/tags/${ref}\n`;

test('the releases that a repository has tags of, each once, and no candidates', () => {
  const listed = [
    ...['slurm-26-05-4-1', 'slurm-26-05-4-1^{}', 'slurm-26-05-4-2', 'slurm-26-11-0-0rc1', 'slurm-24-11-10-1'],
    ...['slurm-2-6-0-1', 'slurm-26-05-04-1', 'site-26-05-5-1', 'slurm-26-05-5-1-site'],
  ];
  const heads = `${'a'.repeat(40)}\trefs/heads/slurm-26-05-9-1\n`;
  expect(taggedReleases(listed.map((ref) => line('a', ref)).join('') + heads)).toEqual([
    '26.05.4',
    '24.11.10',
  ]);
  expect(taggedReleases('')).toEqual([]);
});

describe('the newest tag of a release', () => {
  test.each<[string, string, object | undefined]>([
    ['one', line('a', 'slurm-24-11-6-1'), { tag: 'slurm-24-11-6-1', commit: 'a'.repeat(40) }],
    [
      'with the commit that it names behind it',
      line('a', 'slurm-24-11-6-1') + line('b', 'slurm-24-11-6-1^{}'),
      { tag: 'slurm-24-11-6-1', commit: 'b'.repeat(40) },
    ],
    [
      'the highest number',
      line('a', 'slurm-24-11-6-10') + line('b', 'slurm-24-11-6-9') + line('c', 'slurm-24-11-6-10^{}'),
      { tag: 'slurm-24-11-6-10', commit: 'c'.repeat(40) },
    ],
    ['no candidate', line('a', 'slurm-24-11-6-0rc1') + line('b', 'slurm-24-11-60-1'), undefined],
    ['no branch', `${'a'.repeat(40)}\trefs/heads/slurm-24-11-6-1\n`, undefined],
    ['nothing', '', undefined],
  ])('%s', (_, listed, tagged) => {
    expect(newestTag(listed, '24.11.6')).toEqual(tagged);
  });
});
