import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Job, jobsOf, makespanOf } from '../../../src/plan/simulate.js';
import { simulate, simulationHead, simulationRows } from '../../../src/plan/simulation.js';
import { scheduleOf } from '../../../src/plan/stages.js';
import { keyedLeg, work } from '../../support/plan.js';

const job = (seconds: number, after: readonly number[] = [], stage = 0): Job => ({ seconds, after, stage });

test.each<[string, Job[], number, { list: number; staged: number; bound: number }]>([
  ['nothing', [], 3, { list: 0, staged: 0, bound: 0 }],
  ['one job', [job(5)], 3, { list: 5, staged: 5, bound: 5 }],
  ['four on one runner', [job(1), job(2), job(3), job(4)], 1, { list: 10, staged: 10, bound: 10 }],
  ['the longest first', [job(1), job(1), job(2)], 2, { list: 2, staged: 2, bound: 2 }],
  // 3 of 4 s on 2: one runner has two whole ones.
  ['jobs that are not parted', [job(4), job(4), job(4)], 2, { list: 8, staged: 8, bound: 8 }],
  ['a way', [job(3), job(2, [0], 1), job(1, [1], 2)], 9, { list: 6, staged: 6, bound: 6 }],
  // The twin of the short one need not wait for the long one.
  ['a barrier', [job(4), job(1), job(3, [1], 1)], 2, { list: 4, staged: 7, bound: 4 }],
  // One runner works alone for 4 s, whatever the others do.
  [
    'a leader',
    [job(4), ...Array.from({ length: 4 }, () => job(4, [0], 1))],
    4,
    { list: 8, staged: 8, bound: 8 },
  ],
])('%s', (_, jobs, runners, expected) => {
  expect(makespanOf(jobs, runners)).toEqual({ runners, ...expected });
});

/** Jobs that come after such as stand before them. */
const anyJobs = fc
  .array(
    fc.record({ seconds: fc.integer({ min: 1, max: 50 }), links: fc.array(fc.nat(30), { maxLength: 2 }) }),
    {
      maxLength: 30,
    },
  )
  .map((drafts) => {
    const jobs: Job[] = [];
    for (const { seconds, links } of drafts) {
      const after = [...new Set(links)].filter((index) => index < jobs.length);
      const stage = Math.max(-1, ...after.map((index) => jobs[index]?.stage ?? 0)) + 1;
      jobs.push({ seconds, after, stage });
    }
    return jobs;
  });

describe('of any jobs', () => {
  test('no schedule is below the bound, list scheduling is below twice of it, and stages only wait longer', () => {
    fc.assert(
      fc.property(anyJobs, fc.integer({ min: 1, max: 8 }), (jobs, runners) => {
        const { list, staged, bound } = makespanOf(jobs, runners);
        expect(list).toBeGreaterThanOrEqual(bound);
        expect(list).toBeLessThanOrEqual((2 - 1 / runners) * bound + 1e-9);
        expect(staged).toBeGreaterThanOrEqual(bound);
      }),
      { numRuns: 300 },
    );
  });

  test('the bound is no more than what trying all orders finds', () => {
    const best = (jobs: readonly Job[], runners: number): number => {
      let found = Number.POSITIVE_INFINITY;
      const go = (done: ReadonlyMap<number, number>, free: readonly number[], last: number) => {
        if (last >= found) return;
        if (done.size === jobs.length) {
          found = last;
          return;
        }
        for (const [index, { seconds, after }] of jobs.entries()) {
          if (done.has(index) || after.some((before) => !done.has(before))) continue;
          const [first = 0, ...rest] = free;
          const end = Math.max(first, ...after.map((before) => done.get(before) ?? 0)) + seconds;
          go(
            new Map([...done, [index, end]]),
            [...rest, end].sort((a, b) => a - b),
            Math.max(last, end),
          );
        }
      };
      go(
        new Map(),
        Array.from({ length: runners }, () => 0),
        0,
      );
      return found === Number.POSITIVE_INFINITY ? 0 : found;
    };
    fc.assert(
      fc.property(
        anyJobs.filter((jobs) => jobs.length <= 6),
        fc.integer({ min: 1, max: 3 }),
        (jobs, runners) => {
          expect(makespanOf(jobs, runners).bound).toBeLessThanOrEqual(best(jobs, runners) + 1e-9);
        },
      ),
      { numRuns: 60 },
    );
  });
});

test('a simulation has a row for each number of runners, in minutes', () => {
  const legs = (['bundled', 'system'] as const).map((dependencies) => keyedLeg({ dependencies }));
  const schedules = { alone: scheduleOf(legs, 'none', work), shared: scheduleOf(legs, 'all', work) };
  expect(jobsOf(schedules.shared.legs)).toEqual([job(152), job(45, [0], 1)]);
  const rows = simulationRows(simulate(schedules, [1, 5]));
  expect(rows).toEqual([
    ['1', '5.1', '5.1', '1.00', '3.3', '3.3', '1.00', '3.3', '1.00'],
    ['5', '2.5', '2.5', '1.00', '3.3', '3.3', '1.00', '3.3', '1.00'],
  ]);
  expect(rows[0]).toHaveLength(simulationHead.length);
});
