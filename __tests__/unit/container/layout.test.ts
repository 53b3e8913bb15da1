import { describe, expect, test } from '@jest/globals';
import {
  containerLayout,
  fetchMounts,
  layoutBelow,
  layoutMounts,
  type Mount,
  mountArgument,
  places,
} from '../../../src/container/layout.js';

describe('mountArgument', () => {
  const mount = (change: Partial<Mount>): Mount => ({
    source: '/a',
    target: '/b',
    readOnly: false,
    ...change,
  });

  test.each<[string, Mount, string]>([
    ['plain', mount({}), 'type=bind,source=/a,target=/b'],
    ['read-only', mount({ readOnly: true }), 'type=bind,source=/a,target=/b,readonly'],
    ['a comma', mount({ source: '/a,b' }), 'type=bind,"source=/a,b",target=/b'],
    ['a quote', mount({ source: '/a"b' }), 'type=bind,"source=/a""b",target=/b'],
    ['both', mount({ source: '/a",readonly' }), 'type=bind,"source=/a"",readonly",target=/b'],
    ['a line break', mount({ source: '/a\nb' }), 'type=bind,"source=/a\nb",target=/b'],
    ['spaces and a dollar', mount({ source: '/a $(b)' }), 'type=bind,source=/a $(b),target=/b'],
    ['a comma in the target', mount({ target: '/b,c' }), 'type=bind,source=/a,"target=/b,c"'],
  ])('%s', (_, given, expected) => {
    expect(mountArgument(given)).toBe(expected);
  });
});

test('the container has the same paths everywhere, below one root', () => {
  expect(containerLayout).toEqual(layoutBelow('/opt/slurm-factory'));
  for (const place of places) expect(containerLayout[place]).toMatch(/^\/opt\/slurm-factory\/[a-z-]+$/);
  expect(new Set(Object.values(containerLayout)).size).toBe(places.length);
});

test('every place is mounted, and what the build only reads is read-only', () => {
  const mounts = layoutMounts(layoutBelow('/srv/build-1'));
  expect(mounts.map((mount) => mount.target)).toEqual(places.map((place) => containerLayout[place]));
  for (const mount of mounts) expect(mount.source.startsWith('/srv/build-1/')).toBe(true);
  const sealed = mounts.filter((mount) => mount.readOnly).map((mount) => mount.source);
  // The machine writes to some of them while a build runs, which must not be able to lead it elsewhere.
  const read = ['arrivals', 'fetched', 'output', 'overlay', 'packages', 'sources', 'spack'];
  expect(sealed.sort()).toEqual(read.map((name) => `/srv/build-1/${name}`));
});

test('what fetches writes but to what it has fetched and to what is on its way', () => {
  const mounts = fetchMounts(layoutBelow('/srv/build-1'), '/srv/build-1/fetch-stage');
  const writable = mounts.filter((mount) => !mount.readOnly).map((mount) => mount.source);
  expect(writable.sort()).toEqual(['/srv/build-1/fetch-stage', '/srv/build-1/fetched']);
  const sealed = mounts.filter((mount) => mount.readOnly).map((mount) => mount.target);
  const read = ['spack', 'recipes', 'overlay', 'environment', 'sources', 'arrivals'] as const;
  expect(sealed).toEqual(read.map((place) => containerLayout[place]));
});
