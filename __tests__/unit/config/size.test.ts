import { expect, test } from '@jest/globals';
import { parseSize } from '../../../src/config/size.js';

test.each([
  ['2 GB', 2e9],
  ['500 MB', 5e8],
  ['2GiB', 2 ** 31],
  ['1.5 GiB', 1.5 * 2 ** 30],
  ['1 kb', 1000],
  ['1 TB', 1e12],
  ['7 B', 7],
  ['1000000', 1e6],
  ['0', 0],
])('%s is %i bytes', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each([
  '',
  'GB',
  '-1',
  '2 gigs',
  '2  GB',
  '2 G',
  '1e9',
  '2,5 GB',
  '.5 GB',
  '99999999 TB',
  '1 constructor',
  'two GB',
])('%j is no size', (text) => {
  expect(parseSize(text)).toBeUndefined();
});
