import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { PackagingError } from '../base/errors.js';
import { fileName, itemOf, signatureName } from '../bundle/catalogue.js';
import { checkResult, ownersOf } from '../bundle/check.js';
import { type BuiltPackage, listBuilt } from '../local/built.js';
import { type CleanReport, cleanUp } from '../local/clean.js';
import { localMachine, type Machine } from '../local/machine.js';
import { parseTarget } from '../targets/identifier.js';
import { Config } from './config.js';
import { type PlaceOptions, placeOf } from './place.js';

/** A finished target on this machine. */
export interface PackageInfo {
  /** `slurm-24.11.7-glibc2.34-amd64-cuda` */
  readonly identifier: string;
  /** Exact release, `24.11.7`. */
  readonly slurmVersion: string;
  readonly gpuEnabled: boolean;
  /** `none`, `cuda`, `rocm`, `oneapi` or `all` */
  readonly gpu: string;
  readonly toolchain: string;
  /** When its manifest was written. */
  readonly buildDate: Date;
  /** Absolute path of the software tarball. */
  readonly softwarePackage: string;
  /** Absolute path of the modules tarball. */
  readonly modulePackage: string;
  /** All of its files, in millions of bytes, rounded up. */
  readonly sizeMb: number;
  /** It lies in the cache; a build hands it out again. */
  readonly cached: boolean;
}

const megabytes = (bytes: number): number => Math.ceil(bytes / 1e6);

const infoOf = (built: BuiltPackage): PackageInfo => ({
  identifier: built.identifier,
  slurmVersion: built.manifest.slurmVersion,
  gpuEnabled: built.manifest.gpu !== 'none',
  gpu: built.manifest.gpu,
  toolchain: built.manifest.toolchain,
  buildDate: built.built,
  softwarePackage: built.files.software ?? resolve(built.folder, fileName(built.identifier, 'software')),
  modulePackage: built.files.modules ?? resolve(built.folder, fileName(built.identifier, 'modules')),
  sizeMb: megabytes(built.bytes),
  cached: built.cached,
});

/**
 * The finished targets in the output folder and in the cache, by identifier, the newest first. Only manifests are
 * read: `validatePackage` checks the files.
 * @param options with `outputDirs`, folders to look into in place of the settings' output folder
 */
export async function listBuiltPackages(
  options: PlaceOptions & { readonly outputDirs?: readonly string[] } = {},
): Promise<PackageInfo[]> {
  const config = options.config ?? new Config();
  const outputDirs = (options.outputDirs ?? [config.outputDir]).map((folder) => resolve(folder));
  return (await listBuilt({ outputDirs, spackCache: config.settings.spackCache })).map(infoOf);
}

/** What became of a clean-up. */
export interface CleanResult {
  readonly filesRemoved: number;
  /** Millions of bytes, rounded up. */
  readonly spaceFreedMb: number;
  /** What could not be removed, a sentence each. */
  readonly errors: readonly string[];
  /** Each thing that was removed, with its files and bytes. */
  readonly removed: CleanReport['removed'];
  /** What was left alone, as that of builds that run; a sentence each. */
  readonly left: readonly string[];
}

export interface CleanOptions extends PlaceOptions {
  /** Leaves cache entries, clones and Python environments: true. */
  readonly keepCache?: boolean;
  /** Removes nothing, only tells: false. */
  readonly dryRun?: boolean;
}

/**
 * Removes what builds left on this machine: folders, logs and containers of builds that were killed or kept.
 * Output folders are never touched, nor what a running build uses.
 * @throws the signal's reason once that is aborted
 */
export async function cleanBuildArtifacts(
  options: CleanOptions = {},
  machine: Machine = localMachine,
): Promise<CleanResult> {
  const { keepCache = true, dryRun = false } = options;
  const { removed, left, errors } = await cleanUp(
    keepCache ? 'builds' : 'all',
    placeOf(options),
    { dryRun },
    machine,
  );
  const sum = (field: 'files' | 'bytes') => removed.reduce((total, one) => total + one[field], 0);
  return { filesRemoved: sum('files'), spaceFreedMb: megabytes(sum('bytes')), errors, removed, left };
}

/** What was found of a finished target. */
export interface ValidationResult {
  readonly valid: boolean;
  /** What is wrong, a sentence each. */
  readonly errors: readonly string[];
  /** What is not wrong, but good to know. */
  readonly warnings: readonly string[];
  /** Missing for what has no whole manifest. */
  readonly packageInfo?: PackageInfo;
}

/**
 * Checks a finished target: its files against sums and manifest, its SBOM, and the content of its tarball. Runs
 * nothing and asks no network. Signatures are checked by `SlurmBuilder.verify`.
 * @param packagePath path of any file of the target, such as its software tarball
 */
export async function validatePackage(packagePath: string): Promise<ValidationResult> {
  const path = resolve(packagePath);
  const [folder, name] = [dirname(path), basename(path)];
  const names = await readdir(folder).catch(() => [] as string[]);
  const there = await stat(path).then(
    (facts) => facts.isFile(),
    () => false,
  );
  const refuse = (error: string) => ({ valid: false, errors: [error], warnings: [] });
  if (!there) return refuse(`${name}: there is no such file.`);
  const identifier = [...ownersOf(names)].find(([, own]) => own.includes(name))?.[0];
  if (identifier === undefined || parseTarget(identifier) === undefined || !itemOf(identifier, name)) {
    return refuse(`${name}: it is no file of a target, or the SHA256SUMS of its target is missing.`);
  }
  const signed = names.includes(signatureName(fileName(identifier, 'sums')));
  const warnings = signed ? [] : ['It is not signed: sums alone do not tell who made it.'];
  const info = (await listBuilt({ outputDirs: [folder] })).find((one) => one.identifier === identifier);
  const about = info === undefined ? {} : { packageInfo: infoOf(info) };
  try {
    await checkResult(folder, identifier, { exact: false });
    return { valid: true, errors: [], warnings, ...about };
  } catch (error) {
    if (!(error instanceof PackagingError)) throw error;
    return { valid: false, errors: error.message.split('\n'), warnings, ...about };
  }
}
