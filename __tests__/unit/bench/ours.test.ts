import { expect, test } from '@jest/globals';
import { withoutScope } from '../../../bench/caches.js';
import { containersOf } from '../../../bench/ours.js';
import { ownerLabel, processOwner } from '../../../src/base/owner.js';
import { inScope, lockKey } from '../../../src/cache/keys.js';
import { kindLabel } from '../../../src/container/container.js';

test("a build's containers are those with its process's name", () => {
  const made = (pid: number, kind: string) =>
    JSON.stringify({ [ownerLabel]: processOwner(pid), [kindLabel]: kind, name: 'slurm-factory-build-1' });
  const events = [made(17, 'build'), made(17, 'smoke'), made(18, 'build'), JSON.stringify({ name: 'other' })];
  expect(containersOf(events, 17)).toEqual({ build: 1, fetch: 0, share: 0, audit: 0, smoke: 1 });
});

test('an entry is saved by the key that a build has, without the scope of the store that it came from', () => {
  const key = lockKey({ toolchain: 'bookworm', arch: 'amd64' }, 'abc');
  expect(withoutScope(inScope(key, 'open'))).toBe(key);
  expect(() => withoutScope(key)).toThrow('is no key of the scope open');
});
