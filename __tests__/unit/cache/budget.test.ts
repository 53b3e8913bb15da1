import { describe, expect, test } from '@jest/globals';
import type { StoredEntry } from '../../../src/base/ports.js';
import { planPruning } from '../../../src/cache/budget.js';
import { lockKey, packageKey, resultKey } from '../../../src/cache/keys.js';

const platform = { toolchain: 'bookworm', arch: 'amd64' } as const;
const result = (digit: string) => resultKey('slurm-24.11.6-bookworm-amd64', digit.repeat(64));
const built = (name: string) =>
  packageKey({ ...platform, builder: 'machine', padding: 128 }, name, 'x'.repeat(32));
const hour = 3_600_000;

/** An entry that was last used so many hours after the first. */
const entry = (key: string, hours: number, size = 100): StoredEntry => ({
  id: `${key} ${hours}`,
  key,
  size,
  lastUse: 1_000 * hour + hours * hour,
});

const plan = (entries: readonly StoredEntry[], budget: number, used: readonly string[] = []) => {
  const { remove, bytes } = planPruning(entries, budget, new Set(used));
  return { keys: remove.map(({ key }) => key), bytes };
};

describe('within the budget nothing goes', () => {
  test.each([
    ['no entry', [], 0, 0],
    ['less than the budget', [entry('a', 0)], 101, 100],
    ['just the budget', [entry('a', 0), entry('b', 1)], 200, 200],
  ])('%s', (_, entries, budget, bytes) => {
    expect(plan(entries, budget)).toEqual({ keys: [], bytes });
  });
});

describe('above it', () => {
  test('the least recently used go, and no more than need to, however they are listed', () => {
    const entries = [entry('c', 3), entry('a', 1), entry('d', 4), entry('b', 2)];
    expect(plan(entries, 399)).toEqual({ keys: ['a'], bytes: 300 });
    expect(plan(entries, 250)).toEqual({ keys: ['a', 'b'], bytes: 200 });
    expect(entries.map(({ key }) => key)).toEqual(['c', 'a', 'd', 'b']);
  });

  test('what this run used stays, be it the oldest', () => {
    const entries = [entry('a', 1), entry('b', 2), entry('c', 3)];
    expect(plan(entries, 200, ['a'])).toEqual({ keys: ['b'], bytes: 200 });
  });

  test('what this run used stays even when it alone is above the budget', () => {
    const entries = [entry('a', 1, 500), entry('b', 2), entry('c', 3)];
    expect(plan(entries, 50, ['a', 'c'])).toEqual({ keys: ['b'], bytes: 600 });
  });

  test('a budget of nothing leaves what this run used', () => {
    expect(plan([entry('a', 1), entry('b', 2)], 0, ['b'])).toEqual({ keys: ['a'], bytes: 100 });
  });

  test('entries of one key that the store has twice are both this run’s, or both not', () => {
    const entries = [entry('a', 1), entry('a', 2), entry('b', 3)];
    expect(plan(entries, 0, ['a'])).toEqual({ keys: ['b'], bytes: 200 });
    expect(plan(entries, 0, ['b'])).toEqual({ keys: ['a', 'a'], bytes: 100 });
  });
});

describe('of equally old entries', () => {
  const lock = lockKey(platform, 'f'.repeat(64));

  test('results of older content keys go first', () => {
    const entries = [entry(built('slurm'), 1), entry(lock, 1), entry(result('a'), 1), entry(result('b'), 1)];
    expect(plan(entries, 200, [result('b')])).toEqual({ keys: [result('a'), lock], bytes: 200 });
  });

  test('those of one hour are equally old: a run saves its result before its packages', () => {
    const entries = [entry(built('slurm'), 1.1), entry(result('a'), 1.2)];
    expect(plan(entries, 100).keys).toEqual([result('a')]);
  });

  test('an older package goes before a younger result', () => {
    const entries = [entry(result('a'), 2), entry(built('slurm'), 1)];
    expect(plan(entries, 100).keys).toEqual([built('slurm')]);
  });

  test('the rest goes by time, then by key: every run chooses the same', () => {
    const entries = [entry('b', 1), entry('c', 1), entry('a', 1), entry('d', 1.5), entry('e', 1.4)];
    expect(plan(entries, 0).keys).toEqual(['a', 'b', 'c', 'e', 'd']);
    expect(plan([...entries].reverse(), 0).keys).toEqual(['a', 'b', 'c', 'e', 'd']);
  });
});
