import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ConfigurationError } from '../base/errors.js';
import { digestFolder } from '../base/files.js';
import { packageManagers } from '../distro/distro.js';
import { type MeasuredBuilds, measuredPath, parseMeasured } from '../plan/work.js';
import { parseShipped, type ShippedIndexes, shippedPath } from '../spack/shipped.js';
import { type Advisory, advisoriesPath, parseAdvisories } from '../targets/advisories.js';
import { type Features, featuresPath, parseFeatures } from '../targets/features.js';
import type { Arch } from '../targets/identifier.js';
import { type Libraries, librariesPath, parseLibraries } from '../targets/libraries.js';
import { parseReleases } from '../targets/release-data.js';
import type { Release } from '../targets/releases.js';
import { parseSelfContained, type SelfContained, selfContainedPath } from '../targets/self-contained.js';
import { parseSupport, type Support, supportPath } from '../targets/support.js';
import { type CommonParts, parseToolchain, type Toolchain } from '../targets/toolchains.js';

const pinsSchema = z.object({
  spack: z.object({ git: z.string(), commit: z.string() }),
  packages: z.object({ git: z.string(), commit: z.string() }),
  slurm: z.object({ git: z.string() }),
});

/** The project's own files that a build reads: releases, pins, toolchains, recipes and templates. */
export interface Project {
  readonly root: string;
  readonly releases: readonly Release[];
  /** What is known against releases. */
  readonly advisories: readonly Advisory[];
  /** Until when series are supported. */
  readonly support: readonly Support[];
  /** The recipe's variants, and what its builds promise. */
  readonly features: Features;
  /** What becomes of the libraries that Slurm links, where a tarball brings them. */
  readonly libraries: Libraries;
  /** What Spack builds for `dependencies: self-contained`. */
  readonly selfContained: SelfContained;
  readonly pins: z.infer<typeof pinsSchema>;
  /** Ids of all toolchains, sorted. */
  readonly toolchains: readonly string[];
  readonly overlay: string;
  /** Pinned Python modules of the builder image. */
  readonly requirements: string;
  loadToolchain(id: string, arch: Arch): Promise<{ toolchain: Toolchain; dockerfile: string }>;
  template(name: string): Promise<string>;
  /** Text of a script that runs within the build's session. */
  script(name: string): Promise<string>;
  /** What works with build caches that machines share. */
  sharing(packageManager: Toolchain['packageManager']): Promise<SharingParts>;
  /** Spack's indexes of the pinned packages. */
  shippedIndexes(): Promise<ShippedIndexes>;
  /** What builds were measured to take. */
  measured(): Promise<MeasuredBuilds>;
  digest(part: 'spack-repo' | 'templates' | 'scripts/inside'): Promise<string>;
}

/** Texts of what works with build caches that machines share. */
export interface SharingParts {
  /** The script that asks a mirror what it has. */
  readonly look: string;
  /** Dockerfile of the image that speaks S3 and signs; a builder image is its base. */
  readonly dockerfile: string;
  /** Pinned Python modules of that image. */
  readonly requirements: string;
}

/**
 * Opens the project's files.
 * @param root folder that has data/, toolchains/, templates/ and spack-repo/
 */
export async function openProject(root: string): Promise<Project> {
  const read = (...path: string[]) => readFile(join(root, ...path), 'utf8');
  const pins = pinsSchema.safeParse(JSON.parse(await read('data', 'pins.json')));
  if (!pins.success) {
    throw new ConfigurationError(
      `data/pins.json: ${z.prettifyError(pins.error)}`,
      'Restore the file from the repository.',
    );
  }
  const features = parseFeatures(await read(featuresPath));
  const common: CommonParts = Object.fromEntries(
    await Promise.all(packageManagers.map(async (name) => [name, await read('toolchains', `${name}.yaml`)])),
  );
  const entries = await readdir(join(root, 'toolchains'), { withFileTypes: true });
  return {
    root,
    features,
    advisories: parseAdvisories(await read(advisoriesPath)),
    support: parseSupport(await read(supportPath)),
    releases: parseReleases(await read('data', 'slurm-releases.json')),
    libraries: parseLibraries(await read(librariesPath)),
    selfContained: parseSelfContained(await read(selfContainedPath)),
    pins: pins.data,
    toolchains: entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort(),
    overlay: join(root, 'spack-repo'),
    requirements: await read('toolchains', 'clingo-requirements.txt'),
    loadToolchain: async (id, arch) => {
      const text = await read('toolchains', id, 'toolchain.yaml');
      const toolchain = parseToolchain(
        text,
        `toolchains/${id}/toolchain.yaml`,
        arch,
        features.features,
        common,
      );
      // One for each package manager: what else distributions differ in is data.
      const dockerfile = await read('toolchains', `${toolchain.packageManager}.Dockerfile`);
      return { toolchain, dockerfile };
    },
    template: (name) => read('templates', name),
    script: (name) => read('scripts', 'inside', name),
    sharing: async (packageManager) => ({
      look: await read('scripts', 'mirrors', 'look.py'),
      dockerfile: await read('toolchains', `${packageManager}-share.Dockerfile`),
      requirements: await read('toolchains', 's3-requirements.txt'),
    }),
    shippedIndexes: async () => parseShipped(await readFile(join(root, shippedPath))),
    measured: async () => parseMeasured(await read(measuredPath)),
    digest: (part) => digestFolder(join(root, part)),
  };
}
