import { z } from 'zod';
import { parseJson } from '../base/json.js';
import { compare } from './ingredients.js';
import type { Side } from './side.js';

/** A package that is in a software tarball, and its part of it. */
export interface PackageShare {
  readonly name: string;
  readonly version: string;
  /** SPDX expression; undefined where the SBOM states none, and the package's own statement is in the tarball. */
  readonly licence: string | undefined;
  readonly from: 'Spack' | 'distribution';
  readonly files: number;
  /** Of its files, unpacked. */
  readonly bytes: number;
}

/** What packages of one licence have together; undefined stands for those without a statement. */
export interface LicenceShare {
  readonly licence: string | undefined;
  readonly packages: readonly string[];
  readonly bytes: number;
}

/** Who is in a software tarball, the largest first. */
export interface Shares {
  readonly packages: readonly PackageShare[];
  readonly licences: readonly LicenceShare[];
  /** Bytes of licence texts that several packages refer to. */
  readonly commonTexts: number;
  /** Of all files. */
  readonly bytes: number;
}

const most = 10_000;
const text = z.string().max(500);
const sbomSchema = z.object({
  packages: z
    .array(z.object({ SPDXID: text, name: text, versionInfo: text, licenseDeclared: text }))
    .max(most),
  relationships: z
    .array(z.object({ spdxElementId: text, relationshipType: text, relatedSpdxElement: text }))
    .max(most),
});

const texts = 'share/licenses/';
const libraries = 'lib/bundled/';

/**
 * Who is in a software tarball: by the SBOM, which names the packages and their licences, by the manifest, which
 * says what each library is from, and by the files of the tarball. What belongs to no other package is Slurm's.
 * @returns undefined for a text that is no SBOM of ours
 */
export function sharesOf(
  sbom: string,
  manifest: NonNullable<Side['manifest']>,
  tree: NonNullable<Side['tree']>,
): Shares | undefined {
  const parsed = sbomSchema.safeParse(parseJson(sbom));
  if (!parsed.success) return undefined;
  const contained = new Set(
    parsed.data.relationships
      .filter(
        ({ spdxElementId: of, relationshipType: type }) => type === 'CONTAINS' && of === 'SPDXRef-Tarball',
      )
      .map(({ relatedSpdxElement }) => relatedSpdxElement),
  );
  const inside = parsed.data.packages.filter(({ SPDXID }) => contained.has(SPDXID));
  const names = new Set(inside.map(({ name }) => name));
  const owners = new Map(
    (manifest.libraries ?? []).map((library) => [library.name, library.package ?? library.spec ?? '']),
  );
  const ownerOf = (path: string): string => {
    const owner = path.startsWith(libraries)
      ? owners.get(path.slice(libraries.length))
      : path.startsWith(texts)
        ? path.slice(texts.length).split('/')[0]
        : 'slurm';
    return owner === 'common' || (owner !== undefined && names.has(owner)) ? owner : 'slurm';
  };
  const sizes = new Map<string, { files: number; bytes: number }>();
  for (const [path, bytes] of tree) {
    const owner = ownerOf(path);
    const known = sizes.get(owner) ?? { files: 0, bytes: 0 };
    sizes.set(owner, { files: known.files + 1, bytes: known.bytes + bytes });
  }
  const packages = inside
    .map(
      ({ SPDXID, name, versionInfo, licenseDeclared }): PackageShare => ({
        ...{ name, version: versionInfo },
        licence: licenseDeclared === 'NOASSERTION' ? undefined : licenseDeclared,
        from: SPDXID.startsWith('SPDXRef-Spec-') ? 'Spack' : 'distribution',
        ...(sizes.get(name) ?? { files: 0, bytes: 0 }),
      }),
    )
    .sort((a, b) => b.bytes - a.bytes || compare(a.name, b.name));
  return {
    packages,
    licences: byLicence(packages),
    commonTexts: sizes.get('common')?.bytes ?? 0,
    bytes: [...tree.values()].reduce((sum, bytes) => sum + bytes, 0),
  };
}

function byLicence(packages: readonly PackageShare[]): LicenceShare[] {
  const groups = new Map<string | undefined, PackageShare[]>();
  for (const one of packages) groups.set(one.licence, [...(groups.get(one.licence) ?? []), one]);
  return [...groups]
    .map(([licence, own]) => ({
      licence,
      packages: own.map(({ name }) => name),
      bytes: own.reduce((sum, { bytes }) => sum + bytes, 0),
    }))
    .sort((a, b) => b.bytes - a.bytes || compare(a.licence ?? '', b.licence ?? ''));
}
