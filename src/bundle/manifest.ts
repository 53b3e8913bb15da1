import { z } from 'zod';
import type { Target } from '../targets/identifier.js';
import type { BundleFile } from './sums.js';

const bundleFile = z.object({
  name: z.string(),
  size: z.number().int().describe('bytes'),
  sha256: z.string().describe('lower-case hex'),
});

/** Names the schema, whatever address it is read from; `$schema` of a manifest and `$id` of the schema. */
export const manifestSchemaId = 'urn:slurm-factory:manifest:1';

export const manifestSchema = z.object({
  $schema: z.string().optional().describe('names the JSON Schema of this document'),
  schema: z.literal(1).describe('raised when a field changes its meaning; new fields may come without it'),
  target: z.string().describe('identifier of the target, slurm-<release>-<toolchain>-<arch>[-<gpu>]'),
  slurmVersion: z.string(),
  toolchain: z.string().describe('distribution that the tarball runs on'),
  arch: z.string().describe('amd64 or arm64'),
  gpu: z.string().describe('none, cuda or rocm'),
  dependencies: z.string().describe('what Slurm links: system or self-contained'),
  contentKey: z.string().describe('sha256 over all that decides the bytes of the tarballs'),
  spack: z.object({ commit: z.string(), packagesCommit: z.string() }).describe('commits of Spack'),
  builder: z.string().describe('digest of the builder image, whose libraries were linked'),
  specs: z
    .array(
      z.object({
        name: z.string(),
        version: z.string(),
        hash: z.string().describe("Spack's hash in the graph, 32 characters"),
        external: z
          .string()
          .optional()
          .describe("prefix of the distribution's own package; absent for what Spack built"),
      }),
    )
    .describe('all concrete specs of the lock, by name'),
  runtimePackages: z
    .array(z.string())
    .describe('packages of the distribution that the tarball needs where it runs'),
  runtimeInstall: z.string().optional().describe('the command that installs runtimePackages'),
  files: z.array(bundleFile).describe('the tarballs and the installer'),
  sbom: bundleFile.optional().describe('the SPDX document of the software tarball'),
});

/** What `manifest.json` says of a target's tarballs. */
export type Manifest = z.infer<typeof manifestSchema>;

export type PackageManager = 'dpkg' | 'rpm';

export interface ManifestFacts {
  readonly target: Target;
  readonly identifier: string;
  readonly dependencies: string;
  readonly contentKey: string;
  readonly spackCommit: string;
  readonly packagesCommit: string;
  readonly builder: string;
  readonly specs: Manifest['specs'];
  readonly runtimePackages: readonly string[];
  readonly files: readonly BundleFile[];
  /** The distribution's package manager; without it the manifest has no command. */
  readonly packageManager?: PackageManager;
  readonly sbom?: BundleFile;
}

/** Puts the manifest together; the same facts give the same text. */
export function makeManifest(facts: ManifestFacts): Manifest {
  const runtimePackages = [...facts.runtimePackages].sort();
  const { packageManager, sbom } = facts;
  return {
    ...(packageManager === undefined ? {} : { $schema: manifestSchemaId }),
    schema: 1,
    target: facts.identifier,
    slurmVersion: facts.target.version,
    toolchain: facts.target.toolchain,
    arch: facts.target.arch,
    gpu: facts.target.gpu,
    dependencies: facts.dependencies,
    contentKey: facts.contentKey,
    spack: { commit: facts.spackCommit, packagesCommit: facts.packagesCommit },
    builder: facts.builder,
    specs: [...facts.specs].sort((a, b) => (a.name < b.name ? -1 : 1)),
    runtimePackages,
    ...(packageManager === undefined ? {} : { runtimeInstall: installLine(packageManager, runtimePackages) }),
    files: facts.files.map(plain),
    ...(sbom === undefined ? {} : { sbom: plain(sbom) }),
  };
}

/** The command that installs packages of the distribution, as root. */
export function installLine(manager: PackageManager, packages: readonly string[]): string {
  const command =
    manager === 'dpkg' ? 'apt-get install --yes --no-install-recommends' : 'dnf install --assumeyes';
  return [command, ...packages].join(' ');
}

const plain = ({ name, size, sha256 }: BundleFile): BundleFile => ({ name, size, sha256 });
