import { expect, test } from '@jest/globals';
import { lastLine, visible } from '../../../src/base/text.js';

test.each([
  ['plain text', 'lib/slurm/äöü-日本-😀.so', 'lib/slurm/äöü-日本-😀.so'],
  ['a terminal escape', 'a\x1b[31mred\x1b]0;title\x07', 'a\\x1b[31mred\\x1b]0;title\\x07'],
  ['C0 and DEL', '\0\b\t\n\r\x7f', '\\x00\\x08\\x09\\x0a\\x0d\\x7f'],
  ["C1, some terminals' escape in one byte", 'a\x9b31m\x85', 'a\\x9b31m\\x85'],
  ['overrides of direction', 'a\u202egnp.exe\u202c\u2066x\u2069', 'a\\u202egnp.exe\\u202c\\u2066x\\u2069'],
  ['marks of direction', '\u200ea\u200fb\u061c', '\\u200ea\\u200fb\\u061c'],
  ['separators of lines', 'a\u2028b\u2029', 'a\\u2028b\\u2029'],
  ['bytes that are no UTF-8, as Python hands them on', 'a\udcffb', 'a\\udcffb'],
])('%s', (_, text, expected) => {
  expect(visible(text)).toBe(expected);
});

test('what the caller keeps stays', () => {
  expect(visible('a\n\tb\x1b', '\n')).toBe('a\n\\x09b\\x1b');
  expect(visible('a\n\tb\x1b', '\n\t')).toBe('a\n\tb\\x1b');
});

test('what is visible stays as it is, and twice is once', () => {
  const text = visible(String.fromCharCode(...Array(0xffff).keys()));
  expect(visible(text)).toBe(text);
  expect(text).toContain('\\x1b');
});

test.each([
  ['one\ntwo\n', 'two'],
  ['one\r\n  two  \r\n\n \n', 'two'],
  ['only', 'only'],
  ['\n \n', ''],
  ['', ''],
])('the last line of %j is %j', (text, line) => {
  expect(lastLine(text)).toBe(line);
});
