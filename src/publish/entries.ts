import type { SoundResult } from '../bundle/check.js';
import { broughtPackages, type Manifest } from '../bundle/manifest.js';
import { type Advisory, knownAgainst } from '../targets/advisories.js';
import { parseTarget } from '../targets/identifier.js';
import type { Release } from '../targets/releases.js';
import type { Support } from '../targets/support.js';
import { byPreference } from './choose.js';
import { type IndexRelease, type IndexTarget, indexSchemaId, type ReleaseIndex } from './index-file.js';

/** A result that was verified. */
export interface VerifiedResult extends SoundResult {
  readonly signed: boolean;
}

/** What is known beside the results. */
export interface Knowledge {
  readonly releases: readonly Release[];
  readonly advisories: readonly Advisory[];
  readonly support: readonly Support[];
  /** What a toolchain's distribution is called, by the toolchain's id; undefined for one that is not ours. */
  readonly distribution: (toolchain: string) => IndexTarget['distribution'];
}

export interface IndexFacts {
  readonly name: string;
  /** With a slash at its end. */
  readonly downloads: string | undefined;
  readonly page: string | undefined;
  readonly signing: ReleaseIndex['signing'];
  readonly results: readonly VerifiedResult[];
  readonly missing: readonly string[];
}

/** Puts an index together; the same facts give the same one, so that a second publisher writes the same bytes. */
export function makeIndex(facts: IndexFacts, known: Knowledge): ReleaseIndex {
  const { name, downloads, page, signing, results, missing } = facts;
  const targets = results.map((result) => targetEntry(result, known)).sort(byPreference);
  const versions = [...new Set(targets.map(({ slurmVersion }) => slurmVersion))];
  return {
    ...{ $schema: indexSchemaId, schema: 1, name },
    ...(downloads === undefined ? {} : { downloads }),
    ...(page === undefined ? {} : { page }),
    ...(signing === undefined ? {} : { signing }),
    releases: versions.map((version) => releaseEntry(version, known)),
    targets,
    missing: [...missing],
  };
}

function targetEntry({ manifest, files, signed }: VerifiedResult, known: Knowledge): IndexTarget {
  const name = parseTarget(manifest.target);
  const distribution = known.distribution(manifest.toolchain);
  return {
    identifier: manifest.target,
    contentKey: manifest.contentKey,
    slurmVersion: manifest.slurmVersion,
    dependencies: name?.dependencies ?? 'system',
    platform: name?.platform ?? manifest.toolchain,
    ...(manifest.glibc === undefined ? {} : { glibc: manifest.glibc }),
    ...(distribution === undefined ? {} : { distribution }),
    arch: manifest.arch,
    gpu: manifest.gpu,
    features: [...(manifest.features ?? [])],
    ...(name?.features === undefined ? {} : { choice: name.features }),
    ...(manifest.source === undefined ? {} : { source: true }),
    tested: manifest.smoke !== undefined,
    signed,
    packages: packagesOf(manifest),
    files: files.map(({ name: file, size, sha256 }) => ({ name: file, size, sha256 })),
  };
}

/** What Spack built, and what the libraries were taken from: each once, by name. */
function packagesOf(manifest: Manifest): IndexTarget['packages'] {
  const built = manifest.specs.filter(({ external }) => external === undefined);
  const all = new Map([...broughtPackages(manifest), ...built].map((item) => [item.name, item.version]));
  return [...all].map(([name, version]) => ({ name, version })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function releaseEntry(version: string, { releases, advisories, support }: Knowledge): IndexRelease {
  const series = version.split('.').slice(0, 2).join('.');
  const date = releases.find((release) => release.version === version)?.date.slice(0, 10);
  const until = support.find((own) => own.series === series)?.until;
  const against = knownAgainst({ version, series }, advisories);
  return {
    ...{ version, series },
    ...(date === undefined ? {} : { date }),
    ...(until === undefined ? {} : { supportUntil: until }),
    vulnerabilities: [...(against?.ids ?? [])],
    mendedIn: [...(against?.mended ?? [])],
  };
}
