import { ConfigurationError, PackagingError } from '../base/errors.js';
import { matches, visible } from '../base/text.js';
import type { PackageManager } from '../distro/distro.js';
import { formatTarget, type Target, versionOf } from '../targets/identifier.js';
import type { Libraries } from '../targets/libraries.js';

/** Where the module looks when SLURM_INSTALL_PREFIX is not set. */
const defaultPrefix = (target: Target): string => `/opt/${formatTarget(target)}`;

/** Version that `module load slurm/<version>` names: `24.11.6`, `24.11.6-cuda-full`, `24.11.6.p3f2a91c04b17`. */
export const moduleVersion = (target: Target): string =>
  [versionOf(target), target.gpu === 'none' ? [] : target.gpu, target.features ?? []].flat().join('-');

/** Names of the module templates in templates/. */
export const moduleTemplates = { lmod: 'slurm.lua', tcl: 'slurm.tcl' } as const;

/** Values of a template's `@NAME@` placeholders, by name. */
export type Facts = Readonly<Record<string, string>>;

/** What every template may name. */
export const targetFacts = (target: Target): Facts => ({
  TARGET: formatTarget(target),
  VERSION: target.version,
  MODULE: moduleVersion(target),
  TOOLCHAIN: target.toolchain,
  ARCH: target.arch,
  GPU: target.gpu,
  PREFIX: defaultPrefix(target),
});

/**
 * Fills a template's placeholders; everything else stays as it is.
 * @throws ConfigurationError when the template has a placeholder without a value
 */
export function renderTemplate(template: string, facts: Facts): string {
  return template.replaceAll(/@([A-Z]+(?:_[A-Z]+)*)@/g, (_, name: string) => {
    const value = facts[name];
    if (value === undefined) {
      throw new ConfigurationError(
        `A template uses the unknown placeholder @${name}@.`,
        'Fix the file in templates/.',
      );
    }
    return value;
  });
}

/** A text file of the modules tarball. */
export interface ModuleFile {
  /** Below the tarball's top folder. */
  readonly path: string;
  readonly text: string;
}

/**
 * The module files of a target. Lmod and Environment Modules have a tree each: from one that they shared,
 * Lmod would read both files.
 * @param templates text of each of `moduleTemplates`
 * @throws ConfigurationError when a template has a placeholder without a value
 */
export function moduleFiles(
  target: Target,
  templates: Readonly<Record<keyof typeof moduleTemplates, string>>,
): ModuleFile[] {
  const version = moduleVersion(target);
  const facts = targetFacts(target);
  return [
    { path: `lmod/slurm/${version}.lua`, text: renderTemplate(templates.lmod, facts) },
    { path: `tcl/slurm/${version}`, text: renderTemplate(templates.tcl, facts) },
  ];
}

/** What the installer has to know of the machines that it runs on. */
export interface InstallerMachine {
  /** `ID` and `VERSION_ID` of the distribution's os-release. */
  readonly os: { readonly id: string; readonly version: string };
  readonly packageManager: PackageManager;
  /**
   * Of a target that brings its libraries: what becomes of libraries, the sonames that it needs from outside, and the
   * variants that are switched on.
   */
  readonly brings?: {
    readonly libraries: Libraries;
    readonly needed: readonly string[];
    readonly features: readonly string[];
  };
  /** Characters that a prefix may have; undefined where none has to be written into files. */
  readonly room?: number | undefined;
}

/** An entry of the software tarball. */
export interface InstalledEntry {
  /** Below the tarball's top folder. */
  readonly path: string;
  readonly type: 'file' | 'symlink' | 'folder';
  /** Permissions, as in `0o755`. */
  readonly mode: number;
  /** Of a file: the sum of its content, in hexadecimal digits. */
  readonly sha256: string | null;
  /** Of a symbolic link: what it says. */
  readonly target: string | null;
}

