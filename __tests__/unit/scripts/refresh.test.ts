import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';

// Plain JavaScript without types, so the compiler must not look for it.
const folder: string = '../../../scripts/refresh';
const { tagsIn, byNumbers } = await import(`${folder}/git.mjs`);
const { newReleases, withReleases, renderRecipe } = await import(`${folder}/releases.mjs`);
const { newerRelease, movedPin } = await import(`${folder}/pins.mjs`);
const { askDigest, baseOf, challengeOf, manifestOf, withDigest } = await import(`${folder}/images.mjs`);

const commit = (letter: string) => letter.repeat(40);
const release = (version: string, letter: string) => {
  const spack = `${version.replaceAll('.', '-')}-1`;
  const sums = { archiveSha256: letter.repeat(64), date: '2026-01-01' };
  return { version, spack, tag: `slurm-${spack}`, commit: commit(letter), ...sums };
};
const known = { '24.05': [release('24.05.8', 'a')], '24.11': [release('24.11.6', 'b')] };
const upstream = { 'slurm-24-05-8-1': commit('a'), 'slurm-24-11-6-1': commit('b') };
const added = (tags: Record<string, string>) =>
  newReleases(known, new Map(Object.entries({ ...upstream, ...tags })));

describe('tags', () => {
  test('name the commit behind them where they are objects of their own', () => {
    const listed = `${commit('1')}\trefs/tags/one\n${commit('2')}\trefs/tags/two\n${commit('3')}\trefs/tags/two^{}\n${commit('4')}\trefs/heads/main\n`;
    expect(Object.fromEntries(tagsIn(listed))).toEqual({ one: commit('1'), two: commit('3') });
  });

  test('are ordered by their numbers', () => {
    expect(['v1.10.0', 'v1.9.3', 'v1.9'].sort(byNumbers)).toEqual(['v1.9', 'v1.9.3', 'v1.10.0']);
  });
});

describe('releases', () => {
  test('that are all known add none', () => {
    expect(
      added({ 'slurm-24-11-7-0rc1': commit('c'), 'slurm-23-11-1-1': commit('c'), other: commit('d') }),
    ).toEqual([]);
  });

  test('that are new are added, oldest first, each with its newest tag', () => {
    const tags = {
      'slurm-25-05-0-1': commit('e'),
      'slurm-24-11-10-2': commit('d'),
      'slurm-24-11-10-1': commit('c'),
      'slurm-24-11-7-1': commit('f'),
    };
    expect(added(tags).map(({ version, tag }: { version: string; tag: string }) => [version, tag])).toEqual([
      ['24.11.7', 'slurm-24-11-7-1'],
      ['24.11.10', 'slurm-24-11-10-2'],
      ['25.05.0', 'slurm-25-05-0-1'],
    ]);
  });

  test('that were tagged once more take the newer tag', () => {
    const [again] = added({ 'slurm-24-11-6-2': commit('c') });
    expect(again).toEqual({ version: '24.11.6', tag: 'slurm-24-11-6-2', commit: commit('c') });
    const made = withReleases(known, [{ ...again, archiveSha256: '0'.repeat(64), date: '2026-02-02' }]);
    expect(made['24.11']).toEqual([
      {
        ...release('24.11.6', 'c'),
        spack: '24-11-6-2',
        tag: 'slurm-24-11-6-2',
        archiveSha256: '0'.repeat(64),
        date: '2026-02-02',
      },
    ]);
  });

  test.each([
    ['moved', { 'slurm-24-05-8-1': commit('f') }, `slurm-24-05-8-1 was ${commit('a')} and is ${commit('f')}`],
    ['gone', { 'slurm-24-05-8-1': undefined as unknown as string }, 'and is gone'],
  ])('whose tag has %s are an error', (_, tags, message) => {
    expect(() => added(tags)).toThrow('Tags must not move');
    expect(() => added(tags)).toThrow(message);
  });

  test('stand in order, series too', () => {
    const more = ['25.05.0', '24.11.10', '23.11.0', '24.11.7'].map((version) => release(version, 'e'));
    const made = withReleases(known, more);
    expect(Object.keys(made)).toEqual(['23.11', '24.05', '24.11', '25.05']);
    expect(made['24.11'].map(({ version }: { version: string }) => version)).toEqual([
      '24.11.6',
      '24.11.7',
      '24.11.10',
    ]);
    expect(known['24.11']).toHaveLength(1);
  });

  test('are the lines of the recipe, newest first, and of it nothing else changes', () => {
    const markers = ['    # releases: begin (scripts/refresh-releases.mjs)\n', '    # releases: end\n'];
    const text = `before\n${markers.join('    version("old")\n')}after\n`;
    const line = (spack: string, letter: string) =>
      `    version("${spack}", sha256="${letter.repeat(64)}")\n`;
    expect(renderRecipe(text, known)).toBe(
      `before\n${markers.join(line('24-11-6-1', 'b') + line('24-05-8-1', 'a'))}after\n`,
    );
    expect(() => renderRecipe('no markers', known)).toThrow('markers');
  });
});

