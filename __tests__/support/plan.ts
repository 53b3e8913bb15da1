import type { Candidate } from '../../src/plan/candidates.js';
import type { KeyedLeg } from '../../src/plan/plan.js';
import type { Selectable } from '../../src/plan/selectors.js';
import { workOf } from '../../src/plan/work.js';
import { defaultChoice } from '../../src/targets/feature-choice.js';
import { measuredBuilds, release } from './fakes.js';

/** Small legs for the tests of plans. */

export const work = workOf(measuredBuilds);

/** A leg by what selectors look at; named as a plan names it. */
export function selectable(change: Partial<Selectable> = {}): Selectable {
  const preset = { version: '24.11.6', toolchain: 'bookworm', arch: 'amd64', features: 'default' } as const;
  const leg = { ...preset, dependencies: 'bundled' as const, gpu: 'none' as const, ...change };
  const { version, toolchain, arch, dependencies, gpu } = leg;
  const end = gpu === 'none' ? '' : `-${gpu}`;
  const platform = dependencies === 'system' ? toolchain : 'glibc2.34';
  return {
    identifier: `slurm-${version}-${platform}-${arch}${end}`,
    name: `slurm-${version}-${toolchain}-${arch}-${dependencies}${end}`,
    series: version.split('.').slice(0, 2).join('.'),
    ...leg,
  };
}

export function keyedLeg(change: Partial<Selectable> = {}): KeyedLeg & Candidate {
  const leg = selectable(change);
  const platform = `${leg.toolchain} ${leg.arch}`;
  return {
    ...{ ...leg, platform, release: release(leg.version), choice: defaultChoice },
    compileKey: `${platform} ${leg.version} ${leg.gpu}`,
    line: `${platform} ${leg.series}`,
    contentKey: 'c'.repeat(64),
    runsOn: ['ubuntu-24.04'],
    inputs: { 'slurm-version': leg.version, toolchain: leg.toolchain, gpu: leg.gpu },
  };
}
