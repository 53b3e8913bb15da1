import { formatBytes } from '../base/bytes.js';
import { markdownTable, visible } from '../base/text.js';
import { fileName } from '../bundle/catalogue.js';
import { compareVersions } from '../targets/releases.js';
import type { IndexRelease, IndexTarget, ReleaseIndex } from './index-file.js';

/** Rows of a table; what is more is counted. */
const mostRows = 60;

/**
 * The text of a release, in Markdown: what it has, and what is not as in the one before.
 * @param previous index of that one, where there is one
 */
export function releaseNotes(index: ReleaseIndex, previous: ReleaseIndex | undefined): string {
  const parts = [
    contents(index),
    missingPart(index),
    previous === undefined ? undefined : changesPart(index, previous),
    installPart(index),
  ];
  return `${parts.filter((part) => part !== undefined && part !== '').join('\n\n')}\n`;
}

const escaped = (text: string): string => visible(text).replace(/[\\`*_{}[\]<>#|~]/g, '\\$&');
const code = (text: string): string => `\`${visible(text).replaceAll('`', "'")}\``;
const plural = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`;

function contents({ releases, targets }: ReleaseIndex): string {
  const rows = releases.map((release) => {
    const own = targets.filter(({ slurmVersion }) => slurmVersion === release.version);
    return [release.version, platformsOf(own), supportWord(release), securityWord(release)];
  });
  return markdownTable(['Slurm', 'for', "SchedMD's support", 'known vulnerabilities'], rows);
}

const platformsOf = (targets: readonly IndexTarget[]): string =>
  [...new Set(targets.map((target) => [target.platform, target.arch, ...extrasOf(target)].join(' ')))]
    .map(escaped)
    .join(', ');

const extrasOf = ({ gpu, dependencies, choice }: IndexTarget): string[] => [
  ...(dependencies === 'self-contained' ? ['self-contained'] : []),
  ...(gpu === 'none' ? [] : [gpu]),
  ...(choice === undefined ? [] : [choice]),
];

const supportWord = ({ supportUntil }: IndexRelease): string =>
  supportUntil === undefined ? 'not known' : `until ${supportUntil}`;

const securityWord = ({ vulnerabilities, mendedIn }: IndexRelease): string =>
  vulnerabilities.length === 0
    ? 'none'
    : `**${vulnerabilities.length}**, mended in ${mendedIn.join(', ') || 'no release yet'}`;

function missingPart({ missing }: ReleaseIndex): string | undefined {
  if (missing.length === 0) return undefined;
  const many = missing.length > 1;
  return [
    '> [!WARNING]',
    `> ${plural(missing.length, 'target')} that ${many ? 'were' : 'was'} planned ${many ? 'are' : 'is'} not in this release: ${missing.map(code).join(', ')}.`,
  ].join('\n');
}

function changesPart(index: ReleaseIndex, previous: ReleaseIndex): string {
  const parts = [
    targetChanges(index, previous),
    packageChanges(index, previous),
    sizeChanges(index, previous),
  ];
  const found = parts.filter((part) => part !== undefined);
  const heading = `## Since ${escaped(previous.name)}`;
  return [heading, ...(found.length === 0 ? ['Nothing has changed.'] : found)].join('\n\n');
}

/** What came, what went, and what was built anew. */
function targetChanges(index: ReleaseIndex, previous: ReleaseIndex): string | undefined {
  const keys = (of: ReleaseIndex) => new Map(of.targets.map((item) => [item.identifier, item.contentKey]));
  const [now, then] = [keys(index), keys(previous)];
  const versions = (of: ReleaseIndex) => of.releases.map(({ version }) => version);
  const only = (a: readonly string[], b: readonly string[]) => a.filter((item) => !b.includes(item));
  const rebuilt = [...now].filter(([name, key]) => then.has(name) && then.get(name) !== key);
  const same = [...now].filter(([name, key]) => then.get(name) === key).length;
  const came = only(versions(index), versions(previous));
  const went = only(versions(previous), versions(index));
  const old = (names: readonly string[], isOf: (version: string) => boolean, of: ReleaseIndex) =>
    names.filter((name) => isOf(of.targets.find((item) => item.identifier === name)?.slurmVersion ?? ''));
  const added = old(only([...now.keys()], [...then.keys()]), (version) => !came.includes(version), index);
  const gone = old(only([...then.keys()], [...now.keys()]), (version) => !went.includes(version), previous);
  const lines = [
    ...listed('New releases of Slurm', came),
    ...listed('No more', went),
    ...listed('New targets', added.map(code)),
    ...listed('Targets that are gone', gone.map(code)),
    ...listed(
      'Built anew',
      rebuilt.map(([name]) => code(name)),
    ),
    ...(same > 0 && same < now.size ? [`- As before: ${plural(same, 'target')}`] : []),
  ];
  return lines.length === 0 ? undefined : lines.join('\n');
}

function listed(title: string, items: readonly string[]): string[] {
  if (items.length === 0) return [];
  const more = items.length - mostRows;
  return [`- ${title}: ${items.slice(0, mostRows).join(', ')}${more > 0 ? ` and ${more} more` : ''}`];
}

/** What stays the same from release to release of a series. */
const lineOf = (target: IndexTarget): string =>
  [
    target.slurmVersion.split('.').slice(0, 2).join('.'),
    ...[target.dependencies, target.platform, target.arch, ...extrasOf(target)],
  ].join(' ');

/** The newest target of each line of both, where the two are not the same. */
function pairs(index: ReleaseIndex, previous: ReleaseIndex): [now: IndexTarget, then: IndexTarget][] {
  const newest = ({ targets }: ReleaseIndex) => {
    const plain = targets.filter(({ source }) => source !== true);
    const rising = [...plain].sort((a, b) => compareVersions(a.slurmVersion, b.slurmVersion));
    return new Map(rising.map((item) => [lineOf(item), item]));
  };
  const before = newest(previous);
  return [...newest(index)].flatMap(([line, now]) => {
    const then = before.get(line);
    return then === undefined || then.contentKey === now.contentKey ? [] : [[now, then] as const];
  }) as [IndexTarget, IndexTarget][];
}

function packageChanges(index: ReleaseIndex, previous: ReleaseIndex): string | undefined {
  const changes = new Map<string, string[]>();
  for (const [now, then] of pairs(index, previous)) {
    const before = new Map(then.packages.map(({ name, version }) => [name, version]));
    const after = new Map(now.packages.map(({ name, version }) => [name, version]));
    for (const name of new Set([...before.keys(), ...after.keys()])) {
      const [was = '–', is = '–'] = [before.get(name), after.get(name)];
      if (was === is) continue;
      const row = [name, was, is].join('\t');
      changes.set(row, [...(changes.get(row) ?? []), now.identifier]);
    }
  }
  if (changes.size === 0) return undefined;
  const rows = [...changes].sort(([a], [b]) => (a < b ? -1 : 1));
  const shown = rows
    .slice(0, mostRows)
    .map(([row, targets]) => [...row.split('\t').map(escaped), String(targets.length)]);
  const more = rows.length - shown.length;
  return [
    markdownTable(['package', 'was', 'is', 'targets'], shown),
    ...(more > 0 ? [`and ${more} more`] : []),
  ].join('\n\n');
}

function sizeChanges(index: ReleaseIndex, previous: ReleaseIndex): string | undefined {
  const rows = pairs(index, previous).flatMap(([now, then]) => {
    const [is, was] = [softwareSize(now), softwareSize(then)];
    if (is === undefined || was === undefined || is === was || was === 0) return [];
    const percent = ((is - was) / was) * 100;
    const sign = percent < 0 ? '−' : '+';
    return [
      [code(now.identifier), formatBytes(was), formatBytes(is), `${sign}${Math.abs(percent).toFixed(1)} %`],
    ];
  });
  if (rows.length === 0) return undefined;
  const more = rows.length - mostRows;
  return [
    markdownTable(['software tarball', 'was', 'is', ''], rows.slice(0, mostRows)),
    ...(more > 0 ? [`and ${more} more`] : []),
  ].join('\n\n');
}

/** bytes of a target's software tarball */
export const softwareSize = ({ identifier, files }: IndexTarget): number | undefined =>
  files.find(({ name }) => name === fileName(identifier, 'software'))?.size;

function installPart({ downloads, signing }: ReleaseIndex): string | undefined {
  if (downloads === undefined) return undefined;
  return [
    '## Install',
    'On the machine that Slurm is to run on; it takes the tarball that fits, checks it and says what comes next:',
    ['```sh', `curl -fsSL ${downloads}get.sh | sh`, '```'].join('\n'),
    ...(signing === undefined
      ? []
      : [
          `\`SHA256SUMS\` is signed with the key ${code(signing.fingerprint)}: \`gpg --verify SHA256SUMS.asc\`.`,
        ]),
  ].join('\n\n');
}
