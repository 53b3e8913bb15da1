import { expect, test } from '@jest/globals';
import { formatSeconds } from '../../../src/base/time.js';

test.each([
  [0, '0.0 s'],
  [0.04, '0.0 s'],
  [12.34, '12.3 s'],
  [59.94, '59.9 s'],
  [59.96, '1 min 00 s'],
  [102.75, '1 min 43 s'],
  [3599.4, '59 min 59 s'],
  [3599.6, '1 h 00 min'],
  [3725, '1 h 02 min'],
  [36_000, '10 h 00 min'],
])('%s seconds are %s', (seconds, text) => {
  expect(formatSeconds(seconds)).toBe(text);
});
