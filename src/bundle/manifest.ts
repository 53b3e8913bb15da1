import { z } from 'zod';
import { installLine, type PackageManager } from '../distro/distro.js';
import { distroOf } from '../distro/distros.js';
import type { Target } from '../targets/identifier.js';
import { moduleLayouts, type OwnSummary } from '../targets/own-environment.js';
import type { CustomSource } from '../targets/source.js';
import { itemOf } from './catalogue.js';
import type { BundleFile } from './sums.js';

/** A word of at most so many characters that a pattern describes. */
const word = (pattern: RegExp, longest = 200) => z.string().max(longest).regex(pattern);
const sha256 = word(/^[0-9a-f]{64}$/);
const commit = word(/^[0-9a-f]{40,64}$/);

/** The most of each list that a manifest may have; real ones have a tenth of it at most. */
export const listLimits = {
  ...{ specs: 5000, runtimePackages: 1000, libraries: 1000, files: 20 },
  ...{ patches: 100, features: 200, externals: 100, specWords: 500, repos: 50, packages: 1000 },
  ...{ configure: 2000 },
} as const;

const specWords = z.array(word(/^[ -~]+$/, 1000)).max(listLimits.specWords);

/** A file, as documents of ours name one. */
export const bundleFile = z.object({
  name: word(/^[A-Za-z0-9][A-Za-z0-9._+-]*$/).describe('a file beside the manifest'),
  // 64 GiB
  size: z
    .number()
    .int()
    .min(0)
    .max(2 ** 36)
    .describe('bytes'),
  sha256: sha256.describe('lower-case hex'),
});

/** Names the schema, whatever address it is read from; `$schema` of a manifest and `$id` of the schema. */
export const manifestSchemaId = 'urn:slurm-factory:manifest:1';