/**
 * The installer of a target, from `templates/install.sh`.
 * @param contents all entries of the software tarball, which the installer compares with what it unpacks
 * @throws ConfigurationError for a name that would not be one word in a shell
 * @throws PackagingError for contents that the installer would refuse
 */
export function renderInstaller(
  template: string,
  target: Target,
  machine: InstallerMachine,
  runtimePackages: readonly string[],
  contents: readonly InstalledEntry[],
): string {
  const words = [machine.os.id, machine.os.version, ...runtimePackages];
  const odd = words.filter((word) => !/^[A-Za-z0-9][A-Za-z0-9+._-]*$/.test(word));
  if (odd.length > 0) {
    throw new ConfigurationError(
      `The installer can't use these names: ${odd.map((word) => `'${word}'`).join(', ')}.`,
      "Fix them in the toolchain's toolchain.yaml.",
    );
  }
  return renderTemplate(template, {
    ...targetFacts(target),
    OS_ID: machine.os.id,
    OS_VERSION: machine.os.version,
    RUNTIME_PACKAGES: [...runtimePackages].sort().join(' '),
    PACKAGE_MANAGER: machine.packageManager,
    GLIBC: target.dependencies === 'system' ? '' : target.platform.replace('glibc', ''),
    ROOM: machine.room === undefined ? '' : String(machine.room),
    HOST_LIBRARIES: machine.brings === undefined ? '' : hostLibraryList(machine.brings),
    CONTENTS: installedList(contents).replaceAll("'", "'\\''"),
  });
}

/** The libraries that stay the host's: soname, package of Debian, of Arch, and what is missing without it or `-`. */
function hostLibraryList({ libraries, needed, features }: NonNullable<InstallerMachine['brings']>): string {
  const rows = libraries.host.flatMap(({ libraries: patterns, feature, opened: by, packages }) => {
    const found = needed.filter((soname) => patterns.some((pattern) => matches(pattern, soname)));
    // What Slurm opens by name no file lists as needed.
    const opened = by !== undefined && features.includes(by) ? patterns : [];
    const sonames = [...new Set([...found, ...opened])].sort();
    return sonames.map((soname) => [
      soname,
      packages['apt-get'] ?? '-',
      packages.pacman ?? '-',
      feature ?? '-',
    ]);
  });
  return rows.map((row) => row.join('\t')).join('\n');
}

/**
 * The installer's list: type, mode, sum or target, and path, with a tab between them; one line an entry.
 * @throws PackagingError for what does not fit in there, or must not be installed
 */
function installedList(contents: readonly InstalledEntry[]): string {
  const odd = contents.filter((entry) => !isInstallable(entry));
  if (odd.length > 0 || contents.length === 0) {
    const names = odd.slice(0, 5).map(({ path }) => `'${visible(path)}'`);
    throw new PackagingError(
      odd.length === 0
        ? 'The software tarball holds nothing to install.'
        : `The installer can't install these entries: ${names.join(', ')}${odd.length > 5 ? ' …' : ''}.`,
      'Fix the recipe: it may install files, folders and links with plain names and without special permissions.',
    );
  }
  return contents
    .map(({ type, mode, sha256, target, path }) =>
      type === 'file'
        ? ['file', mode.toString(8), sha256, path]
        : type === 'folder'
          ? ['folder', mode.toString(8), '-', path]
          : ['link', '777', target, path],
    )
    .map((fields) => fields.join('\t'))
    .join('\n');
}

/** Without control characters, and without the backslash that sha256sum writes in its own way. */
const isPlain = (name: string): boolean => !/[\p{Cc}\\]/u.test(name);

function isInstallable({ path, type, mode, sha256, target }: InstalledEntry): boolean {
  const inside = path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
  if (!inside || !isPlain(path)) return false;
  if (type === 'symlink') return target !== null && target !== '' && isPlain(target);
  // Nobody but the owner may write, no program may run as somebody else.
  if ((mode & ~0o755) !== 0) return false;
  return type === 'folder' || (sha256 !== null && /^[0-9a-f]{64}$/.test(sha256));
}
