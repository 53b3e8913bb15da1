import { basename, posix } from 'node:path';
import { PackagingError } from '../../base/errors.js';
import { openPlain, readPlain } from '../../base/safe.js';
import { listPlain } from '../../base/walk.js';
import type { Layout } from '../../container/layout.js';
import type { Session } from '../../container/session.js';
import { paddingFolder } from '../../spack/environment.js';
import { builtSpecs, furtherSpecs, type Lock, type LockedSpec, linkedSpecs } from '../../spack/lock.js';
import { fromCacheMarker, installedPrefixes } from '../../spack/results.js';
import type { PackageCounts } from '../report.js';
import type { ResolvedBuild } from '../resolve.js';

export interface Installed {
  /** Slurm's prefix, as the session sees it. */
  readonly prefix: string;
  readonly packages: PackageCounts;
  /** What Spack built for Slurm to link. */
  readonly built: readonly BuiltPackage[];
  /** What Spack built for its user beside Slurm. */
  readonly further: readonly BuiltPackage[];
  /** Slurm itself came from the build cache. */
  readonly rootFromCache: boolean;
}

/** A package that Spack built. */
export interface BuiltPackage {
  readonly name: string;
  readonly version: string;
  readonly hash: string;
  /** As the session sees it. */
  readonly prefix: string;
}

/** What Spack's own database and prefixes say of an installation. */
export async function readInstalled(build: ResolvedBuild, session: Session, lock: Lock): Promise<Installed> {
  const prefixes = await readPrefixes(build, session.layout);
  const root = prefixes.get(lock.root.hash);
  if (root === undefined) {
    throw new PackagingError(
      `Spack says that it installed ${lock.root.name}, but its database below ${session.layout.store} does not.`,
      'Build again with cache: false.',
    );
  }
  const wanted = builtSpecs(lock);
  const fromCache = new Set<string>();
  const compiled = new Set<string>();
  for (const { hash } of wanted) {
    const prefix = prefixes.get(hash);
    if (prefix === undefined) continue;
    const marker = posix.join(posix.relative(session.layout.store, prefix), fromCacheMarker);
    ((await isPlainFile(build.hostLayout.store, marker)) ? fromCache : compiled).add(hash);
  }
  return {
    prefix: root,
    built: withPrefixes(linkedSpecs(lock), prefixes),
    further: withPrefixes(furtherSpecs(lock), prefixes),
    packages: {
      external: lock.specs.length - wanted.length,
      fromCache: fromCache.size,
      compiled: compiled.size,
    },
    rootFromCache: fromCache.has(lock.root.hash),
  };
}

const withPrefixes = (specs: readonly LockedSpec[], prefixes: ReadonlyMap<string, string>): BuiltPackage[] =>
  specs.flatMap(({ name, version, hash }) => {
    const prefix = prefixes.get(hash);
    return prefix === undefined ? [] : [{ name, version, hash, prefix }];
  });

const isPlainFile = (root: string, path: string): Promise<boolean> =>
  openPlain(root, path).then(
    (file) => file.close().then(() => true),
    () => false,
  );

/** bytes; it has some thousand for each package */
const mostDatabaseBytes = 1 << 28;
const databaseFolder = '.spack-db';

/**
 * Prefixes by hash from Spack's own database, which lies at the padded root, some folders down. What does not lie
 * in the store is left out.
 */
export async function readPrefixes(
  build: ResolvedBuild,
  layout: Pick<Layout, 'store'>,
): Promise<Map<string, string>> {
  // The last of the padding's folders is cut to length.
  const pads = (name: string) => paddingFolder.startsWith(name);
  const enter = (folder: string) => pads(basename(folder)) || basename(folder) === databaseFolder;
  const files = await listPlain(build.hostLayout.store, { enter });
  const databases = files.filter((file) => file.endsWith(`${databaseFolder}/index.json`));
  const found: [string, string][] = [];
  for (const database of databases) {
    const text = await readPlain(build.hostLayout.store, database, mostDatabaseBytes).catch(() => undefined);
    const prefixes = installedPrefixes(text?.toString('utf8') ?? '');
    for (const [hash, prefix] of prefixes) {
      if (posix.normalize(prefix).startsWith(`${layout.store}/`)) found.push([hash, prefix]);
    }
  }
  return new Map(found);
}
