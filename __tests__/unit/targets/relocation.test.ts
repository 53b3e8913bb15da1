import { describe, expect, test } from '@jest/globals';
import { longestPrefix, parseRelocationList } from '../../../src/targets/relocation.js';

test('a prefix has the room of the packages without their own folder', () => {
  expect(longestPrefix(128)).toBe(119);
});

describe('parseRelocationList', () => {
  test('gives the width and what each file is', () => {
    expect(parseRelocationList('width\t128\ntext\ta/b.pc\nbinary\tlib/x y.so\n')).toEqual({
      width: 128,
      files: new Map([
        ['a/b.pc', 'text'],
        ['lib/x y.so', 'binary'],
      ]),
    });
    expect(parseRelocationList('width\t128\n')?.files.size).toBe(0);
  });

  test.each([
    '',
    'text\ta\n',
    'width\t128\nother\ta',
    'width\t128\ntext\t',
    'width\t128\ntext\ta\tb',
    'width\t99999',
  ])('%j is no list', (text) => expect(parseRelocationList(text)).toBeUndefined());
});
