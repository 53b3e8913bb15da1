import { describe, expect, test } from '@jest/globals';
import { deviation, median, medianOf } from '../../../bench/stats.js';

test.each([
  [[3], 3],
  [[9, 1, 5], 5],
  [[4, 1, 3, 2], 2.5],
  [[], Number.NaN],
])('the median of %j is %p', (values, expected) => {
  expect(median(values)).toBe(expected);
});

test.each([
  [[], undefined],
  [[7], undefined],
  [[5, 5, 5], 0],
  [[1, 3], Math.SQRT2],
])('the deviation of %j is %p', (values, expected) => {
  expect(deviation(values)).toEqual(expected);
});

describe('medianOf', () => {
  test('takes each number by itself, in objects and lists', () => {
    const round = (total: number, seconds: number) => ({
      ...{ name: 'cold', total },
      stages: [{ stage: 'lock', seconds }],
      missing: undefined,
    });
    expect(medianOf([round(1, 30), round(3, 10), round(2, 20)])).toEqual(round(2, 20));
  });

  test("takes the last round's where shapes differ", () => {
    expect(medianOf([{ stages: [1, 2] }, { stages: [4] }])).toEqual({ stages: [4] });
    expect(medianOf<{ push?: number }>([{ push: 1 }, {}])).toEqual({});
    expect(medianOf<{ push?: number | undefined }>([{ push: undefined }, { push: 2 }])).toEqual({ push: 2 });
  });

  test('has nothing to say of no rounds', () => {
    expect(() => medianOf([])).toThrow('there are no rounds');
  });
});
