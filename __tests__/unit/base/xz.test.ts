import { expect, test } from '@jest/globals';
import { unxz } from '../../../src/base/xz.js';
import { xzOf } from '../../support/xz.js';

// `printf 'Package: a\nVersion: 1 ä\n' | xz | base64`
const real = Buffer.from(
  '/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQAYUGFja2FnZTogYQpWZXJzaW9uOiAxIMOkCgAAAACAwUPOeFsIVQABMRlZGrCCH7bzfQEAAAAABFla',
  'base64',
);

test('unpacks what xz has packed', async () => {
  expect(await unxz(new Uint8Array(real), 100)).toBe('Package: a\nVersion: 1 ä\n');
});

test.each([[''], ['a'], ['ä'.repeat(70_000)]])('gives back a text, %#', async (text) => {
  expect(await unxz(xzOf(text), 1_000_000)).toBe(text);
});

test('stops at the limit', async () => {
  await expect(unxz(xzOf('a'.repeat(200_000)), 100_000)).rejects.toThrow('it has more than 100000 bytes');
});

test.each([
  ['what is no xz', new Uint8Array(Buffer.from('Package: a\n'))],
  ['what is cut off', xzOf('a'.repeat(1000)).slice(0, 500)],
])('%s is an error', async (_, data) => {
  await expect(unxz(data, 1000)).rejects.toThrow();
});
