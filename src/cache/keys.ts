import { sha256 } from '../base/files.js';
import type { Arch, Dependencies } from '../targets/identifier.js';

/**
 * Number of the layout of keys and entries. Raise it when what a key covers, or what an entry holds,
 * changes its meaning; all older entries are then left alone.
 */
export const schemaNumber = 4;

/** All that decides the bytes of a target's tarballs. Nothing of the runner is in it. */
export interface KeyMaterial {
  /** Identifier of the target. */
  readonly target: string;
  readonly dependencies: Dependencies;
  /** Digest of the builder image's definition; `machine` for a build outside a container. */
  readonly builder: string;
  readonly spackCommit: string;
  readonly packagesCommit: string;
  /** Digest of our own Spack repository. */
  readonly overlay: string;
  /** Digest of the rendered spack.yaml, without the versions of the distribution's libraries. */
  readonly environment: string;
  /** Digest of the templates that go into the tarballs. */
  readonly templates: string;
  /** Digest of the scripts that run within the session. */
  readonly scripts: string;
  /** Digest of what becomes of the libraries; undefined for a target that has the distribution's. */
  readonly libraries: string | undefined;
  /** Which packages were tested while they were installed; undefined for none. */
  readonly tests: string | undefined;
}

/** sha256 over the material, lower-case hex: the target's content key. */
export function contentKey(material: KeyMaterial): string {
  return sha256(
    [
      `schema ${schemaNumber}`,
      `target ${material.target}`,
      `dependencies ${material.dependencies}`,
      `builder ${material.builder}`,
      `spack ${material.spackCommit}`,
      `packages ${material.packagesCommit}`,
      `overlay ${material.overlay}`,
      `environment ${material.environment}`,
      `templates ${material.templates}`,
      `scripts ${material.scripts}`,
      ...(material.libraries === undefined ? [] : [`libraries ${material.libraries}`]),
      ...(material.tests === undefined ? [] : [`tests ${material.tests}`]),
    ].join('\n'),
  );
}

/** What decides the outcome of concretization. */
export interface LockMaterial {
  readonly builder: string;
  readonly spackCommit: string;
  readonly packagesCommit: string;
  readonly overlay: string;
  /** Rendered spack.yaml, with the versions of the distribution's libraries. */
  readonly environment: string;
}

/** sha256 over what decides the lock, lower-case hex. */
export function lockDigest(material: LockMaterial): string {
  return sha256(
    [
      `schema ${schemaNumber}`,
      `builder ${material.builder}`,
      `spack ${material.spackCommit}`,
      `packages ${material.packagesCommit}`,
      `overlay ${material.overlay}`,
      `environment ${sha256(material.environment)}`,
    ].join('\n'),
  );
}

const prefix = `slurm-factory-v${schemaNumber}`;
const scopePattern = 'open|other|k[0-9a-f]{12}';

/** Whether a word is a scope: who may have written an entry, see `policy.ts`. */
export const isScope = (word: string): boolean => new RegExp(`^(?:${scopePattern})$`).test(word);

/** A key, or the beginning of one, within a scope: what the store knows it by. Only our own keys have one. */
export function inScope(key: string, scope: string): string {
  return key.startsWith(`${prefix}-`) ? `${prefix}-${scope}-${key.slice(prefix.length + 1)}` : key;
}

/** The scope of a store's key; undefined for a key that has none. */
export const scopeOf = (key: string): string | undefined => parts(key)?.[1];

const keyParts = new RegExp(`^${prefix}-(?:(${scopePattern})-)?([a-z]+)-(.*)$`, 's');
const parts = (key: string) => keyParts.exec(key);

/** Whose packages and locks a build may use: those for the same distribution and architecture. */
export interface Platform {
  /** `bookworm` */
  readonly toolchain: string;
  readonly arch: Arch;
}

/** Where a built package fits. */
export interface PackagePlace extends Platform {
  readonly builder: string;
  /** Length that the install tree's path is padded to; it is not part of Spack's hash. */
  readonly padding: number;
}

/** What decides which packages an index lists and how far they fit. */
export interface IndexMaterial extends Platform {
  readonly spackCommit: string;
  readonly packagesCommit: string;
  /** Digest of our own Spack repository. */
  readonly overlay: string;
}

// What can be shared begins with the platform, so that a store lists by prefix what a target may use.
const on = (kind: EntryKind, { toolchain, arch }: Platform): string =>
  `${prefix}-${kind}-${toolchain}-${arch}-`;

/** Version of a package that came into a tarball. */
export interface BroughtPackage {
  readonly name: string;
  readonly version: string;
}

/**
 * Key of a target's finished tarballs.
 * @param brought packages of the distribution that came into the tarball; left out for a target that brings none
 */
export function resultKey(target: string, content: string, brought?: readonly BroughtPackage[]): string {
  const whole = `${prefix}-result-${target}-${content}`;
  if (brought === undefined) return whole;
  const lines = brought.map(({ name, version }) => `${name} ${version}`);
  return `${whole}-${sha256([...new Set(lines)].sort().join('\n')).slice(0, 16)}`;
}