export const manifestSchema = z.object({
  $schema: word(/^[!-~]*$/, 500)
    .optional()
    .describe('names the JSON Schema of this document'),
  schema: z.literal(1).describe('raised when a field changes its meaning; new fields may come without it'),
  target: word(/^slurm-[a-z0-9._-]+$/, 500).describe(
    'identifier of the target, slurm-<release>[.p<source>][.e<environment>]-<platform>-<arch>[-self-contained][-<gpu>][-<features>]',
  ),
  slurmVersion: word(/^\d+\.\d+\.\d+$/),
  source: z
    .object({
      repository: word(/^https:\/\/[!-~]+$/, 2000)
        .optional()
        .describe('address of the git repository; absent for one on the machine that built it'),
      tag: word(/^[A-Za-z0-9][A-Za-z0-9._-]*$/).optional(),
      commit: commit.optional(),
      archive: word(/^https?:\/\/[!-~]+$/, 2000)
        .optional()
        .describe('address of the archive; absent for one on the machine that built it'),
      sha256: sha256.optional().describe('of the archive'),
      patches: z
        .array(z.object({ name: word(/^[A-Za-z0-9][A-Za-z0-9._+-]*$/), sha256 }))
        .max(listLimits.patches)
        .describe('in the order in which they were applied'),
    })
    .optional()
    .describe(
      "what Slurm was built from where that is not the release as slurm-factory's data/ has it; its digest is in the target",
    ),
  environment: z
    .object({
      spec: specWords.optional().describe("words of Slurm's spec"),
      packages: specWords.optional().describe('specs of further packages'),
      moduleLayout: z.enum(moduleLayouts).optional().describe('of their module files'),
      yaml: sha256.optional().describe('sum over what was merged over the environment'),
      repos: z
        .array(
          z.object({
            namespace: word(/^[a-z_][a-z0-9_.]*$/),
            digest: sha256.describe('over names and bytes of the recipes'),
            url: word(/^https:\/\/[!-~]+$|^file:\/\/[!-~]+$/, 2000).optional(),
            commit: commit.optional(),
          }),
        )
        .max(listLimits.repos)
        .optional(),
      lock: sha256.optional().describe('of the lock that was given'),
    })
    .optional()
    .describe("what was added in Spack's own words; its digest is in the target"),
  toolchain: word(/^[a-z][a-z0-9.]*$/).describe(
    'distribution that it was built with, and that a system tarball runs on',
  ),
  arch: word(/^[a-z0-9]+$/).describe('amd64 or arm64'),
  gpu: word(/^[a-z0-9]+$/).describe('none, cuda, rocm, oneapi or all'),
  dependencies: word(/^[a-z-]+$/).describe('libraries of Slurm: system, bundled or self-contained'),
  features: z
    .array(word(/^[a-z0-9_]+$/))
    .max(listLimits.features)
    .optional()
    .describe("variants of Slurm's recipe that are switched on, sorted"),
  externals: z
    .array(word(/^[a-z0-9][a-z0-9-]*$/))
    .max(listLimits.externals)
    .optional()
    .describe(
      "Spack's names of the packages that a self-contained target has of the distribution because they were asked for; their digest is in the target",
    ),
  contentKey: sha256.describe('sha256 over all that decides the bytes of the tarballs'),
  spack: z.object({ commit, packagesCommit: commit }).describe('commits of Spack'),
  builder: sha256.describe('digest of the builder image, whose libraries were linked'),
  specs: z
    .array(
      z.object({
        name: word(/^[A-Za-z0-9_][A-Za-z0-9_-]*$/),
        version: word(/^[A-Za-z0-9_.+=/-]+$/),
        hash: word(/^[a-z2-7]{32}$/).describe("Spack's hash in the graph, 32 characters"),
        external: word(/^\/[A-Za-z0-9_.+@/-]*$/, 4096)
          .optional()
          .describe("prefix of the distribution's own package; absent for what Spack built"),
      }),
    )
    .max(listLimits.specs)
    .describe('all concrete specs of the lock, by name'),
  runtimePackages: z
    .array(word(/^[A-Za-z0-9_]([A-Za-z0-9._+-]*[A-Za-z0-9._+])?$/))
    .max(listLimits.runtimePackages)
    .describe('packages of the distribution it was built with that the tarball needs where it runs'),
  runtimeInstall: word(/^[A-Za-z0-9 ._+-]*$/, 250_000)
    .optional()
    .describe('the command that installs runtimePackages'),
  glibc: word(/^\d+\.\d+$/)
    .optional()
    .describe('the oldest glibc that a tarball runs with which brings its libraries'),
  libraries: z
    .array(
      z.object({
        name: word(/^[A-Za-z0-9][A-Za-z0-9._+-]*$/).describe('file in lib/bundled'),
        soname: word(/^[A-Za-z0-9][A-Za-z0-9._+-]*$/).describe('name that Slurm was linked with'),
        package: word(/^[A-Za-z0-9_]([A-Za-z0-9._+-]*[A-Za-z0-9._+])?$/)
          .optional()
          .describe("the distribution's package that it was taken from; absent for what Spack built"),
        version: word(/^[A-Za-z0-9.:+~^_-]*$/)
          .optional()
          .describe("the whole version of the distribution's package, or that of what Spack built"),
        spec: word(/^[a-z0-9][a-z0-9_-]*$/)
          .optional()
          .describe('what Spack built it from, one of specs; absent for what the distribution has'),
      }),
    )
    .max(listLimits.libraries)
    .optional()
    .describe('libraries that the tarball brings'),
  packages: z
    .array(
      z.object({
        spec: word(/^[a-z0-9][a-z0-9_-]*$/).describe('one of specs'),
        version: word(/^[A-Za-z0-9_.+=/-]+$/),
        hash: word(/^[a-z2-7]{32}$/),
        path: word(/^packages\/[A-Za-z0-9_.+=@/-]+$/, 1000).describe('folder in the tarball'),
        asked: z.boolean().describe('it was asked for, and is not only what another one needs'),
      }),
    )
    .max(listLimits.packages)
    .optional()
    .describe('packages beside Slurm that the tarball brings'),
  configure: z
    .array(
      z.object({
        name: word(/^[A-Za-z_]\w*$/),
        value: word(/^[ -~]*$/).describe('as C has it; @prefix@ stands for the folder it was installed to'),
      }),
    )
    .max(listLimits.configure)
    .optional()
    .describe("what Slurm's configure found out: the definitions of its config.h, by name"),
  files: z.array(bundleFile).max(listLimits.files).describe('the tarballs and the installer'),
  sbom: bundleFile.optional().describe('the SPDX document of the software tarball'),
  smoke: bundleFile.optional().describe("the smoke test's report, JUnit XML"),
});

/** What `manifest.json` says of a target's tarballs. */
export type Manifest = z.infer<typeof manifestSchema>;

/** The distribution's packages that libraries of the tarball were taken from, one for each library. */
export function broughtPackages({ libraries = [] }: Pick<Manifest, 'libraries'>): {
  readonly name: string;
  readonly version: string;
}[] {
  return libraries.flatMap(({ package: name, version = '' }) =>
    name === undefined ? [] : [{ name, version }],
  );
}

