import { describe, expect, test } from '@jest/globals';
import { coloursOf, isLive, showsUnicode, wantsColour } from '../../../src/local/style.js';

const terminal = { isTTY: true };
const file = {};

describe('colours', () => {
  test.each<[string, Record<string, string>, object, boolean]>([
    ['a terminal', {}, terminal, true],
    ['no terminal', {}, file, false],
    ['NO_COLOR', { NO_COLOR: '1' }, terminal, false],
    ['an empty NO_COLOR is none', { NO_COLOR: '' }, terminal, true],
    ['FORCE_COLOR', { FORCE_COLOR: '1' }, file, true],
    ['FORCE_COLOR without a value', { FORCE_COLOR: '' }, file, true],
    ['FORCE_COLOR=0', { FORCE_COLOR: '0' }, terminal, false],
    ['both: no', { FORCE_COLOR: '1', NO_COLOR: '1' }, file, false],
    ['a terminal that knows none', { TERM: 'dumb' }, terminal, false],
  ])('%s', (_, env, screen, wanted) => {
    expect(wantsColour(env, screen)).toBe(wanted);
  });

  test('that are not wanted leave the text as it is', () => {
    expect(coloursOf(false).red('text')).toBe('text');
    expect(coloursOf(true).red('text')).toBe('\x1b[31mtext\x1b[39m');
  });
});

test.each<[string, Record<string, string>, object, boolean]>([
  ['a terminal', {}, terminal, true],
  ['no terminal', {}, file, false],
  ['a terminal in CI', { CI: 'true' }, terminal, false],
  ['CI=false', { CI: 'false' }, terminal, true],
  ['a terminal that can not', { TERM: 'dumb' }, terminal, false],
])('lines are written over: %s', (_, env, screen, live) => {
  expect(isLive(env, screen)).toBe(live);
});

test.each<[Record<string, string>, boolean]>([
  [{ LANG: 'C.UTF-8' }, true],
  [{ LANG: 'en_US.utf8' }, true],
  [{ LANG: 'C.UTF-8', LC_ALL: 'C' }, false],
  [{ LC_CTYPE: 'C.UTF-8' }, true],
  [{}, false],
])('more than ASCII with %j: %s', (env, shows) => {
  expect(showsUnicode(env)).toBe(shows);
});
