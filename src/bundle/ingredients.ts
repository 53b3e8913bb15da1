import { z } from 'zod';
import { PackagingError } from '../base/errors.js';
import { parseJson } from '../base/json.js';
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

/** A package of the distribution, as it was installed in the builder. */
export interface DistributionPackage {
  readonly name: string;
  /** The distribution's whole version; an epoch only in front of dpkg's. */
  readonly version: string;
  /** rpm's epoch, where there is one. */
  readonly epoch: string | undefined;
  readonly arch: string;
  /** Source package, with its version. */
  readonly source: string;
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

type Packages = Pick<Toolchain, 'packages' | 'compiler' | 'dependencies' | 'tools'>;

/** The distribution's package by the name of Spack's external. */
export function packagesOfExternals(toolchain: Packages): Map<string, string> {
  const { compiler, packages } = toolchain;
  const major = compiler.version.replace(/\..*$/, '');
  return new Map([
    // dpkg's `gcc` is an empty package that stands for this one.
    [compiler.name, packages === 'dpkg' ? `${compiler.name}-${major}` : compiler.name],
    ['glibc', packages === 'dpkg' ? 'libc6-dev' : 'glibc-devel'],
    ...[...toolchain.dependencies, ...toolchain.tools].map((item) => [item.spec, item.package] as const),
  ]);
}

/** Command that lists the distribution's packages; one that is not installed makes it fail, and is left out. */
export function distributionCommand(
  toolchain: Packages,
  runtimePackages: readonly string[],
): [string, ...string[]] {
  const names = [...new Set([...packagesOfExternals(toolchain).values(), ...runtimePackages])].sort();
  const fields = (...parts: string[]) => `${parts.join('\\t')}\\n`;
  return toolchain.packages === 'dpkg'
    ? [
        'dpkg-query',
        '--show',
        '--showformat',
        fields('${Package}', '', '${Version}', '${Architecture}', '${source:Package} ${source:Version}'),
        ...names,
      ]
    : [
        'rpm',
        '--query',
        '--queryformat',
        fields('%{NAME}', '%{EPOCHNUM}', '%{VERSION}-%{RELEASE}', '%{ARCH}', '%{SOURCERPM}'),
        ...names,
      ];
}

/**
 * Reads what `distributionCommand` printed, by the packages' names.
 * @throws PackagingError when it printed none
 */
export function parseDistribution(text: string): Map<string, DistributionPackage> {
  const found = text.split('\n').flatMap((line) => {
    const [name, epoch, version, arch, source] = line.split('\t');
    if (!name || !version || arch === undefined || source === undefined) return [];
    return [
      [name, { name, version, epoch: epoch && epoch !== '0' ? epoch : undefined, arch, source }] as const,
    ];
  });
  if (found.length > 0) return new Map(found);
  throw new PackagingError(
    "The package manager listed none of the distribution's packages.",
    'Remove the builder image, so that it is made again.',
  );
}

/** A package URL (purl): `pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=amd64&distro=debian-12` */
export function packageUrl(
  { packages, os }: Pick<Toolchain, 'packages' | 'os'>,
  item: DistributionPackage,
): string {
  const encode = (word: string) => encodeURIComponent(word).replaceAll('%3A', ':');
  const qualifiers = [`arch=${item.arch}`, `distro=${os.id}-${os.version}`];
  if (item.epoch !== undefined) qualifiers.push(`epoch=${item.epoch}`);
  const type = packages === 'dpkg' ? 'deb' : 'rpm';
  return `pkg:${type}/${os.id}/${encode(item.name)}@${encode(item.version)}?${qualifiers.join('&')}`;
}

/** Orders texts by code unit, the same on every machine. */
export const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
