import { expect, test } from '@jest/globals';
import { chunksOf, entryOf, matrixOutputs, mostJobs, stagesOf } from '../../../src/plan/matrix.js';
import { type Plan, planOf, skippedOf } from '../../../src/plan/plan.js';
import { legHead, legRows, planPicture, planSentences } from '../../../src/plan/show.js';
import { scheduleOf } from '../../../src/plan/stages.js';
import { keyedLeg, work } from '../../support/plan.js';

const nothing = { deselected: 0, cached: 0, released: 0 };
const planFor = (
  legs: readonly ReturnType<typeof keyedLeg>[],
  skipped: Plan['skipped'] = nothing,
  notices: string[] = [],
) =>
  planOf(scheduleOf(legs, 'all', work), scheduleOf(legs, 'none', work), { skipped, released: [], notices });
const two = planFor((['bundled', 'system'] as const).map((dependencies) => keyedLeg({ dependencies })));
const many = (count: number) =>
  planFor(
    Array.from({ length: count }, (_, index) =>
      keyedLeg({ version: `24.11.${index}`, toolchain: `t${index}` }),
    ),
  );

test('a leg is an entry with all that its job needs, by the names of the inputs', () => {
  expect(matrixOutputs(two)).toEqual({
    ...{ count: '2', empty: 'false', chunks: '1', stages: '2' },
    matrix: expect.any(String),
    'matrix-0': expect.any(String),
    'stage-0': expect.any(String),
    'stage-1': expect.any(String),
  });
  expect(JSON.parse(matrixOutputs(two)['stage-0'] ?? '')).toEqual({
    include: [
      {
        identifier: 'slurm-24.11.6-glibc2.34-amd64',
        name: 'slurm-24.11.6-bookworm-amd64-bundled',
        ...{ arch: 'amd64', stage: 0, 'runs-on': 'ubuntu-24.04', minutes: 2.5 },
        'content-key': 'c'.repeat(64),
        ...{ 'slurm-version': '24.11.6', toolchain: 'bookworm', gpu: 'none' },
      },
    ],
  });
});

test('several labels are a list, as runs-on takes it', () => {
  const [leg] = two.legs;
  if (leg === undefined) throw new Error('no leg');
  expect(entryOf({ ...leg, runsOn: ['self-hosted', 'gpu'] })).toMatchObject({
    'runs-on': ['self-hosted', 'gpu'],
  });
});

test('no matrix has more than 256 legs, and none is lost', () => {
  const plan = many(600);
  const chunks = chunksOf(plan);
  expect(chunks.map(({ include }) => include.length)).toEqual([256, 256, 88]);
  const all = chunks.flatMap(({ include }) => include.map(({ identifier }) => identifier));
  expect(all).toEqual(plan.legs.map(({ identifier }) => identifier));
  expect(stagesOf(plan).every(({ include }) => include.length <= mostJobs)).toBe(true);
  expect(stagesOf(plan).flatMap(({ include }) => include)).toHaveLength(600);
  const outputs = matrixOutputs(plan);
  // Who reads this one alone has an error, not a part.
  expect(outputs).toMatchObject({ matrix: '', chunks: '3', stages: '3', count: '600' });
  expect(outputs['matrix-2']).toContain('"include"');
});

test('an empty plan says so', () => {
  const empty = planFor([], { deselected: 1, cached: 2, released: 3 });
  expect(matrixOutputs(empty)).toEqual({
    matrix: '{"include":[]}',
    ...{ count: '0', empty: 'true', chunks: '0', stages: '0' },
  });
  expect(skippedOf(empty)).toBe(6);
  expect(planSentences(empty)).toEqual([
    'Nothing to do.',
    'Left out: 1 not selected, 2 in the result cache, 3 in the earlier release.',
  ]);
});

test('a plan for people', () => {
  expect(legRows(two)).toEqual([
    [
      '0',
      'slurm-24.11.6-glibc2.34-amd64',
      'bookworm',
      'ubuntu-24.04',
      'compiler-wrapper gcc-runtime slurm',
      '2.5',
      'cccccccccccc',
    ],
    ['1', 'slurm-24.11.6-bookworm-amd64', 'bookworm', 'ubuntu-24.04', 'nothing', '0.8', 'cccccccccccc'],
  ]);
  expect(legRows(two)[0]).toHaveLength(legHead.length);
  expect(planSentences({ ...two, notices: ['Look.'] })).toEqual([
    '2 legs in 2 stages.',
    'With sharing 3 package builds, Slurm 1 time, 3.3 minutes of work; without 6 package builds, Slurm 2 times, 5.1 minutes.',
    'Look.',
  ]);
});

test('the picture has a box for each leg, or for each release of many, and nothing of a text is Mermaid', () => {
  expect(planPicture(two)).toBe(
    [
      'graph LR',
      '  subgraph s0["stage 0, 1 leg"]',
      '    s0l0["slurm-24.11.6-glibc2.34-amd64 (2.5 min)"]',
      '  end',
      '  subgraph s1["stage 1, 1 leg"]',
      '    s1l0["slurm-24.11.6-bookworm-amd64 (0.8 min)"]',
      '  end',
      '  s0 --> s1',
    ].join('\n'),
  );
  const [leg] = two.legs;
  if (leg === undefined) throw new Error('no leg');
  const odd = { legs: [{ ...leg, identifier: 'a"]; click b' }], stages: 1 };
  expect(planPicture(odd)).toContain('["a#34;#93;#59; click b (2.5 min)"]');
  const lines = planPicture(many(300)).split('\n');
  expect(lines).toContain('    s0l0["24.11.299: 1 leg"]');
});
