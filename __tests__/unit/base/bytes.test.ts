import { expect, test } from '@jest/globals';
import { formatBytes } from '../../../src/base/bytes.js';

test.each([
  [0, '0 bytes'],
  [999, '999 bytes'],
  [1000, '1.0 kB'],
  [3_456, '3.5 kB'],
  [49_000, '49.0 kB'],
  [999_949, '999.9 kB'],
  [999_960, '1.0 MB'],
  [1_234_567, '1.2 MB'],
  [9_123_456_789, '9.1 GB'],
  [2 * 1024 ** 3, '2.1 GB'],
  [5e12, '5.0 TB'],
  [5e15, '5000.0 TB'],
])('%d bytes are shown as %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});
