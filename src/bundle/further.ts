import { z } from 'zod';
import { PackagingError } from '../base/errors.js';
import { parseJson } from '../base/json.js';
import type { RunResult } from '../base/ports.js';
import { lastLine, visible } from '../base/text.js';
import { relocationMark } from '../targets/relocation.js';
import type { SelfContained } from '../targets/self-contained.js';

/*
 * Packages beside Slurm, which were asked for, and what they need. They lie below one folder of the software's
 * tree, at the paths that they have in Spack's store.
 */

/** A package that Spack installed. */
interface StoredPackage {
  readonly name: string;
  readonly version: string;
  readonly hash: string;
  /** As the session sees it. */
  readonly prefix: string;
}

/** Where the script works, as the session sees it. */
export interface FurtherPlace {
  /** The tree, which is changed. */
  readonly tree: string;
  /** Spack's store, without its padding. */
  readonly store: string;
  /** Slurm's prefix in it. */
  readonly slurm: string;
  readonly packages: readonly StoredPackage[];
  /** Folders with views, by their names. */
  readonly views: Readonly<Record<string, string>>;
  /** Folder of the module files that Spack made, `lmod` and `tcl` in it; null for none. */
  readonly modules: string | null;
  /** Folders with the archives that Spack fetched. */
  readonly sources: readonly string[];
  /** Paths of the build, which may be in no file. */
  readonly folders: readonly string[];
}

/**
 * What the script is asked, as JSON.
 * @param program text of `relocationTemplate`
 */
export const furtherRequest = (
  place: FurtherPlace,
  { licences }: Pick<SelfContained, 'licences'>,
  program: string,
): string => JSON.stringify({ ...place, licences, program, mark: relocationMark });

const schema = z.object({
  schema: z.literal(1),
  /** Characters that the path of the packages may have; null where none came. */
  width: z.number().int().nullable(),
  /** Where each package lies in the tree, by its hash. */
  packages: z.array(z.object({ hash: z.string(), path: z.string() })),
  /** Packages whose source says nothing of a licence. */
  unlicensed: z.array(z.string()),
  /** Links that led to what is not in the tree. */
  dropped: z.array(z.string()),
});

/** What came into a tree. */
export type Further = Omit<z.infer<typeof schema>, 'schema'>;

/** Nothing. */
export const noFurther: Further = { width: null, packages: [], unlicensed: [], dropped: [] };

/**
 * Reads what the script said.
 * @throws PackagingError
 */
export function readFurther(done: Pick<RunResult, 'exitCode' | 'stdout' | 'stderr'>): Further {
  if (done.exitCode !== 0) {
    throw new PackagingError(
      `The further packages could not be brought into the tree: ${visible(lastLine(done.stderr))}`,
      'Check the free disk space; the builder image needs patchelf and strip.',
    );
  }
  const answer = schema.safeParse(parseJson(done.stdout));
  if (!answer.success) {
    throw new PackagingError(
      "What the script for further packages said can't be read.",
      'Report this defect.',
      {
        cause: answer.error,
      },
    );
  }
  const { schema: _, ...further } = answer.data;
  return further;
}
