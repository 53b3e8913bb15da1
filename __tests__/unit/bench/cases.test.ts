import { describe, expect, test } from '@jest/globals';
import {
  caseNames,
  type Measurements,
  needsTools,
  roundsOf,
  runCases,
  selectCases,
} from '../../../bench/cases.js';
import { coldFigures, results } from '../../support/bench.js';

describe('selectCases', () => {
  test('takes all without a word, and keeps their order', () => {
    expect(selectCases(undefined)).toEqual(caseNames);
    expect(selectCases('plain, cold')).toEqual(['cold', 'plain']);
  });

  test('brings the cold build along for what starts from it', () => {
    expect(selectCases('bare')).toEqual(['cold', 'bare']);
    expect(selectCases('plain,startup')).toEqual(['startup', 'plain']);
  });

  test('refuses a name that there is not', () => {
    expect(() => selectCases('cold,worm')).toThrow("there is no 'worm'; there are startup, first, cold, ");
    expect(() => selectCases('toString')).toThrow("there is no 'toString'");
  });

  test('only start-up goes without clones and images', () => {
    expect(caseNames.filter((name) => !needsTools(name))).toEqual(['startup']);
  });
});

test.each([
  ['startup', 1, 9],
  ['startup', 12, 12],
  ['cold', 1, 1],
  ['cold', 3, 3],
] as const)('%s with --repeat %d is measured %d times', (name, repeat, times) => {
  expect(roundsOf(name, repeat)).toBe(times);
});

describe('runCases', () => {
  const controller = new AbortController();
  const said: string[] = [];
  const course = { repeat: 1, say: (text: string) => void said.push(text), signal: controller.signal };
  const unwanted = () => Promise.reject(new Error('not asked for'));
  const measurements = (some: Partial<Measurements>): Measurements => ({
    ...(Object.fromEntries(caseNames.map((name) => [name, unwanted])) as unknown as Measurements),
    ...some,
  });

  test('keeps each round, and its median as the figure', async () => {
    const all = results({ cases: ['cold', 'install'], figures: {}, rounds: {} });
    const seconds = [5, 1, 9, 3, 2];
    const install = async () => ({ seconds: seconds.pop() ?? 0 });
    await runCases(measurements({ cold: async () => coldFigures(), install }), all, course);
    expect(all.failed).toEqual([]);
    expect(all.figures.install).toEqual({ seconds: 3 });
    expect(all.rounds.install?.map((round) => round.seconds)).toEqual([2, 3, 9, 1, 5]);
    expect(all.figures.cold).toEqual(coldFigures());
    expect(all.peakLoads.install).toBeGreaterThanOrEqual(0);
  });

  test('goes on behind a case that failed, and has none of its rounds', async () => {
    const all = results({ cases: ['cold', 'install', 'plain'], figures: {}, rounds: {} });
    let rounds = 0;
    const install = async () => {
      rounds += 1;
      if (rounds === 2) throw new Error('no room');
      return { seconds: 1 };
    };
    const plain = results().figures.plain;
    if (plain === undefined) throw new Error('the example lacks the plain way');
    const some = { cold: async () => coldFigures(), install, plain: async () => plain };
    await runCases(measurements(some), all, course);
    expect(all.failed).toEqual([{ name: 'install', message: 'no room' }]);
    expect(Object.keys(all.rounds)).toEqual(['cold', 'plain']);
    expect(said.join('\n')).toContain('FAILED install: Error: no room');
  });

  test('does not start what goes on from a cold build that failed', async () => {
    const all = results({ cases: ['cold', 'nothing'], figures: {}, rounds: {} });
    await runCases(measurements({}), all, course);
    expect(all.failed).toEqual([
      { name: 'cold', message: 'not asked for' },
      { name: 'nothing', message: 'there is no cold build' },
    ]);
  });

  test('an interrupt ends it, and is no failure', async () => {
    const all = results({ cases: ['cold', 'plain'], figures: {}, rounds: {} });
    const cold = async () => {
      controller.abort();
      throw new Error('the build ended with 130');
    };
    await runCases(measurements({ cold }), all, course);
    expect(all.failed).toEqual([]);
    expect(all.rounds).toEqual({});
  });
});
