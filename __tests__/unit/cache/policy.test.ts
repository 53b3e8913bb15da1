import { describe, expect, test } from '@jest/globals';
import { inScope } from '../../../src/cache/keys.js';
import { cacheUse } from '../../../src/cache/ledger.js';
import {
  attestNotice,
  cachePolicy,
  policyNotice,
  sharePolicy,
  type Trigger,
  unsealedRestores,
} from '../../../src/cache/policy.js';
import { type CacheMode, cacheModes } from '../../../src/config/inputs.js';

const branch: Trigger = { event: 'push', ref: 'refs/heads/main', fromFork: false };
const triggers: Record<string, Trigger> = {
  branch,
  local: { event: undefined, ref: undefined, fromFork: false },
  request: { event: 'pull_request', ref: 'refs/pull/7/merge', fromFork: false },
  fork: { event: 'pull_request', ref: 'refs/pull/7/merge', fromFork: true },
  tag: { event: 'push', ref: 'refs/tags/v1', fromFork: false },
  release: { event: 'release', ref: 'refs/tags/v1', fromFork: false },
  oddRelease: { event: 'release', ref: undefined, fromFork: false },
  dispatch: { event: 'workflow_dispatch', ref: 'refs/heads/main', fromFork: false },
  target: { event: 'pull_request_target', ref: 'refs/heads/main', fromFork: false },
  after: { event: 'workflow_run', ref: 'refs/heads/main', fromFork: false },
  comment: { event: 'issue_comment', ref: 'refs/heads/main', fromFork: false },
  unknown: { event: 'event_of_2030', ref: 'refs/heads/main', fromFork: false },
  likeATag: { event: 'push', ref: 'refs/heads/refs/tags/v1', fromFork: false },
};

test.each<[string, CacheMode, string]>([
  ['branch', 'auto', 'restore save'],
  ['local', 'auto', 'restore save'],
  ['request', 'auto', 'restore save'],
  ['likeATag', 'auto', 'restore save'],
  ['fork', 'auto', 'restore'],
  ['dispatch', 'auto', 'restore save'],
  ['target', 'auto', 'restore'],
  ['after', 'auto', 'restore'],
  ['comment', 'auto', 'restore'],
  ['unknown', 'auto', 'restore'],
  // Nothing shows who wrote the entries that would be released.
  ['tag', 'auto', ''],
  ['release', 'auto', ''],
  ['oddRelease', 'auto', ''],
  ...Object.keys(triggers).flatMap((name): [string, CacheMode, string][] => [
    [name, 'true', 'restore save'],
    [name, 'restore-only', 'restore'],
    [name, 'false', ''],
  ]),
])('%s with cache: %s may %s', (name, mode, expected) => {
  const policy = cachePolicy(mode, triggers[name] ?? branch, undefined);
  expect(policy).toMatchObject({ restore: expected.includes('restore'), save: expected.includes('save') });
});

test.each<[string, CacheMode, string]>([
  ['branch', 'auto', 'read push'],
  ['local', 'auto', 'read push'],
  // What a tag pushes is seen by all.
  ['tag', 'auto', 'read push'],
  ['release', 'auto', 'read push'],
  ['dispatch', 'auto', 'read push'],
  ['request', 'auto', 'read'],
  ['fork', 'auto', 'read'],
  ['target', 'auto', 'read'],
  ['comment', 'auto', 'read'],
  ['unknown', 'auto', 'read'],
  ...Object.keys(triggers).flatMap((name): [string, CacheMode, string][] => [
    [name, 'true', 'read push'],
    [name, 'restore-only', 'read'],
    [name, 'false', ''],
  ]),
])('of a cache that machines share, %s with cache: %s may %s', (name, mode, expected) => {
  const policy = sharePolicy(mode, triggers[name] ?? branch);
  expect(policy).toEqual({ read: expected.includes('read'), push: expected.includes('push') });
});

test('the table above has every mode', () => {
  expect([...cacheModes].sort()).toEqual(['auto', 'false', 'restore-only', 'true']);
});

test.each<[string, string[]]>([
  ['branch', ['open']],
  ['local', ['open']],
  ['dispatch', ['open']],
  ['tag', ['open']],
  ['release', ['open']],
  ['request', ['other', 'open']],
  ['fork', ['other', 'open']],
  ['target', ['other', 'open']],
  ['after', ['other', 'open']],
  ['comment', ['other', 'open']],
  ['unknown', ['other', 'open']],
])('%s believes the scopes %j and saves in the first, whatever the mode', (name, scopes) => {
  for (const mode of cacheModes) {
    expect(cachePolicy(mode, triggers[name] ?? branch, undefined).scopes).toEqual(scopes);
  }
});

const sealed = 'k0123456789ab';

test('a build with a secret believes its own scope only, whatever started it', () => {
  for (const mode of cacheModes) {
    for (const trigger of Object.values(triggers)) {
      expect(cachePolicy(mode, trigger, sealed).scopes).toEqual([sealed]);
    }
  }
});

test('a release reads the caches where a secret guards them, or where the user says so', () => {
  for (const trigger of [triggers['tag'], triggers['release'], triggers['oddRelease']] as Trigger[]) {
    expect(cachePolicy('auto', trigger, sealed).restore).toBe(true);
    expect(policyNotice('auto', trigger, sealed)).toBeUndefined();
    expect(policyNotice('true', trigger, undefined)).toBeUndefined();
    expect(policyNotice('auto', trigger, undefined)).toMatch(/cache-secret or gpg-private-key/);
  }
  expect(policyNotice('auto', branch, undefined)).toBeUndefined();
});

describe('what is made with entries that anybody may have written', () => {
  const key = 'slurm-factory-v4-lock-bookworm-amd64-abc';
  const use = (scope: string, outcome: 'restored' | 'saved') => cacheUse(inScope(key, scope), 1, outcome);

  test('is not attested, and the notice names one and says what to do', () => {
    const uses = [use(sealed, 'restored'), use('other', 'restored'), use('open', 'restored')];
    expect(unsealedRestores(uses)).toEqual(uses.slice(1));
    expect(attestNotice(uses)).toMatch(/v4-other-lock-bookworm-amd64-abc and 1 more.*cache-secret/);
    expect(attestNotice([cacheUse('of-another-tool', 1, 'restored')])).toBeDefined();
  });

  test('what was sealed, or only saved, does not count', () => {
    expect(attestNotice([use(sealed, 'restored'), use('open', 'saved')])).toBeUndefined();
    expect(attestNotice([])).toBeUndefined();
  });
});
