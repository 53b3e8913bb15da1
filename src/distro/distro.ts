import { PackagingError } from '../base/errors.js';
import type { RunResult } from '../base/ports.js';
import type { SecurityUpdates } from './security.js';

/** Package managers by the programs that know what is installed; `packageManager` of a toolchain.yaml. */
export const packageManagers = ['dpkg', 'rpm'] as const;
export type PackageManager = (typeof packageManagers)[number];

/** A command as a list of its words. */
export type Command = [string, ...string[]];

/** Repositories that are off until somebody enables them. */
export interface Repositories {
  /** Packages that bring repositories, or what enables one. */
  readonly packages: readonly string[];
  /** Names of repositories. */
  readonly enabled: readonly string[];
}

/** A package of the distribution, as it is installed. */
export interface DistributionPackage {
  readonly name: string;
  /** The distribution's whole version; an epoch only in front of dpkg's. */
  readonly version: string;
  /** rpm's epoch, where there is one. */
  readonly epoch: string | undefined;
  readonly arch: string;
  /** Source package, with its version. */
  readonly source: string;
}

/**
 * All that depends on a distribution's package manager. Names of packages are words of the commands: look at
 * them with `isPackageName` first where they come from outside.
 */
export interface Distro {
  readonly packageManager: PackageManager;
  /** Whether a word can be nothing but the name of a package, where a command installs it. */
  isPackageName(word: string): boolean;
  /** Refreshes the lists of what can be installed; undefined where the install command does that itself. */
  readonly refreshCommand: Command | undefined;
  /** Installs packages without asking, and without those that are only recommended. */
  installCommand(names: readonly string[]): Command;
  /** Commands that ask which packages are installed, for `missingPackages`. */
  installedQueries(names: readonly string[]): Command[];
  /**
   * The packages that are not installed.
   * @param answers to `installedQueries` of the same names, in its order
   */
  missingPackages(names: readonly string[], answers: readonly Answer[]): string[];
  /** Prints a name and a version a line, for `parseVersions`; fails when a package is not installed. */
  versionsCommand(names: readonly string[]): Command;
  /** Prints what is known of each package, for `parseDistribution`; leaves out what is not installed. */
  distributionCommand(names: readonly string[]): Command;
  /** The same of all that is installed. */
  readonly inventoryCommand: Command;
  /** Undefined where it is not known yet how they are asked for. */
  readonly security: SecurityUpdates | undefined;
  /** Type of a package URL. */
  readonly purlType: 'deb' | 'rpm';
  /** Where the package's own statement of its licence is installed; undefined where there is no such place. */
  copyrightFile(name: string): string | undefined;
  /** Package of a compiler by its name and major version. */
  compilerPackage(name: string, major: string): string;
  /** The packages that a Python makes virtual environments with, by the name of its program. */
  pythonPackages(python: string): string[];
  /** Packages of glibc: what compiles against it, and what runs with it. */
  readonly glibc: { readonly development: string; readonly runtime: string };
  /** Commands that enable repositories. */
  enableCommands(repositories: Repositories): Command[];
  /**
   * Dockerfile that installs the packages of the build argument PACKAGES on BASE_IMAGE, and unpacks those of
   * UNPACKED where `unpacks`. `repositoryArguments` say what is enabled before.
   */
  readonly smokeDockerfile: string;
  /** Whether a package can be unpacked beside one that it conflicts with. */
  readonly unpacks: boolean;
}

/** Build arguments of all Dockerfiles for what is enabled first; none where that is nothing. */
export const repositoryArguments = ({ packages, enabled }: Repositories): Record<string, string> => ({
  ...(packages.length === 0 ? {} : { REPOSITORY_PACKAGES: packages.join(' ') }),
  ...(enabled.length === 0 ? {} : { REPOSITORIES: enabled.join(' ') }),
});

export type Answer = Pick<RunResult, 'exitCode' | 'stdout'>;

/** The install command as a line for people, who run it as root. */
export const installLine = (distro: Distro, names: readonly string[]): string =>
  distro.installCommand(names).join(' ');

/**
 * Versions by package from the output of `versionsCommand`, as Spack versions: without epoch, distribution's
 * revision and repackaging marks.
 */
export function parseVersions(text: string): Map<string, string> {
  return new Map(
    text
      .trim()
      .split('\n')
      .map((line) => {
        const [name = '', version = ''] = line.split(' ');
        return [withoutArch(name), upstreamVersion(version)] as const;
      }),
  );
}

/** `libc6:amd64` → `libc6` */
export const withoutArch = (name: string): string => name.replace(/:.*$/, '');

/** `1:2.36-9+deb12u14` → `2.36` */
export function upstreamVersion(version: string): string {
  return version
    .replace(/^\d+:/, '')
    .replace(/-[^-]*$/, '')
    .replace(/[+~].*$/, '');
}

/** One line of `distributionCommand`, as the package managers' formats have it. */
export const fields = (...parts: readonly string[]): string => `${parts.join('\\t')}\\n`;

/**
 * Reads what `distributionCommand` printed, by the packages' names.
 * @throws PackagingError when it printed none
 */
export function parseDistribution(text: string): Map<string, DistributionPackage> {
  const found = text.split('\n').flatMap((line) => {
    const [name, epoch, version, arch, source] = line.split('\t');
    if (!name || !version || arch === undefined || source === undefined) return [];
    return [
      [name, { name, version, epoch: epoch && epoch !== '0' ? epoch : undefined, arch, source }] as const,
    ];
  });
  if (found.length > 0) return new Map(found);
  throw new PackagingError(
    "The package manager named none of the distribution's packages.",
    'Remove the builder image, so that it is made again.',
  );
}

/**
 * A package URL (purl): `pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=amd64&distro=debian-12`
 * @param os `ID` and `VERSION_ID` of the distribution's os-release
 */
export function packageUrl(
  distro: Pick<Distro, 'purlType'>,
  os: { readonly id: string; readonly version: string },
  item: DistributionPackage,
): string {
  const encode = (word: string) => encodeURIComponent(word).replaceAll('%3A', ':');
  const qualifiers = [`arch=${item.arch}`, `distro=${os.id}-${os.version}`];
  if (item.epoch !== undefined) qualifiers.push(`epoch=${item.epoch}`);
  return `pkg:${distro.purlType}/${os.id}/${encode(item.name)}@${encode(item.version)}?${qualifiers.join('&')}`;
}

/** Longer than any name of Debian's and Fedora's packages, and shorter than a file name may be. */
export const longestName = 200;
