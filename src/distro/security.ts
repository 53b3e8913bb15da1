import type { Command } from './distro.js';

/** Where a distribution hands out its security updates; `security` of a toolchain.yaml. */
export interface SecurityArchive {
  /** `https://deb.debian.org/debian-security` */
  readonly archive: string;
  /** `bookworm-security` */
  readonly suite: string;
  readonly components: readonly string[];
  /** The keys that it is signed with, a file of the builder image. */
  readonly keyring: string;
}

/** Folders and files of a download, as the commands see them. */
export interface DownloadPlace {
  /** Folder that has the files of `DownloadPlan`. */
  readonly settings: string;
  /** Folder for what is needed on the way. */
  readonly scratch: string;
  /** File with the certificate authorities of the machine; undefined where the image's own are right. */
  readonly caBundle: string | undefined;
}

/** How packages are downloaded that shall not be installed. */
export interface DownloadPlan {
  /** Content of the files that the commands read, by their names. */
  readonly files: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  /** To be run in the folder that the packages are to lie in. */
  readonly commands: readonly Command[];
}

/** What a package manager knows of security updates. */
export interface SecurityUpdates {
  /**
   * Addresses of the files that tell what there is, compressed with xz.
   * @param arch as targets have it
   */
  indexes(where: SecurityArchive, arch: string): string[];
  /** The newest version of each package of such a file. */
  readIndex(text: string): Map<string, string>;
  /** Below 0 where version `a` is older than `b`, 0 where they are the same, above 0 where it is newer. */
  compare(a: string, b: string): number;
  /** Downloads packages whose signature leads to the archive's keys. */
  download(where: SecurityArchive, names: readonly string[], place: DownloadPlace): DownloadPlan;
}

/** A package that there is something newer of. */
export interface Outdated {
  readonly name: string;
  readonly version: string;
  /** Version in the security archive. */
  readonly newer: string;
}

/** The packages that an index has something newer of, sorted by name, each once. */
export function outdatedPackages(
  packages: readonly { readonly name: string; readonly version: string }[],
  newest: ReadonlyMap<string, string>,
  { compare }: Pick<SecurityUpdates, 'compare'>,
): Outdated[] {
  const found = new Map<string, Outdated>();
  for (const { name, version } of packages) {
    const newer = newest.get(name);
    if (newer !== undefined && compare(version, newer) < 0) found.set(name, { name, version, newer });
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