export interface ManifestContent {
  readonly target: Target;
  readonly identifier: string;
  /** What Slurm was built from; undefined for a release as `data/` has it. */
  readonly source?: CustomSource | undefined;
  /** What its user has added in Spack's own words. */
  readonly environment?: OwnSummary | undefined;
  readonly dependencies: string;
  /** Variants of the recipe that are switched on. */
  readonly features: readonly string[];
  /** Packages that were asked of the distribution. */
  readonly externals?: readonly string[];
  readonly contentKey: string;
  readonly spackCommit: string;
  readonly packagesCommit: string;
  readonly builder: string;
  readonly specs: Manifest['specs'];
  readonly runtimePackages: readonly string[];
  /** The libraries that the tarball brings. */
  readonly libraries: NonNullable<Manifest['libraries']>;
  /** The packages beside Slurm that it brings. */
  readonly packages?: NonNullable<Manifest['packages']>;
  /** What Slurm's configure found out. */
  readonly configure?: NonNullable<Manifest['configure']>;
  /** All files that the manifest names; the catalogue says in which of its fields. */
  readonly files: readonly BundleFile[];
  /** The distribution's package manager; without it the manifest has no command. */
  readonly packageManager?: PackageManager;
}

/** Puts the manifest together; the same facts give the same text. */
export function makeManifest(facts: ManifestContent): Manifest {
  const runtimePackages = [...facts.runtimePackages].sort();
  const { packageManager } = facts;
  const { dependencies, platform } = facts.target;
  const [sbom] = filesOfField(facts, 'sbom');
  const [smoke] = filesOfField(facts, 'smoke');
  return {
    ...(packageManager === undefined ? {} : { $schema: manifestSchemaId }),
    schema: 1,
    target: facts.identifier,
    slurmVersion: facts.target.version,
    ...(facts.source === undefined ? {} : { source: plainSource(facts.source) }),
    ...(facts.environment === undefined ? {} : { environment: plainEnvironment(facts.environment) }),
    toolchain: facts.target.toolchain,
    arch: facts.target.arch,
    gpu: facts.target.gpu,
    dependencies: facts.dependencies,
    ...(facts.externals === undefined || facts.externals.length === 0
      ? {}
      : { externals: [...facts.externals] }),
    contentKey: facts.contentKey,
    spack: { commit: facts.spackCommit, packagesCommit: facts.packagesCommit },
    builder: facts.builder,
    specs: [...facts.specs].sort((a, b) => (a.name < b.name ? -1 : 1)),
    runtimePackages,
    ...(packageManager === undefined
      ? {}
      : { runtimeInstall: installLine(distroOf(packageManager), runtimePackages) }),
    ...(dependencies === 'system'
      ? {}
      : { glibc: platform.replace('glibc', ''), libraries: [...facts.libraries] }),
    ...(facts.packages === undefined || facts.packages.length === 0 ? {} : { packages: [...facts.packages] }),
    ...(facts.configure === undefined || facts.configure.length === 0
      ? {}
      : { configure: [...facts.configure] }),
    files: filesOfField(facts, 'files'),
    ...(sbom === undefined ? {} : { sbom }),
    ...(smoke === undefined ? {} : { smoke }),
  };
}

// In one order, without fields that have no value.
const plainSource = ({ repository, tag, commit, archive, sha256, patches }: CustomSource) => ({
  ...(repository === undefined ? {} : { repository }),
  ...(tag === undefined ? {} : { tag }),
  ...(commit === undefined ? {} : { commit }),
  ...(archive === undefined ? {} : { archive }),
  ...(sha256 === undefined ? {} : { sha256 }),
  patches: patches.map((patch) => ({ name: patch.name, sha256: patch.sha256 })),
});

const filesOfField = (
  { identifier, files }: ManifestContent,
  field: 'files' | 'sbom' | 'smoke',
): BundleFile[] => files.filter(({ name }) => itemOf(identifier, name)?.named === field).map(plain);

/** Name, size and sum of all files that a manifest names. */
export const namedFiles = ({ files, sbom, smoke }: Manifest): BundleFile[] => [
  ...files,
  ...(sbom === undefined ? [] : [sbom]),
  ...(smoke === undefined ? [] : [smoke]),
];

const plain = ({ name, size, sha256 }: BundleFile): BundleFile => ({ name, size, sha256 });

// Lists that may be written to, as the schema has them, and nothing without a value.
const plainEnvironment = (summary: OwnSummary): Manifest['environment'] =>
  JSON.parse(JSON.stringify(summary));
