import { expect, test } from '@jest/globals';
import { parseJson } from '../../../src/base/json.js';

test.each([
  ['{"a": [1]}', { a: [1] }],
  ['null', null],
  ['', undefined],
  ['{"a"', undefined],
])('%s is read, or undefined', (text, value) => {
  expect(parseJson(text)).toEqual(value);
});
