import type { IndexTarget, ReleaseIndex } from '../../src/publish/index-file.js';
import { targetNamed } from './fakes.js';
import { known } from './release.js';

/** A target of an index, by its identifier. */
export function indexTarget(identifier: string, change: Partial<IndexTarget> = {}): IndexTarget {
  const { version, source, dependencies, platform, toolchain, gpu, arch, features } = targetNamed(identifier);
  const distribution = known.distribution(toolchain);
  return {
    ...{ identifier, contentKey: 'f'.repeat(64), slurmVersion: version, dependencies, platform, arch, gpu },
    ...(dependencies === 'system' ? {} : { glibc: platform.replace('glibc', '') }),
    ...(distribution === undefined ? {} : { distribution }),
    ...(features === undefined ? {} : { choice: features }),
    ...(source === undefined ? {} : { source: true }),
    ...{ features: [], tested: true, signed: false, packages: [] },
    files: ['software.tar.gz', 'modules.tar.gz', 'install.sh', 'SHA256SUMS'].map((end) => ({
      name: `${identifier}-${end}`,
      size: 6_000_000,
      sha256: 'a'.repeat(64),
    })),
    ...change,
  };
}

/** An index of targets by their identifiers. */
export function indexOf(
  targets: readonly (string | IndexTarget)[],
  change: Partial<ReleaseIndex> = {},
): ReleaseIndex {
  const all = targets.map((target) => (typeof target === 'string' ? indexTarget(target) : target));
  const versions = [...new Set(all.map(({ slurmVersion }) => slurmVersion))];
  return {
    ...{ schema: 1, name: 'v1', targets: all, missing: [] },
    releases: versions.map((version) => ({
      ...{ version, series: version.slice(0, 5), vulnerabilities: [], mendedIn: [] },
    })),
    ...change,
  };
}
