import { describe, expect, test } from '@jest/globals';

// Plain JavaScript without types, so the compiler must not look for them.
const script = (name: string) => import(`../../../scripts/${name}.mjs`);
const { endOf, tally } = await script('tally');
const { parsePrepared } = await script('prepare');

const report = (statuses: readonly string[], change: object = {}) => ({
  numPassedTests: statuses.filter((status) => status === 'passed').length,
  numFailedTests: statuses.filter((status) => status === 'failed').length,
  numRuntimeErrorTestSuites: 0,
  testResults: [
    {
      name: '/project/__tests__/e2e/one.test.ts',
      assertionResults: statuses.map((status, index) => ({ status, fullName: `test ${index}` })),
    },
  ],
  ...change,
});

describe("the tests of Jest's report", () => {
  test('are counted, and those that were skipped are named', () => {
    expect(tally(report(['passed', 'pending', 'failed', 'todo', 'passed']), 1, '/project')).toEqual({
      passed: 2,
      failed: 1,
      skipped: ['__tests__/e2e/one.test.ts: test 1', '__tests__/e2e/one.test.ts: test 3'],
    });
  });

  test.each<[string, object, number | null, number]>([
    ['a file that does not load has failed', { numRuntimeErrorTestSuites: 1 }, 1, 1],
    ['an end without a failed test has failed', {}, 1, 1],
    ['an end by a signal has failed', {}, null, 1],
    ['a good end has not', {}, 0, 0],
  ])('%s', (_, change, exitCode, failed) => {
    expect(tally(report(['passed'], change), exitCode, '/project')).toMatchObject({ passed: 1, failed });
  });
});

describe('the end of a run', () => {
  const skipped = ['a.test.ts: one', 'a.test.ts: two'];

  test.each<[string, object, boolean, string[], number]>([
    ['all passed', { passed: 3, failed: 0, skipped: [] }, true, ['3 passed, 0 failed, 0 skipped'], 0],
    ['one failed', { passed: 3, failed: 1, skipped: [] }, false, ['3 passed, 1 failed, 0 skipped'], 1],
    ['nothing ran', { passed: 0, failed: 0, skipped: [] }, false, ['0 passed, 0 failed, 0 skipped'], 1],
    [
      'skipped tests have names',
      { passed: 3, failed: 0, skipped },
      false,
      ['skipped: a.test.ts: one', 'skipped: a.test.ts: two', '3 passed, 0 failed, 2 skipped'],
      0,
    ],
    [
      'where none may be skipped they have failed',
      { passed: 3, failed: 0, skipped },
      true,
      ['FAIL, skipped: a.test.ts: one', 'FAIL, skipped: a.test.ts: two', '3 passed, 2 failed, 0 skipped'],
      1,
    ],
  ])('%s', (_, count, noSkip, lines, exitCode) => {
    expect(endOf(count, noSkip)).toEqual({ lines, exitCode });
  });
});

test('what prepare-e2e.sh prints is read line by line', () => {
  const text =
    'missing Docker Engine: dockerd does not start: why: so\nact /tools/bin/act\nnoise\nnode /a b/bin\ndockerd 7\n';
  expect(parsePrepared(text)).toEqual({
    act: '/tools/bin/act',
    node: '/a b/bin',
    dockerd: '7',
    missing: ['Docker Engine: dockerd does not start: why: so'],
  });
  expect(parsePrepared('')).toEqual({ missing: [] });
});
