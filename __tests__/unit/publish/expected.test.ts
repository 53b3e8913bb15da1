import { describe, expect, test } from '@jest/globals';
import { compareWithPlan, parsePlan } from '../../../src/publish/expected.js';

const leg = (identifier: string, contentKey = 'a'.repeat(64)) => ({ identifier, contentKey });

describe('a plan', () => {
  test('is read for its legs alone', () => {
    const text = JSON.stringify({ legs: [{ ...leg('slurm-a'), 'runs-on': 'x' }], chunks: 1 });
    expect(parsePlan(text)).toEqual({ legs: [leg('slurm-a')], released: [] });
    expect(parsePlan('{"legs":[{"identifier":"slurm-a"}]}').legs).toEqual([{ identifier: 'slurm-a' }]);
  });

  test('tells what an earlier release has', () => {
    const text = JSON.stringify({ legs: [leg('slurm-a')], released: [leg('slurm-b')] });
    expect(parsePlan(text)).toEqual({ legs: [leg('slurm-a')], released: [leg('slurm-b')] });
  });

  test.each([
    ['no JSON', 'legs: []', /^plan: it is not a plan \(not JSON/],
    ['no legs', '{}', /^plan: it is not a plan \(legs/],
    ['a leg without a name', '{"legs":[{}]}', /^plan: it is not a plan \(legs\.0\.identifier/],
    [
      'a leg twice',
      JSON.stringify({ legs: [leg('slurm-a'), leg('slurm-a')] }),
      /^plan: it has slurm-a twice\./,
    ],
    [
      'a leg that an earlier release has as well',
      JSON.stringify({ legs: [leg('slurm-a')], released: [leg('slurm-a')] }),
      /^plan: it has slurm-a twice\./,
    ],
  ])('%s is an error', (_, text, message) => {
    expect(() => parsePlan(text)).toThrow(message);
  });
});

describe('what is there', () => {
  const there = [leg('slurm-a'), leg('slurm-b')];

  test('is all there should be without a plan', () => {
    expect(compareWithPlan(there, undefined)).toEqual({ missing: [], unplanned: [], other: [] });
  });

  test('lacks some, has some too many, and some of another content key', () => {
    const planned = [leg('slurm-c'), leg('slurm-a', 'b'.repeat(64))];
    expect(compareWithPlan(there, planned)).toEqual({
      ...{ missing: ['slurm-c'], unplanned: ['slurm-b'], other: ['slurm-a'] },
    });
    expect(compareWithPlan(there, [{ identifier: 'slurm-a' }, leg('slurm-b')])).toEqual({
      ...{ missing: [], unplanned: [], other: [] },
    });
  });
});
