import { expect, test } from '@jest/globals';
import { table } from '../../../src/cli/table.js';
import { coloursOf } from '../../../src/local/style.js';

test('columns begin below each other, and no line ends with spaces', () => {
  const rows = [
    ['a', 'long cell', 'x'],
    ['longer', '', ''],
  ];
  expect(table(rows, coloursOf(false), ['One', 'Two', 'Three'])).toEqual([
    'One     Two        Three',
    'a       long cell  x',
    'longer',
  ]);
  expect(table([], coloursOf(false))).toEqual([]);
});
