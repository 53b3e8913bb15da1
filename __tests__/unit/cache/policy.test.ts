import { expect, test } from '@jest/globals';
import { cachePolicy, type Trigger } from '../../../src/cache/policy.js';
import { type CacheMode, cacheModes } from '../../../src/options/schema.js';

const branch: Trigger = { event: 'push', ref: 'refs/heads/main', fromFork: false };
const triggers: Record<string, Trigger> = {
  branch,
  local: { event: undefined, ref: undefined, fromFork: false },
  request: { event: 'pull_request', ref: 'refs/pull/7/merge', fromFork: false },
  fork: { event: 'pull_request', ref: 'refs/pull/7/merge', fromFork: true },
  tag: { event: 'push', ref: 'refs/tags/v1', fromFork: false },
  release: { event: 'release', ref: 'refs/tags/v1', fromFork: false },
  oddRelease: { event: 'release', ref: undefined, fromFork: false },
  likeATag: { event: 'push', ref: 'refs/heads/refs/tags/v1', fromFork: false },
};

test.each<[string, CacheMode, string]>([
  ['branch', 'auto', 'restore save'],
  ['local', 'auto', 'restore save'],
  ['request', 'auto', 'restore save'],
  ['likeATag', 'auto', 'restore save'],
  ['fork', 'auto', 'restore'],
  ['tag', 'auto', 'restore'],
  ['release', 'auto', 'restore'],
  ['oddRelease', 'auto', 'restore'],
  ...Object.keys(triggers).flatMap((name): [string, CacheMode, string][] => [
    [name, 'true', 'restore save'],
    [name, 'restore-only', 'restore'],
    [name, 'false', ''],
  ]),
])('%s with cache: %s may %s', (name, mode, expected) => {
  const policy = cachePolicy(mode, triggers[name] ?? branch);
  expect(policy).toEqual({ restore: expected.includes('restore'), save: expected.includes('save') });
});

test('the table above has every mode', () => {
  expect([...cacheModes].sort()).toEqual(['auto', 'false', 'restore-only', 'true']);
});
