import { describe, expect, test } from '@jest/globals';
// @ts-expect-error a script without types
import { hasTest, pageOf, problemsOf } from '../../../scripts/write-api-reference.mjs';

describe('a test is there', () => {
  test.each([
    ["test('a b', () => {})", true],
    ["  test('a b', async () => {})", true],
    ["describe('a b', () => {})", true],
    ["test.each([\n  [1],\n])('a b', () => {})", true],
    ["test.skip('a b', () => {})", false],
    ["// test('a b', () => {})", false],
    ["test('a b c', () => {})", false],
    ["expect('a b')", false],
  ])('%s: %s', (text, expected) => {
    expect(hasTest(text, 'a b')).toBe(expected);
  });

  test('whatever is in its title', () => {
    expect(hasTest("test('f(a) -> List[B] %s', () => {})", 'f(a) -> List[B] %s')).toBe(true);
    expect(hasTest(String.raw`test('it\'s', () => {})`, "it's")).toBe(true);
    expect(hasTest(`test("it's", () => {})`, "it's")).toBe(true);
  });
});

const rows = [{ reference: '`f(a | b)`', ours: '`f`', test: 'unit/f.test.ts', name: 'f' }];

test('a row without a test that runs is told', () => {
  const sections = [{ section: 'S', rows }];
  expect(problemsOf(sections, () => "test('f', () => {})")).toEqual([]);
  expect(problemsOf(sections, () => "test.skip('f', () => {})")).toEqual([
    "`f(a | b)`: __tests__/unit/f.test.ts has no test 'f' that runs.",
  ]);
  expect(problemsOf(sections, () => undefined)).toEqual([
    '`f(a | b)`: there is no file __tests__/unit/f.test.ts.',
  ]);
});

test('the page has a table for each section', () => {
  const page: string = pageOf([{ section: 'S', rows }]);
  expect(page).toMatch(/^# API reference\n/);
  expect(page).toContain('## S\n');
  expect(page).toContain('| `f(a \\| b)` | `f` |  | [f](../__tests__/unit/f.test.ts) |\n');
});
