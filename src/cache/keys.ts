import { sha256 } from '../base/files.js';

/**
 * Number of the layout of keys and entries. Raise it when what a key covers, or what an entry holds,
 * changes its meaning; all older entries are then left alone.
 */
export const schemaNumber = 2;

/** All that decides the bytes of a target's tarballs. Nothing of the runner is in it. */
export interface KeyMaterial {
  /** Identifier of the target. */
  readonly target: string;
  /** Digest of the builder image's definition; `machine` for a build outside a container. */
  readonly builder: string;
  readonly spackCommit: string;
  readonly packagesCommit: string;
  /** Digest of our own Spack repository. */
  readonly overlay: string;
  /** Rendered spack.yaml, without the versions of the distribution's libraries. */
  readonly environment: string;
  /** Digest of the templates that go into the tarballs. */
  readonly templates: string;
  /** Digest of the scripts that run within the session. */
  readonly scripts: string;
}

/** sha256 over the material, lower-case hex: the target's content key. */
export function contentKey(material: KeyMaterial): string {
  return sha256(
    [
      `schema ${schemaNumber}`,
      `target ${material.target}`,
      `builder ${material.builder}`,
      `spack ${material.spackCommit}`,
      `packages ${material.packagesCommit}`,
      `overlay ${material.overlay}`,
      `environment ${sha256(material.environment)}`,
      `templates ${material.templates}`,
      `scripts ${material.scripts}`,
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

/** Key of a target's finished tarballs. */
export const resultKey = (target: string, content: string): string => `${prefix}-result-${target}-${content}`;

/** Key of a target's lock. */
export const lockKey = (digest: string): string => `${prefix}-lock-${digest}`;

/** Key of a clone at a commit. */
export const cloneKey = (name: 'spack' | 'packages', commit: string): string =>
  `${prefix}-clone-${name}-${commit}`;

/** Where a built package fits. */
export interface PackagePlace {
  readonly builder: string;
  /** Length that the install tree's path is padded to; it is not part of Spack's hash. */
  readonly padding: number;
}

/** Key of one built package in the build cache, by its hash in Spack's DAG. */
export const packageKey = (place: PackagePlace, name: string, hash: string): string =>
  `${prefix}-package-${place.builder.slice(0, 16)}-p${place.padding}-${name}-${hash}`;
