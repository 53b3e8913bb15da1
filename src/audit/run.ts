import { posix } from 'node:path';
import { PackagingError } from '../base/errors.js';
import { lastLine, visible } from '../base/text.js';
import type { Session } from '../container/session.js';
import { driverLibraries } from '../targets/gpus.js';
import { compareVersions } from '../targets/releases.js';
import { relocationList, relocationMark } from '../targets/relocation.js';
import type { Toolchain } from '../targets/toolchains.js';
import { auditTree, type Finding } from './audit.js';
import { elfFiles, parseVersion } from './elf-rules.js';
import { AuditError } from './error.js';
import type { Expectation } from './expectation.js';
import { promisedFiles } from './feature-rules.js';
import { type Inventory, type InventoryRequest, type Load, parseInventory } from './inventory.js';
import { companions, hosts } from './plugins.js';
import { runtimePackages } from './runtime.js';
import { isFurther, type Tree, treeOf } from './tree.js';

/** A file that the target promises. */
export interface PromisedFile {
  readonly feature: string;
  readonly file: string;
  /** How it was loaded; undefined for what is not an ELF file. */
  readonly load: Pick<Load, 'binding' | 'program' | 'missing'> | undefined;
}

/** What an audit found in order. */
export interface AuditReport {
  /** File name of the tarball. */
  readonly tarball: string;
  /** Empty for a tarball that breaks no rule. */
  readonly findings: readonly Finding[];
  readonly figures: {
    readonly entries: number;
    readonly files: number;
    readonly elfFiles: number;
    readonly scripts: number;
    /** Programs and shared objects that were loaded. */
    readonly loaded: number;
    /** Highest symbol version by prefix: `GLIBC` → `2.34`. */
    readonly highest: Readonly<Record<string, string>>;
    readonly seconds: number;
  };
  readonly plugins: readonly PromisedFile[];
  /** Shared objects that open, but lack functions that no program has. */
  readonly incomplete: readonly { readonly file: string; readonly missing: readonly string[] }[];
  /** The distribution's packages that the tarball needs, sorted. */
  readonly runtimePackages: readonly string[];
  /** Sonames that its files need from outside, sorted. */
  readonly neededLibraries: readonly string[];
  /** All that lies below the top folder, sorted by path. */
  readonly contents: readonly ContentEntry[];
}

/** One file, link or folder, as unpacking makes it. */
export interface ContentEntry {
  /** Relative to the top folder. */
  readonly path: string;
  readonly type: 'file' | 'symlink' | 'folder';
  /** Permission bits as the archive has them. */
  readonly mode: number;
  /** Of a file's bytes, lower-case hex. */
  readonly sha256: string | null;
  /** What a symbolic link points at. */
  readonly target: string | null;
}

/** What is audited, and by what. */
export interface AuditRequest {
  /** Text of the inventory's scripts, see `inventoryScript`. */
  readonly script: string;
  /** Path of the tarball in the session. */
  readonly tarball: string;
  readonly toolchain: Toolchain;
  readonly expectation: Expectation;
}

/**
 * Audits a finished tarball in a session of its toolchain's image: programs and plugins are loaded there.
 * @throws PackagingError when the audit itself can't be done; broken rules are in the report
 */
export async function auditTarball(session: Session, request: AuditRequest): Promise<AuditReport> {
  const { script, tarball, expectation } = request;
  const start = performance.now();
  const question = JSON.stringify(inventoryRequest(tarball, expectation));
  const answer = await session.exec([session.python, '-c', script, question]);
  if (answer.exitCode !== 0) {
    throw new PackagingError(
      `${posix.basename(tarball)} could not be audited: ${visible(lastLine(answer.stderr))}`,
      'Check the free disk space; the audit needs gcc and the Python of the builder image.',
    );
  }
  const facts = parseInventory(answer.stdout);
  return makeReport(facts, request, () => (performance.now() - start) / 1000);
}

/**
 * Lets a tarball pass that breaks no rule.
 * @throws AuditError
 */
export function requirePassed(report: AuditReport): void {
  if (report.findings.length > 0) throw new AuditError(report.tarball, report.findings);
}

/** What the script is asked about a tarball. */
export function inventoryRequest(tarball: string, expectation: Expectation): InventoryRequest {
  const { top, packageManager, forbidden, limits } = expectation;
  return {
    archive: tarball,
    top,
    packageManager,
    forbidden,
    limits,
    mark: relocationMark,
    list: relocationList,
    exports: driverLibraries.exports,
    companions,
    hosts,
  };
}

/** Judges the facts and adds up the figures. */
export function makeReport(
  facts: Inventory,
  { tarball, toolchain, expectation }: Omit<AuditRequest, 'script'>,
  seconds: () => number,
): AuditReport {
  const tree = treeOf(facts, expectation.top);
  const findings = auditTree(tree, expectation);
  return {
    tarball: posix.basename(tarball),
    findings,
    plugins: promisedWithLoads(tree, expectation),
    incomplete: tree.loads
      .filter(({ file, binding, missing }) => binding === 'lazy' && missing.length > 0 && !isFurther(file))
      .map(({ file, missing }) => ({ file, missing })),
    runtimePackages: runtimePackages(facts, toolchain.dependencies),
    neededLibraries: tree.systemLibraries.map(({ soname }) => soname).sort(),
    contents: contentsOf(tree),
    figures: {
      entries: tree.entries.length,
      files: tree.entries.filter(({ type }) => type === 'file').length,
      elfFiles: tree.entries.filter(({ elf }) => elf !== null).length,
      scripts: tree.entries.filter(({ script }) => script !== null).length,
      loaded: tree.loads.filter(({ binding }) => binding !== 'failed').length,
      highest: highestVersions(tree),
      seconds: seconds(),
    },
  };
}

function contentsOf(tree: Tree): ContentEntry[] {
  return [...tree.byPath.values()]
    .flatMap(({ path, type, mode, sha256, target }): ContentEntry[] =>
      path === '.' || type === 'hardlink' || type === 'other' ? [] : [{ path, type, mode, sha256, target }],
    )
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

function promisedWithLoads(tree: Tree, { promised }: Expectation): PromisedFile[] {
  const loads = new Map(tree.loads.map((load) => [load.file, load]));
  return promised.flatMap(({ feature, files }) =>
    files
      .flatMap((pattern) => promisedFiles(tree, pattern))
      .map(([file, itself]) => {
        const load = loads.get(itself);
        return {
          feature,
          file,
          load: load && { binding: load.binding, program: load.program, missing: load.missing },
        };
      }),
  );
}

function highestVersions(tree: Tree): Record<string, string> {
  const highest: Record<string, string> = {};
  for (const { elf } of elfFiles(tree)) {
    for (const { prefix, number } of elf.versions.flatMap((version) => parseVersion(version) ?? [])) {
      const known = highest[prefix];
      if (known === undefined || compareVersions(number, known) > 0) highest[prefix] = number;
    }
  }
  return highest;
}
