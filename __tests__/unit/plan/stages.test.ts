import { describe, expect, test } from '@jest/globals';
import type { Sharing } from '../../../src/config/plan-inputs.js';
import type { Selectable } from '../../../src/plan/selectors.js';
import { type Staged, scheduleOf } from '../../../src/plan/stages.js';
import { keyedLeg, work } from '../../support/plan.js';

type Leg = ReturnType<typeof keyedLeg>;
const both = (change: Partial<Selectable>): Leg[] =>
  (['bundled', 'system'] as const).map((dependencies) => keyedLeg({ ...change, dependencies }));
const versions = ['24.11.6', '25.05.8'];
/** Two releases × none and cuda × bundled and system. */
const eight = versions.flatMap((version) =>
  (['none', 'cuda'] as const).flatMap((gpu) => both({ version, gpu })),
);
const ofStage = (legs: readonly Staged<Leg>[], stage: number) =>
  legs.filter((leg) => leg.stage === stage).map(({ leg }) => leg.name);

test('without sharing there is one stage, and each leg builds all that it needs', () => {
  const schedule = scheduleOf(eight, 'none', work);
  expect(schedule).toMatchObject({ stages: 1, compiles: 8, packages: 8 * 3 + 4 });
  // 10 fresh, 40 of other stages, 2 small packages, Slurm.
  expect(schedule.legs[0]).toMatchObject({ stage: 0, after: [], seconds: 152 });
});

test('legs that differ in dependencies alone are one compile', () => {
  const schedule = scheduleOf(eight, 'compiles', work);
  expect(schedule).toMatchObject({ stages: 2, compiles: 4, packages: 4 * 3 + 2 });
  expect(ofStage(schedule.legs, 0)).toHaveLength(4);
  for (const { stage, builds, after, seconds } of schedule.legs.filter((leg) => leg.stage > 0)) {
    expect({ stage, builds, after: after.length, seconds }).toEqual({
      ...{ stage: 1, builds: [], after: 1 },
      seconds: 10 + 30 + 5,
    });
  }
});

test('all: what has most packages leads, releases and kinds of GPU share all but Slurm, a series shares ccache', () => {
  const schedule = scheduleOf(eight, 'all', work);
  expect(schedule).toMatchObject({ stages: 4, compiles: 4 });
  // compiler-wrapper, gcc-runtime and nvml once, Slurm four times.
  expect(schedule.packages).toBe(3 + 4);
  expect(ofStage(schedule.legs, 0)).toEqual(['slurm-25.05.8-bookworm-amd64-bundled-cuda']);
  expect(ofStage(schedule.legs, 1).sort()).toEqual([
    'slurm-24.11.6-bookworm-amd64-bundled-cuda',
    'slurm-25.05.8-bookworm-amd64-bundled',
    'slurm-25.05.8-bookworm-amd64-system-cuda',
  ]);
  const [first] = schedule.legs;
  expect(first).toMatchObject({ builds: ['compiler-wrapper', 'gcc-runtime', 'nvml', 'slurm'], seconds: 152 });
});

test('ccache saves a later release of a series what it saved when it was measured', () => {
  const legs = ['24.11.6', '24.11.7'].map((version) => keyedLeg({ version }));
  const schedule = scheduleOf(legs, 'all', work);
  expect(schedule.legs.map(({ leg, seconds }) => [leg.version, seconds])).toEqual([
    ['24.11.7', 152],
    ['24.11.6', 110],
  ]);
});

describe.each<Sharing>(['all', 'compiles'])('%s', (sharing) => {
  const toolchains = ['bookworm', 'noble', 'trixie'];
  const archs = ['amd64', 'arm64'] as const;
  const many = toolchains.flatMap((toolchain) =>
    archs.flatMap((arch) =>
      ['24.11.6', '24.11.7', '25.05.8'].flatMap((version) =>
        (['none', 'cuda', 'all'] as const).flatMap((gpu) => both({ toolchain, arch, version, gpu })),
      ),
    ),
  );
  const { legs } = scheduleOf(many, sharing, work);

  test('every leg is there once', () => {
    expect(legs).toHaveLength(many.length);
    expect(new Set(legs.map(({ leg }) => leg)).size).toBe(many.length);
  });

  test('each leg comes after those whose packages it uses, in a later stage', () => {
    for (const { after, stage } of legs) {
      for (const before of after) expect(legs[before]?.stage).toBeLessThan(stage);
    }
  });

  test('nothing that is shared is built twice', () => {
    const built = legs.flatMap(({ leg, builds }) =>
      builds.map((name) => (name === 'slurm' ? `slurm ${leg.compileKey}` : `${name} ${leg.platform}`)),
    );
    const shared = sharing === 'all' ? built : built.filter((name) => name.startsWith('slurm '));
    expect(new Set(shared).size).toBe(shared.length);
  });

  test('each leg that does not compile waits for the one that does', () => {
    for (const { leg, builds, after } of legs.filter(({ builds }) => !builds.includes('slurm'))) {
      expect(builds).toEqual([]);
      const makers = after.map((index) => legs[index]);
      expect(makers.some((maker) => maker?.leg.compileKey === leg.compileKey)).toBe(true);
    }
  });
});

test('nothing makes nothing', () => {
  expect(scheduleOf([], 'all', work)).toEqual({ legs: [], stages: 0, packages: 0, compiles: 0 });
});