/** What a result that brings libraries is restored from: the newest one, whichever versions it has. */
export const resultPrefix = (target: string, content: string): string => `${resultKey(target, content)}-`;

/** Key of a target's lock. */
export const lockKey = (platform: Platform, digest: string): string => `${on('lock', platform)}${digest}`;

/** Key of one built package in the build cache, by its hash in Spack's DAG. */
export const packageKey = (place: PackagePlace, name: string, hash: string): string =>
  `${on('package', place)}${place.builder.slice(0, 16)}-p${place.padding}-${name}-${hash}`;

/** Key of the build cache's index. */
export const indexKey = (material: IndexMaterial): string =>
  `${on('index', material)}${commits(material)}-${material.overlay.slice(0, 12)}`;

/** What an index may be restored from in its place: the same commits, whatever our own repository was like. */
export const indexPrefix = (material: IndexMaterial): string =>
  `${on('index', material)}${commits(material)}-`;

/** Whose compilations are alike enough to have objects in common. */
export interface CcacheMaterial extends Platform {
  readonly builder: string;
  /** Release series of Slurm, `24.11`. */
  readonly series: string;
  /** Whether debug files are made: that is in every object. */
  readonly debug: boolean;
}

/** What ccache may be restored from: the newest entry with this prefix. */
export const ccachePrefix = (material: CcacheMaterial): string =>
  `${on('ccache', material)}${material.builder.slice(0, 16)}-${material.series}${material.debug ? '.debug' : ''}-`;

/** Key of ccache's files, by their names: those have the digest of what was compiled in them. */
export const ccacheKey = (prefix: string, files: readonly string[]): string =>
  `${prefix}${sha256([...files].sort().join('\n')).slice(0, 16)}`;

/** Copies of a damaged entry that can't be changed: each is saved, and looked for, behind the one before. */
export const copies = (key: string): string[] => [key, `${key}-r1`, `${key}-r2`];

/** The key that an entry or a copy of it is for. */
const withoutCopy = (key: string): string => key.replace(/-r\d$/, '');

/** Folder that an entry passes through. GitHub's service finds one only from the folder it was saved from. */
export function transferName(key: string): string {
  const { kind } = readKey(key);
  // A second copy of an entry passes where the first one did.
  const first = withoutCopy(key);
  const near = kind === 'index' || kind === 'ccache' || (kind === 'result' && nearResult.test(first));
  return near ? first.slice(0, first.lastIndexOf('-') + 1) : key;
}

// The digest of what came into the tarball may be left out: that is the prefix.
const nearResult = /-[0-9a-f]{64}-(?:[0-9a-f]{16})?$/;

const commits = ({ spackCommit, packagesCommit }: IndexMaterial): string =>
  `${spackCommit.slice(0, 12)}-${packagesCommit.slice(0, 12)}`;

export const entryKinds = ['result', 'lock', 'index', 'ccache', 'package'] as const;
export type EntryKind = (typeof entryKinds)[number];

/** The entries that builds of one target may use. */
export interface Reach {
  /** Their keys begin with one of these. */
  readonly prefixes: readonly string[];
  /** Whether a key with such a prefix is one of them. */
  readonly includes: (key: string) => boolean;
}

/**
 * @param target identifier of the target
 * @param scope of the store's keys; left out for keys that have none yet
 */
export function reachOf(target: string, platform: Platform, scope?: string): Reach {
  const scoped = (key: string) => (scope === undefined ? key : inScope(key, scope));
  const results = scoped(resultKey(target, ''));
  return {
    prefixes: [
      results,
      ...(['package', 'lock', 'index', 'ccache'] as const).map((kind) => scoped(on(kind, platform))),
    ],
    // A target's identifier may begin with another's: `…-amd64` and `…-amd64-cuda`.
    includes: (key) =>
      !key.startsWith(results) ||
      /^[0-9a-f]{64}(?:-[0-9a-f]{16})?$/.test(withoutCopy(key).slice(results.length)),
  };
}

/** What a key is of: its kind, and the name of the package, of ccache's release series or of the result's target. */
export function readKey(key: string): { readonly kind: EntryKind | undefined; readonly name?: string } {
  const [, , word, rest = ''] = parts(key) ?? [];
  const kind = entryKinds.find((known) => known === word);
  const name = kind === undefined ? undefined : nameIn[kind]?.exec(rest)?.[1];
  return name === undefined ? { kind } : { kind, name };
}

// Neither a platform nor a builder, a hash or a commit has a dash in it; names do.
const nameIn: Readonly<Partial<Record<EntryKind, RegExp>>> = {
  ccache: /^[^-]+-[^-]+-[^-]+-(.+)-[^-]+$/,
  result: /^(.+?)-[0-9a-f]{64}(?:-.*)?$/,
  package: /^[^-]+-[^-]+-[^-]+-p\d+-(.+)-[^-]+$/,
};