describe('pins', () => {
  const tags = (...names: string[]) => new Map(names.map((name) => [name, commit(name.at(-1) ?? '')]));
  const pin = { git: '', commit: commit('1'), tag: 'v2026.06.1' };

  test.each([
    ['none', ['v2026.06.1', 'v2026.03.9', 'e4s-26.11'], undefined],
    ['the newest', ['v2026.06.1', 'v2026.10.2', 'v2026.09.3'], { tag: 'v2026.10.2', commit: commit('2') }],
  ])('of the releases %s is newer', (_, names, newer) => {
    expect(newerRelease('packages', pin, tags(...names))).toEqual(newer);
  });

  test('whose tag has moved are an error', () => {
    expect(() => newerRelease('packages', pin, new Map([['v2026.06.1', commit('9')]]))).toThrow(
      'must not move',
    );
    expect(() => newerRelease('packages', pin, new Map())).toThrow('is gone');
  });

  test('of a commit without a tag know the newest release, and take it if it is not older', () => {
    const untagged = { git: 'x', commit: commit('a'), date: '2026-06-29' };
    const newer = newerRelease('spack', untagged, tags('v1.2.0', 'v1.10.3', 'v1.11.0-rc4'));
    expect(newer).toEqual({ tag: 'v1.10.3', commit: commit('3') });
    expect(movedPin(untagged, newer, '2026-06-01')).toBe(untagged);
    expect(movedPin(untagged, newer, '2026-07-01')).toEqual({
      git: 'x',
      commit: commit('3'),
      date: '2026-07-01',
      tag: 'v1.10.3',
    });
    expect(newerRelease('spack', untagged, new Map())).toBeUndefined();
  });
});

describe('images', () => {
  const digest = `sha256:${'1'.repeat(64)}`;

  test.each([
    ['debian:bookworm', 'registry-1.docker.io', 'library/debian', 'bookworm'],
    ['rockylinux/rockylinux:9', 'registry-1.docker.io', 'rockylinux/rockylinux', '9'],
    ['docker.io/library/debian:trixie', 'registry-1.docker.io', 'library/debian', 'trixie'],
    ['quay.io/rockylinux/rockylinux:10', 'quay.io', 'rockylinux/rockylinux', '10'],
    ['localhost:5000/debian', 'localhost:5000', 'debian', 'latest'],
  ])('%s lies at %s', (image, registry, name, tag) => {
    expect(manifestOf(image)).toEqual({ registry, name, tag });
  });

  /** A registry that wants a token, and notes what it is asked. */
  function registry(change: { status?: number; digest?: string; realm?: string } = {}) {
    const asked: string[] = [];
    const ask = async (
      address: string,
      { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string> },
    ) => {
      asked.push(`${method} ${address} ${headers['authorization'] ?? ''}`.trim());
      const answer = (status: number, more: Record<string, string> = {}, body = {}) => ({
        ...{ status, ok: status < 300, headers: new Headers(more), json: async () => body },
      });
      if (address.startsWith('https://auth.test/')) return answer(200, {}, { token: 'a-token' });
      if (headers['authorization'] === undefined) {
        const realm = change.realm ?? 'https://auth.test/token';
        return answer(401, { 'www-authenticate': `Bearer realm="${realm}",service="registry.test"` });
      }
      return answer(change.status ?? 200, { 'docker-content-digest': change.digest ?? digest });
    };
    return { asked, ask };
  }

  test('have the digest that their registry says, with a token of anybody', async () => {
    const { asked, ask } = registry();
    expect(await askDigest('debian:bookworm', ask)).toBe(digest);
    const manifest = 'HEAD https://registry-1.docker.io/v2/library/debian/manifests/bookworm';
    expect(asked).toEqual([
      manifest,
      'GET https://auth.test/token?service=registry.test&scope=repository%3Alibrary%2Fdebian%3Apull',
      `${manifest} Bearer a-token`,
    ]);
  });

  test.each([
    ['no such image', { status: 404 }, 'has no digest of library/debian:bookworm (404)'],
    ['a digest that is none', { digest: 'sha256:1' }, 'has no digest'],
    ['a token from elsewhere', { realm: 'file:///etc/passwd' }, 'wants a login'],
  ])('%s is told', async (_, change, message) => {
    await expect(askDigest('debian:bookworm', registry(change).ask)).rejects.toThrow(message);
  });

  test('a challenge is read by its fields', () => {
    expect(challengeOf('Bearer realm="https://a.test/token",service="b",scope="c:d:e"')).toEqual({
      ...{ realm: 'https://a.test/token', service: 'b', scope: 'c:d:e' },
    });
    expect(challengeOf(null)).toEqual({});
  });

  const block =
    "id: x\nbase:\n  image: 'debian:bookworm'\n  # why\n  digest: null\ncompiler: {digest: null}\n";
  const inline = "id: x\nbase: {image: 'debian:bookworm', digest: null}\nother: {digest: null}\n";
  test.each([
    ['a block', block],
    ['a line', inline],
  ])('a base in %s gets its digest, and nothing else changes', (_, text) => {
    expect(baseOf(text)).toEqual({ image: 'debian:bookworm', digest: null });
    const pinned = withDigest(text, digest);
    expect(pinned).toBe(text.replace('digest: null', `digest: ${digest}`));
    expect(baseOf(pinned)).toEqual({ image: 'debian:bookworm', digest });
    expect(withDigest(pinned, digest)).toBe(pinned);
    const later = `sha256:${'2'.repeat(64)}`;
    expect(baseOf(withDigest(pinned, later)).digest).toBe(later);
  });

  test("the project's own toolchains can be read", () => {
    const text = readFileSync(
      new URL('../../../toolchains/bookworm/toolchain.yaml', import.meta.url),
      'utf8',
    );
    expect(baseOf(text).image).toBe('debian:bookworm');
    expect(() => baseOf('id: x\n')).toThrow('no base');
  });
});
