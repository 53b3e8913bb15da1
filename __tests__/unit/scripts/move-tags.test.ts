import { expect, test } from '@jest/globals';

// Plain JavaScript without types, so the compiler must not look for it.
const script: string = '../../../scripts/move-tags.mjs';
const { followers } = await import(script);

const tags = ['v1', 'v1.2', 'v1.2.9', 'v1.2.10', 'v1.10.0', 'v1.11.0-rc.1', 'v2.0.0', 'v10.0.0', 'other', ''];

test.each([
  ['the newest of its major moves both', 'v1.10.1', { v1: 'v1.10.1', 'v1.10': 'v1.10.1' }],
  ['a fix of an older minor moves that alone', 'v1.2.11', { v1: 'v1.10.0', 'v1.2': 'v1.2.11' }],
  ['numbers are compared as numbers', 'v1.2.9', { v1: 'v1.10.0', 'v1.2': 'v1.2.10' }],
  ['the first of a major makes both', 'v3.0.0', { v3: 'v3.0.0', 'v3.0': 'v3.0.0' }],
  ['another major that begins alike does not count', 'v1.10.0', { v1: 'v1.10.0', 'v1.10': 'v1.10.0' }],
])('%s', (_, tag, expected) => {
  const found: { tag: string; newest: string }[] = followers(tag, tags);
  expect(Object.fromEntries(found.map(({ tag, newest }) => [tag, newest]))).toEqual(expected);
});

test.each(['v1.11.0-rc.1', 'v1', '1.2.3', 'v1.2.3.4', ''])('%s moves nothing', (tag) => {
  expect(followers(tag, tags)).toEqual([]);
});
