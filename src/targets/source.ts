import { sha256 } from '../base/files.js';
import { compareVersions, type Release, resolveRelease } from './releases.js';

/** What `slurm-version` may ask for. */
export type VersionRequest =
  | { readonly kind: 'release'; readonly release: Release }
  /** A release that `data/` lacks: its repository is asked. `otherwise` says what there is if it has none. */
  | { readonly kind: 'unlisted'; readonly version: string; readonly otherwise: string }
  | { readonly kind: 'commit'; readonly commit: string }
  /** An archive, by its path or address. */
  | { readonly kind: 'archive'; readonly place: string };

/** Ends of the names of archives that can be built. */
export const archiveEnds = ['.tar.gz', '.tgz', '.tar.bz2', '.tar.xz'] as const;

/** The end of an archive's name; undefined for any other name. */
export const archiveEnd = (name: string): string | undefined =>
  archiveEnds.find((end) => name.endsWith(end) && name.length > end.length);

/** Whether a place is an address, not a path. */
export const isAddress = (place: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(place);

/** Whether a text is the name of a release: `24.11.6`. */
export const isReleaseName = (text: string): boolean => /^\d\d\.\d\d\.(?:0|[1-9]\d{0,2})$/.test(text);

// A login would stand in arguments, manifests and logs.
const archiveAddress = /^https?:\/\/[A-Za-z0-9.:[\]-]+\/[A-Za-z0-9._~/+%-]+$/;

/**
 * What `slurm-version` asks for. A series and `latest` are of `data/` alone.
 * @returns a sentence where it is none of them, or older than what can be built
 */
export function resolveVersion(releases: readonly Release[], request: string): VersionRequest | string {
  if (/^[0-9a-f]{40}$/.test(request)) return { kind: 'commit', commit: request };
  if (/[/\\]/.test(request) || archiveEnd(request) !== undefined) {
    const isArchive = archiveEnd(request) !== undefined && !/[\0\n]/.test(request);
    if (isArchive && (!isAddress(request) || archiveAddress.test(request))) {
      return { kind: 'archive', place: request };
    }
    return `'${request}' is no archive: its name must end with ${archiveEnds.join(', ')}, and an address begins with https:// or http:// and has no login.`;
  }
  if (/^[0-9a-f]{7,39}$/.test(request) && /[a-f]/.test(request)) {
    return `'${request}' is a part of a commit. Name all of its 40 digits.`;
  }
  const release = resolveRelease(releases, request);
  if (typeof release !== 'string') return { kind: 'release', release };
  if (!isReleaseName(request)) return release;
  const older = olderThanAll(releases, request);
  return older ?? { kind: 'unlisted', version: request, otherwise: release };
}

/** What is wrong with a version that is older than all releases that the recipe is made for. */
export function olderThanAll(releases: readonly Release[], version: string): string | undefined {
  const [oldest] = releases;
  if (oldest === undefined || compareVersions(version, `${oldest.series}.0`) >= 0) return undefined;
  return `Slurm ${version} is older than ${oldest.series}, the oldest that can be built.`;
}

/** A patch by its file's name, and the sum of its bytes. */
export interface NamedPatch {
  readonly name: string;
  readonly sha256: string;
}

/** A source that is not the one `data/` has for a release, in what differs; the manifest tells it. */
export interface CustomSource {
  /** Address of the repository; left out for one on a machine, and for an archive. */
  readonly repository?: string | undefined;
  readonly tag?: string | undefined;
  readonly commit?: string | undefined;
  /** Address of an archive; left out for one on a machine. */
  readonly archive?: string | undefined;
  /** Of the archive, where it is named by a sum. */
  readonly sha256?: string | undefined;
  /** In the order in which they are applied. */
  readonly patches: readonly NamedPatch[];
}

/** A Slurm whose source is its user's choice. */
export interface CustomRelease extends Pick<Release, 'version' | 'series' | 'spack' | 'date'> {
  /** It is one before the release that its META names: `Release: 0pre1`. */
  readonly early?: boolean;
  readonly source: CustomSource;
}

/** The Slurm that a build is of: a release as `data/` has it, or one with a source of its own. */
export type BuiltRelease =
  | (Release & { readonly source?: undefined; readonly early?: false })
  | CustomRelease;

/** sha256 over all of a source that decides the bytes. Where an archive was found decides nothing. */
export const sourceDigest = ({ repository, commit, sha256: sum, patches }: CustomSource): string =>
  sha256(
    [
      `repository ${repository ?? ''}`,
      `commit ${commit ?? ''}`,
      `archive ${sum ?? ''}`,
      ...patches.map((patch) => `patch ${patch.sha256}`),
    ].join('\n'),
  );

/** Stands behind the release in a target's version, `24.11.6.p3f2a91c04b17`. */
export const sourceWord = (source: CustomSource): string => `p${sourceDigest(source).slice(0, 12)}`;

/**
 * A release with a source of its own.
 * @param facts its version, and the day that its source is of, `2026-08-13`
 */
export function customRelease(
  { version, date, early = false }: Pick<CustomRelease, 'version' | 'date' | 'early'>,
  source: CustomSource,
): CustomRelease {
  // As a listed release's, so that nothing of a tree tells where its source was from: the length of a prefix does.
  const spack = source.tag?.replace(/^slurm-/, '') ?? `${version.replaceAll('.', '-')}-1`;
  return { version, series: version.replace(/\.\d+$/, ''), spack, date, early, source };
}

/**
 * What a source tree's META says: the version, `24.11.6`, and whether it is one before that release.
 * @returns undefined where it says none
 */
export function readMeta(text: string): { readonly version: string; readonly early: boolean } | undefined {
  const field = (name: string) =>
    new RegExp(`^[ \\t]*${name}:[ \\t]*([\\w.-]{1,40})[ \\t]*\\r?$`, 'm').exec(text)?.[1];
  const version = ['Major', 'Minor', 'Micro'].map(field).join('.');
  return isReleaseName(version) ? { version, early: /^0/.test(field('Release') ?? '') } : undefined;
}

/** A release's tag and the commit that it names. */
export interface Tagged {
  readonly tag: string;
  readonly commit: string;
}

/** Start of the names of a release's tags: `slurm-24-11-6-`, then a number. */
export const tagStart = (version: string): string => `slurm-${version.replaceAll('.', '-')}-`;

/** Start of the names of all releases' tags. */
export const anyTagStart = 'slurm-';

/**
 * The releases that a repository has tags of, each once; candidates for a release have none.
 * @param listed what `git ls-remote` says
 */
export function taggedReleases(listed: string): string[] {
  const tags = listed.matchAll(/^[0-9a-f]{40}\trefs\/tags\/slurm-(\d\d)-(\d\d)-(\d+)-\d{1,4}$/gm);
  const versions = [...tags].map(([, ...numbers]) => numbers.join('.'));
  return [...new Set(versions)].filter(isReleaseName);
}

/**
 * The newest tag of a release.
 * @param listed what `git ls-remote` says: a commit, a tab and a ref a line; `^{}` behind what a tag names
 */
export function newestTag(listed: string, version: string): Tagged | undefined {
  const commits = new Map<string, string>();
  for (const line of listed.split('\n')) {
    const [, commit, ref] = /^([0-9a-f]{40})\trefs\/tags\/(\S+)$/.exec(line) ?? [];
    if (commit !== undefined && ref !== undefined) commits.set(ref, commit);
  }
  const start = tagStart(version);
  const numbers = [...commits.keys()]
    .filter((ref) => ref.startsWith(start) && /^\d{1,4}$/.test(ref.slice(start.length)))
    .map((ref) => Number(ref.slice(start.length)));
  if (numbers.length === 0) return undefined;
  const tag = `${start}${Math.max(...numbers)}`;
  const commit = commits.get(`${tag}^{}`) ?? commits.get(tag);
  return commit === undefined ? undefined : { tag, commit };
}
