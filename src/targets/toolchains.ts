import { parse } from 'yaml';
import { z } from 'zod';
import { ConfigurationError } from '../base/errors.js';
import { type PackageManager, packageManagers } from '../distro/distro.js';
import { distroOf } from '../distro/distros.js';
import { type FeatureChoice, type Switches, switchVariants } from './feature-choice.js';
import { type Feature, type Features, variantsWithout } from './features.js';
import { isGpuVariant } from './gpus.js';
import { type Arch, archs } from './identifier.js';

const systemPackage = z.object({
  /** Spack's name of the package. */
  spec: z.string(),
  /** The distribution's package whose version is read. */
  package: z.string(),
  /** Packages that the builder image needs beside that one. */
  also: z.array(z.string()).default([]),
  /** Variants that the external must state, as in a spec. */
  variants: z.string().optional(),
  prefix: z.string().default('/usr'),
  /** The distribution's package that a machine needs to run what links it. */
  runtime: z.string().optional(),
  /** Slurm opens it by name at run time, a library or a program; no ELF file lists it. */
  opened: z.boolean().default(false),
});

const schema = z.object({
  id: z.string(),
  name: z.string(),
  /** `ID` and `VERSION_ID` of os-release; of a release with minor ones the number in front of the dot. */
  os: z.object({ id: z.string(), version: z.string() }),
  packageManager: z.enum(packageManagers),
  base: z.object({ image: z.string(), digest: z.string().nullable() }),
  compiler: z.object({
    name: z.string(),
    version: z.string(),
    glibc: z.string().regex(/^\d+\.\d+$/),
    glibcxx: z.string(),
    /** Oldest glibc that runs what brings its libraries; the toolchain's own without it. */
    oldestGlibc: z
      .string()
      .regex(/^\d+\.\d+$/)
      .optional(),
    /** Path of the compiler of each language. */
    languages: z.record(z.string(), z.string()).default({ c: '/usr/bin/gcc', cxx: '/usr/bin/g++' }),
  }),
  /** Where the distribution hands out security updates; see `SecurityArchive`. */
  security: z
    .object({
      archive: z.url(),
      suite: z.string(),
      components: z.array(z.string()).min(1),
      keyring: z.string(),
    })
    .optional(),
  /** What is enabled before other packages are installed, in images only. */
  repositories: z
    .object({ packages: z.array(z.string()), enabled: z.array(z.string()) })
    .default({ packages: [], enabled: [] }),
  /** The Python that Spack runs with, 3.9 or newer: the name of the program, and of its package. */
  python: z.string().default('python3'),
  buildPackages: z.array(z.string()),
  dependencies: z.array(systemPackage),
  tools: z.array(systemPackage),
  /** Spack's names of packages that are never built, so that the solver leaves out all that they need. */
  notBuilt: z.array(z.string()).default([]),
  /** Features of Slurm, or packages that they need, that this distribution can't have; see `Feature`. */
  lacks: z.array(z.string()).default([]),
  /** What an architecture has otherwise than the rest of the file says. */
  archs: z
    .partialRecord(
      z.enum(archs),
      z.strictObject({
        /** As `lacks`; a dependency that is named here is none of this architecture. */
        lacks: z.array(z.string()).default([]),
        /** As `archive` of `security`. */
        securityArchive: z.url().optional(),
      }),
    )
    .default({}),
  /** Sonames of the distribution's libraries that a file of the tarball may list as NEEDED. */
  systemLibraries: z.array(z.string()).default([]),
  /** What a smoke test's image has besides the packages that a tarball needs. */
  smoke: z
    .object({
      packages: z.array(z.string()),
      /** Packages that the distribution lets nobody install beside the others: unpacked, not installed. */
      unpacked: z.array(z.string()).default([]),
    })
    .default({ packages: [], unpacked: [] }),
});

/** A distribution that is built for on an architecture, as `toolchains/<id>/toolchain.yaml` describes it. */
export interface Toolchain extends Omit<z.infer<typeof schema>, 'archs'> {
  readonly arch: Arch;
  /** Variants of the recipe that can't be had because of `lacks`, sorted. */
  readonly lacking: readonly string[];
  /** Constraints on packages that Spack builds, as in a spec; a self-contained build has some. */
  readonly required?: readonly { readonly package: string; readonly spec: string }[];
}

/** A toolchain as one target has it: with the packages alone that its features need. */
export interface FittedToolchain extends Toolchain {
  readonly switches: Switches;
}
export type SystemPackage = z.infer<typeof systemPackage>;

/** What the toolchains of each package manager have in common, as YAML. */
export type CommonParts = Readonly<Partial<Record<PackageManager, string>>>;

/**
 * Reads a toolchain's description.
 * @param arch the architecture that it is to be for
 * @param features of the recipe, which `lacks` goes by
 * @param common values that the file does not have itself
 * @throws ConfigurationError when the file is not as it must be
 */
