import type { BuiltRelease, CustomSource } from '../targets/source.js';
import type { SpdxPackage } from './spdx.js';

/** What an SBOM says of where Slurm's source is from. */

const unknown = 'NOASSERTION';
const official = 'https://github.com/SchedMD/slurm';
const ownChanges = "built with the changes of slurm-factory's recipe, spack-repo/.";

type Origin = Pick<SpdxPackage, 'supplier' | 'downloadLocation' | 'checksums' | 'sourceInfo'> & {
  /** Package URLs. */
  readonly purls: readonly string[];
};

/** Supplier, place, sums and names of Slurm's source. */
export function slurmSource(release: BuiltRelease): Origin {
  if (release.source !== undefined) return customOrigin(release.version, release.source);
  return {
    supplier: 'Organization: SchedMD',
    downloadLocation: `${official}/archive/${release.tag}.tar.gz`,
    checksums: [{ algorithm: 'SHA256', checksumValue: release.archiveSha256 }],
    sourceInfo: `Tag ${release.tag}, commit ${release.commit}; ${ownChanges}`,
    purls: [`pkg:github/schedmd/slurm@${release.tag}`],
  };
}

function customOrigin(version: string, source: CustomSource): Origin {
  const { repository, tag, commit, archive, sha256 } = source;
  const ours = repository?.replace(/\.git$/, '') === official;
  const vcs = repository === undefined ? undefined : `git+${repository}@${commit}`;
  const words = [
    ...(tag === undefined ? [] : [`tag ${tag}`]),
    ...(commit === undefined ? [] : [`commit ${commit}`]),
    ...(sha256 === undefined ? [] : [`archive with sha256 ${sha256}`]),
    ...source.patches.map((patch) => `patch ${patch.name} with sha256 ${patch.sha256}`),
  ];
  const text = `${words.join(', ')}; ${ownChanges}`;
  return {
    supplier: ours ? 'Organization: SchedMD' : unknown,
    downloadLocation: vcs ?? archive ?? unknown,
    ...(sha256 === undefined ? {} : { checksums: [{ algorithm: 'SHA256', checksumValue: sha256 }] }),
    sourceInfo: text.charAt(0).toUpperCase() + text.slice(1),
    purls: ours
      ? [`pkg:github/schedmd/slurm@${tag ?? commit}`]
      : [`pkg:generic/slurm@${version}${qualifiers({ vcs_url: vcs, download_url: archive, sha256 })}`],
  };
}

function qualifiers(values: {
  readonly vcs_url: string | undefined;
  readonly download_url: string | undefined;
  readonly sha256: string | undefined;
}): string {
  const { sha256, ...addresses } = values;
  // In the order of their names, as the form asks for.
  const all = { checksum: sha256 && `sha256:${sha256}`, ...addresses };
  const given = Object.entries(all)
    .filter((entry): entry is [string, string] => entry[1] !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const text = given.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
  return text === '' ? '' : `?${text}`;
}

/** The patches that a user had applied, each a package of its own. */
export const patchPackages = ({ source }: BuiltRelease): SpdxPackage[] =>
  (source?.patches ?? []).map(({ name, sha256 }, index) => ({
    SPDXID: `SPDXRef-Patch-${index + 1}-${sha256.slice(0, 12)}`,
    name,
    versionInfo: unknown,
    packageFileName: name,
    primaryPackagePurpose: 'SOURCE',
    supplier: unknown,
    downloadLocation: unknown,
    filesAnalyzed: false,
    checksums: [{ algorithm: 'SHA256', checksumValue: sha256 }],
    licenseConcluded: unknown,
    licenseDeclared: unknown,
  }));
