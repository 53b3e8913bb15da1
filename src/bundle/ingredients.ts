import { z } from 'zod';
import { parseJson } from '../base/json.js';
import type { Command } from '../distro/distro.js';
import { distroOf } from '../distro/distros.js';
import type { Toolchain } from '../targets/toolchains.js';

/** Readers of what went into a tarball: Spack's recipes and the distribution's packages. */

/** What a recipe says of a package. */
export interface Recipe {
  /** SPDX expression, as the recipe has it. */
  readonly licence: string | undefined;
  /** Address of the source archive. */
  readonly source: string | undefined;
  readonly sha256: string | undefined;
}

// Spack writes `checksum` where SPDX wants `checksums`.
const spackSbomSchema = z.object({
  packages: z.array(
    z.object({
      name: z.string(),
      versionInfo: z.string(),
      downloadLocation: z.string(),
      licenseDeclared: z.string(),
      checksum: z.array(z.object({ algorithm: z.string(), checksumValue: z.string() })).default([]),
    }),
  ),
});

/** Packages that are archives, which plugins of Slurm take in. */
export const takenIn: readonly string[] = ['s2n'];

/** Where Spack keeps its own SPDX document in an installed prefix; Spack before 1.2 writes none. */
export const spackSbomPath = '.spack/sbom/spdx-2.3.json';

/**
 * What the recipes say, by `name@version`, from the document that Spack leaves in the root's prefix. It
 * lists the whole graph below the root. As an SPDX document it is not valid, so it is only read for facts.
 * @param text undefined where Spack left none
 */
export function parseRecipes(text: string | undefined): Map<string, Recipe> {
  const parsed = spackSbomSchema.safeParse(text === undefined ? undefined : parseJson(text));
  const known = (value: string) => (value === 'NOASSERTION' || value === '' ? undefined : value);
  return new Map(
    (parsed.data?.packages ?? []).map((item) => [
      `${item.name}@${item.versionInfo}`,
      {
        licence: known(item.licenseDeclared),
        source: known(item.downloadLocation),
        sha256: item.checksum.find(({ algorithm }) => algorithm === 'SHA256')?.checksumValue,
      },
    ]),
  );
}

type Packages = Pick<Toolchain, 'packageManager' | 'compiler' | 'dependencies' | 'tools'>;

/** The distribution's package by the name of Spack's external. */
export function packagesOfExternals(toolchain: Packages): Map<string, string> {
  const { compiler } = toolchain;
  const distro = distroOf(toolchain.packageManager);
  return new Map([
    [compiler.name, distro.compilerPackage(compiler.name, compiler.version.replace(/\..*$/, ''))],
    ['glibc', distro.glibc.development],
    ...[...toolchain.dependencies, ...toolchain.tools].map((item) => [item.spec, item.package] as const),
  ]);
}

/** Command that tells of the distribution's packages; one that is not installed makes it fail, and is left out. */
export function distributionCommand(toolchain: Packages, runtimePackages: readonly string[]): Command {
  const names = new Set([...packagesOfExternals(toolchain).values(), ...runtimePackages]);
  return distroOf(toolchain.packageManager).distributionCommand([...names].sort());
}

/** Orders texts by code unit, the same on every machine. */
export const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