export function parseToolchain(
  text: string,
  path: string,
  arch: Arch,
  features: readonly Feature[],
  common: CommonParts = {},
): Toolchain {
  const wrong = (message: string) =>
    new ConfigurationError(`${path}: ${message}`, 'Restore the file from the repository.');
  const own: { packageManager?: PackageManager } | null = parse(text);
  const shared = common[own?.packageManager ?? 'dpkg'];
  const parsed = schema.safeParse({ ...(shared === undefined ? {} : parse(shared)), ...own });
  if (!parsed.success) throw wrong(z.prettifyError(parsed.error));
  const { archs: differing, ...description } = parsed.data;
  const both = description.dependencies.find(({ spec }) => description.lacks.includes(spec));
  if (both !== undefined) throw wrong(`lacks: '${both.spec}' is among the dependencies too.`);
  const { lacks, dependencies, security } = onArch(description, differing[arch]);
  const lacking = variantsWithout(features, lacks);
  if (typeof lacking === 'string') throw wrong(lacking);
  // What toolchains have in common has names that one of them takes from its distribution all the same.
  const taken = new Set([...dependencies, ...description.tools].map(({ spec }) => spec));
  const notBuilt = description.notBuilt.filter((name) => !taken.has(name));
  return { ...description, arch, lacks, dependencies, security, notBuilt, lacking };
}

type Description = z.infer<typeof schema>;

/** What a description says of one architecture. */
function onArch(
  { lacks, dependencies, security }: Pick<Description, 'lacks' | 'dependencies' | 'security'>,
  own: Description['archs'][Arch],
): Pick<Description, 'lacks' | 'dependencies' | 'security'> {
  const { lacks: more = [], securityArchive } = own ?? {};
  return {
    lacks: [...lacks, ...more],
    dependencies: dependencies.filter(({ spec }) => !more.includes(spec)),
    security: security && { ...security, archive: securityArchive ?? security.archive },
  };
}

/**
 * Fits a toolchain to the features of a target.
 * @param release its version, `24.11.7`
 * @param kept Spack's names of packages that are taken from the distribution whatever needs them
 * @returns sentences instead where a feature was asked for by its name and can't be had
 */
export function fitToolchain(
  toolchain: Toolchain,
  { variants, features }: Features,
  choice: FeatureChoice,
  release: string,
  kept: readonly string[] = [],
): FittedToolchain | string[] {
  const switches = switchVariants(choice, variants, release, toolchain);
  if (!('on' in switches)) return switches;
  // One builder image does for all kinds of GPU: of theirs it has headers alone.
  const isOff = (variant: string | undefined) =>
    variant !== undefined && !isGpuVariant(variant) && switches.off.includes(variant);
  const isNeeded = ({ spec }: SystemPackage) => {
    const users = features.filter(({ needs }) => needs.includes(spec));
    return kept.includes(spec) || users.length === 0 || users.some(({ variant }) => !isOff(variant));
  };
  const dependencies = toolchain.dependencies.filter(isNeeded);
  const taken = new Set([...dependencies, ...toolchain.tools].map(({ spec }) => spec));
  // Nothing that is built needs those that were left out, so Spack need not think of them either.
  const unneeded = toolchain.dependencies.map(({ spec }) => spec).filter((spec) => !taken.has(spec));
  const notBuilt = unneeded.length === 0 ? toolchain.notBuilt : [...toolchain.notBuilt, ...unneeded].sort();
  return { ...toolchain, dependencies, notBuilt, switches };
}

/** The oldest glibc, `2.34`, that runs a tarball which brings its libraries. */
export const oldestGlibc = ({ compiler }: Pick<Toolchain, 'compiler'>): string =>
  compiler.oldestGlibc ?? compiler.glibc;

/** The packages of a toolchain's Python, with what makes virtual environments. */
export const pythonPackages = ({ packageManager, python }: Toolchain): string[] =>
  distroOf(packageManager).pythonPackages(python);

/** Whether a machine runs the toolchain's distribution. */
export const runs = (os: { readonly id: string; readonly version: string }, toolchain: Toolchain): boolean =>
  os.id === toolchain.os.id && `${os.version}.`.startsWith(`${toolchain.os.version}.`);

/** All packages that the builder image of a toolchain holds, sorted, each once. */
export function imagePackages(toolchain: Toolchain): string[] {
  const names = [
    ...pythonPackages(toolchain),
    ...toolchain.buildPackages,
    ...toolchain.dependencies.flatMap((dependency) => [dependency.package, ...dependency.also]),
    ...toolchain.tools.map((tool) => tool.package),
  ];
  return [...new Set(names)].sort();
}

/**
 * The image that builder images and smoke tests start from, by digest where the toolchain pins one.
 * @param containerImage image that takes the place of the toolchain's own
 */
export function baseReference({ base }: Pick<Toolchain, 'base'>, containerImage: string | undefined): string {
  return containerImage ?? (base.digest === null ? base.image : `${base.image}@${base.digest}`);
}
