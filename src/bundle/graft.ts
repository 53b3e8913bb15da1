import { z } from 'zod';
import { PackagingError } from '../base/errors.js';
import type { RunResult } from '../base/ports.js';
import { lastLine, visible } from '../base/text.js';
import type { DistributionPackage, PackageManager } from '../distro/distro.js';
import { graftFolder, type Libraries } from '../targets/libraries.js';
import type { SelfContained } from '../targets/self-contained.js';

const library = z.object({
  /** What Slurm was linked with. */
  soname: z.string(),
  /** Its name in the tarball. */
  name: z.string(),
  /** Where it was taken from, in the session. */
  source: z.string(),
  /** Of the original's bytes, lower-case hex. */
  sha256: z.string(),
  /** The distribution's package that holds it; null for what Spack built. */
  package: z.string().nullable(),
  /** Hash of the spec that it is of; null for what the distribution has. */
  spec: z.string().nullable(),
});

const updated = z.object({
  name: z.string(),
  version: z.string(),
  arch: z.string(),
  source: z.string(),
});

const schema = z.object({
  schema: z.literal(3),
  /** Packages of `outdated` that libraries would come from; nothing was changed then. */
  wanted: z.array(z.string()),
  /** Packages that were not taken from what is installed. */
  updates: z.array(updated),
  libraries: z.array(library),
  /** Sonames that are needed and stay the host's. */
  host: z.array(z.string()),
  /** What is needed and is nowhere. */
  missing: z.array(z.object({ file: z.string(), soname: z.string() })),
  /** Packages whose licence is not stated in a file. */
  unlicensed: z.array(z.string()),
});

/** A library that came into a tarball. */
export type GraftedLibrary = z.infer<typeof library>;

/** Where the script works, as the session sees it. */
export interface GraftPlace {
  /** The tree, which is changed. */
  readonly tree: string;
  /** Where the tree's files were installed. */
  readonly origin: string;
  /** What Spack built for the tree to link; the licences of what comes from there are in `sources`. */
  readonly built: readonly {
    readonly name: string;
    readonly version: string;
    readonly hash: string;
    readonly prefix: string;
  }[];
  /** Folders with the archives that Spack fetched. */
  readonly sources: readonly string[];
  /** Paths of the build, which may be in no file. */
  readonly folders: readonly string[];
}

/** What the script needs to know of packages that there is something newer of. */
export interface GraftUpdates {
  /** Names of packages that libraries may not be taken from as they are installed. */
  readonly outdated: readonly string[];
  /** Folder with newer packages; undefined where there are none. */
  readonly folder: string | undefined;
}

/** What the script is asked, as JSON. */
export function graftRequest(
  place: GraftPlace,
  { host, named, plugins, blanked }: Libraries,
  { licences, moved }: Pick<SelfContained, 'licences' | 'moved'>,
  packageManager: PackageManager,
  updates: GraftUpdates,
): string {
  return JSON.stringify({
    ...{ ...place, licences, moved, packageManager, named, plugins, blanked },
    ...{ outdated: updates.outdated, updates: updates.folder ?? null },
    folder: graftFolder,
    host: host.flatMap(({ libraries }) => libraries),
  });
}

/** What came into a tree. */
export interface Grafted {
  /** By soname. */
  readonly libraries: readonly GraftedLibrary[];
  /** Packages among theirs that are newer than what is installed. */
  readonly updates: readonly DistributionPackage[];
}

/**
 * Reads what the script said.
 * @returns what came; or the packages that are wanted newer first, and nothing was changed
 * @throws PackagingError when a library is nowhere, or the script failed
 */
export function readGraft(
  done: Pick<RunResult, 'exitCode' | 'stdout' | 'stderr'>,
): Grafted | { readonly wanted: readonly string[] } {
  if (done.exitCode !== 0) {
    throw new PackagingError(
      `The libraries could not be brought into the tree: ${visible(lastLine(done.stderr))}`,
      'Check the free disk space; the builder image needs patchelf.',
    );
  }
  const { wanted, libraries, updates, missing, unlicensed } = parseAnswer(done.stdout);
  if (wanted.length > 0) return { wanted };
  if (missing.length > 0) {
    const lines = missing.map(({ file, soname }) => `  ${visible(file)} needs ${visible(soname)}`);
    throw new PackagingError(
      `Libraries are neither in the tree nor in the builder image:\n${lines.join('\n')}`,
      'Add the package that has them to buildPackages of the toolchain.',
    );
  }
  if (unlicensed.length > 0) {
    throw new PackagingError(
      `These packages state no licence, and may not go into a tarball: ${unlicensed.join(', ')}.`,
      "Use a base image that keeps the files with licences (/usr/share/doc/*/copyright). For a package of Spack's, say in data/self-contained.yaml which file of its source it is.",
    );
  }
  return { libraries, updates: updates.map((item) => ({ ...item, epoch: undefined })) };
}

function parseAnswer(json: string): z.infer<typeof schema> {
  try {
    return schema.parse(JSON.parse(json));
  } catch (error) {
    throw new PackagingError("What the graft script said can't be read.", 'Report this defect.', {
      cause: error,
    });
  }
}
