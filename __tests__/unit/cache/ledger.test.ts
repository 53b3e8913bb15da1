import { expect, test } from '@jest/globals';
import { lockKey, packageKey } from '../../../src/cache/keys.js';
import { bytesOf, cacheUse, cacheUseSchema, entryLabel, usedKeys } from '../../../src/cache/ledger.js';

const platform = { toolchain: 'bookworm', arch: 'amd64' } as const;
const place = { ...platform, builder: 'b'.repeat(64), padding: 128 };

test.each([
  [
    packageKey(place, 'compiler-wrapper', 'abcdefghijklmnopqrstuvwxyz234567'),
    'package compiler-wrapper abcdefg',
  ],
  [lockKey(platform, 'f'.repeat(64)), 'lock fffffff'],
  ['of-no-kind', 'of-no-kind'],
])('%s is shown as %s', (key, label) => {
  const use = cacheUse(key, 1, 'saved');
  expect(entryLabel(use)).toBe(label);
  expect(cacheUseSchema.parse(JSON.parse(JSON.stringify(use)))).toEqual(use);
});

const uses = (['restored', 'saved', 'already there', 'damaged', 'failed', 'pruned'] as const).map(
  (outcome, index) => cacheUse(outcome, 10 ** index, outcome),
);

test('in use is what was restored or is saved now, not what is damaged, failed or gone', () => {
  expect([...usedKeys(uses)]).toEqual(['restored', 'saved', 'already there']);
});

test('bytes are summed by outcome', () => {
  expect(bytesOf([...uses, ...uses], 'saved')).toBe(20);
  expect(bytesOf([], 'saved')).toBe(0);
});
