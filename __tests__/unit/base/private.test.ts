import { describe, expect, test } from '@jest/globals';
import { type Facts, sharedFolder, sharedReason } from '../../../src/base/private.js';

const own = process.getuid?.() ?? 0;
const folder = (mode: number, uid = own): Facts => ({
  uid,
  mode: mode | 0o040000,
  isDirectory: () => true,
  isFile: () => false,
});

test.each<[number, number, RegExp | undefined]>([
  [0o700, own, undefined],
  [0o755, own, undefined],
  [0o775, own, /can be written by others \(mode 775\)/],
  [0o702, own, /can be written by others/],
  // Nobody removes another's file there, but anybody puts one there.
  [0o1777, own, /can be written by others \(mode 1777\)/],
  [0o700, own + 1, /belongs to another user/],
])('mode %o of user %i', (mode, uid, expected) => {
  const reason = sharedReason(folder(mode, uid), own);
  if (expected === undefined) expect(reason).toBeUndefined();
  else expect(reason).toMatch(expected);
});

describe('a folder is as good as those above it', () => {
  const at = (tree: Record<string, Facts>) => (path: string) => tree[path] ?? folder(0o755, 0);

  test.each<[string, Record<string, Facts>, string | undefined]>([
    ['its own', { '/home/me': folder(0o700), '/home/me/cache': folder(0o700) }, undefined],
    ['below /tmp', { '/tmp': folder(0o1777, 0), '/tmp/cache': folder(0o700) }, undefined],
    [
      'open itself',
      { '/home/me/cache': folder(0o777) },
      '/home/me/cache can be written by others (mode 777)',
    ],
    [
      'below an open one',
      { '/srv': folder(0o777, 0), '/srv/cache': folder(0o700) },
      '/srv can be written by others',
    ],
    [
      "below another user's",
      { '/home/you': folder(0o755, own + 7), '/home/you/cache': folder(0o700) },
      `/home/you belongs to another user (${own + 7})`,
    ],
    [
      'a link or a file',
      { '/cache': { ...folder(0o700), isDirectory: () => false } },
      '/cache is not a folder',
    ],
  ])('%s', (_, tree, expected) => {
    const path = Object.keys(tree).at(-1) ?? '';
    expect(sharedFolder(path, at(tree))).toBe(expected);
  });
});
