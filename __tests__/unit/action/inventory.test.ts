import { getOctokit } from '@actions/github';
import { describe, expect, test } from '@jest/globals';
import { actionsInventory } from '../../../src/action/inventory.js';

const scope = { repository: 'us/slurm', ref: 'refs/heads/main' };
const baseUrl = 'https://api.github.test';

type Answer = readonly [status: number, body?: unknown, headers?: Record<string, string>];

/** The real client, with answers of the test's in place of the network. */
function github(answer: (method: string, url: URL) => Answer) {
  const asked: string[] = [];
  const fetch = async (address: string, { method, headers, signal }: RequestInit) => {
    const url = new URL(address);
    asked.push(`${method} ${decodeURIComponent(url.pathname + url.search)}`);
    expect(new Headers(headers).get('authorization')).toBe('token secret');
    // Each request ends, be the service down.
    expect(signal).toBeInstanceOf(AbortSignal);
    const [status, body, more] = answer(String(method), url);
    const response = new Response(body === undefined ? null : JSON.stringify(body), {
      status,
      headers: { 'content-type': 'application/json', ...more },
    });
    // Only a real request sets it.
    return Object.defineProperty(response, 'url', { value: address });
  };
  return { asked, client: async (token: string) => getOctokit(token, { baseUrl, request: { fetch } }) };
}

const listed = (id: number, change: object = {}) => ({
  id,
  ref: 'refs/heads/main',
  key: `key-${id}`,
  version: 'v',
  size_in_bytes: id * 100,
  last_accessed_at: '2026-01-02T03:04:05.678Z',
  created_at: '2026-01-01T00:00:00Z',
  ...change,
});
const list = (entries: readonly object[]): Answer => [
  200,
  { total_count: entries.length, actions_caches: entries },
];

describe('list', () => {
  test('asks for each prefix, with the run’s ref', async () => {
    const { asked, client } = github((_, url) => list([listed(url.search.includes('key=lock-') ? 1 : 2)]));
    const entries = await actionsInventory(scope, 'secret', client).list(['lock-', 'package-']);
    expect(entries).toEqual(
      [1, 2].map((id) => ({
        id: String(id),
        key: `key-${id}`,
        size: id * 100,
        lastUse: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
      })),
    );
    expect(asked.sort()).toEqual(
      ['lock-', 'package-'].map(
        (key) => `GET /repos/us/slurm/actions/caches?key=${key}&ref=refs/heads/main&per_page=100`,
      ),
    );
  });

  test('leaves out entries of another ref, whatever the service answers', async () => {
    const { client } = github(() =>
      list([listed(1), listed(2, { ref: 'refs/pull/7/merge' }), listed(3, { ref: undefined })]),
    );
    const entries = await actionsInventory(scope, 'secret', client).list(['']);
    expect(entries.map(({ id }) => id)).toEqual(['1']);
  });

  test('reads every page', async () => {
    const { asked, client } = github((_, url) => {
      const page = Number(url.searchParams.get('page') ?? 1);
      const entries = Array.from({ length: page === 3 ? 7 : 100 }, (_, index) => listed(page * 1000 + index));
      const next = new URL(url);
      next.searchParams.set('page', String(page + 1));
      const link: Record<string, string> = page === 3 ? {} : { link: `<${next}>; rel="next"` };
      return [200, { total_count: 207, actions_caches: entries }, link];
    });
    const entries = await actionsInventory(scope, 'secret', client).list(['']);
    expect(entries).toHaveLength(207);
    expect(asked).toHaveLength(3);
  });

  test.each([
    ['a token', scope, '', /github-token/],
    ['a ref', { ...scope, ref: undefined }, 'secret', /ref/],
    ['a repository', { ...scope, repository: undefined }, 'secret', /repository/],
  ])('without %s nobody is asked', async (_, where, token, message) => {
    const { asked, client } = github(() => list([]));
    await expect(actionsInventory(where, token, client).list([''])).rejects.toThrow(message);
    expect(asked).toEqual([]);
  });

  test('without the right, the error names the permission and has the service’s words', async () => {
    const { client } = github(() => [403, { message: 'Resource not accessible by integration' }]);
    await expect(actionsInventory(scope, 'secret', client).list(['a', 'b'])).rejects.toThrow(
      /actions: read.*not accessible/,
    );
  });
});

describe('remove', () => {
  const entry = { id: '42', key: 'key', size: 1, lastUse: 0 };
  const remove = async (answer: Answer) => {
    const { asked, client } = github(() => answer);
    await actionsInventory(scope, 'secret', client).remove(entry);
    return asked;
  };

  test.each<[string, Answer]>([
    ['there', [204]],
    ['gone already', [404, { message: 'Not Found' }]],
  ])('an entry that is %s', async (_, answer) => {
    expect(await remove(answer)).toEqual(['DELETE /repos/us/slurm/actions/caches/42']);
  });

  test('without the right, the error names the permission', async () => {
    await expect(remove([403, { message: 'Resource not accessible' }])).rejects.toThrow(/actions: write/);
  });

  test('another fault is told as it is', async () => {
    await expect(remove([500, { message: 'Server Error' }])).rejects.toThrow(/Server Error/);
  });
});

test('usage is the repository’s, all refs together', async () => {
  const { asked, client } = github(() => [
    200,
    { full_name: 'us/slurm', active_caches_size_in_bytes: 9_500_000_000, active_caches_count: 12 },
  ]);
  expect(await actionsInventory(scope, 'secret', client).usage()).toEqual({ bytes: 9.5e9, limit: 10e9 });
  expect(asked).toEqual(['GET /repos/us/slurm/actions/cache/usage']);
});
