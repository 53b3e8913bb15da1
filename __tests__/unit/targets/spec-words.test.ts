import { describe, expect, test } from '@jest/globals';
import { joinSpecs, nameOf, specWordsIn, variantsIn } from '../../../src/targets/spec-words.js';

describe('words of a spec', () => {
  test.each([
    ['', []],
    ['cflags=-O3', ['cflags=-O3']],
    ['  +a\n~b\t%gcc@13 ', ['+a', '~b', '%gcc@13']],
    ['cflags="-O3 -g" ^lz4', ['cflags="-O3 -g"', '^lz4']],
    ["ldflags='-Wl,-z,now' x", ["ldflags='-Wl,-z,now'", 'x']],
  ])('%j', (text, words) => expect(specWordsIn(text)).toEqual(words));

  test.each([
    ['cflags="-O3 -g', 'a quote is not closed.'],
    ["cflags='-O3", 'a quote is not closed.'],
    ['a\u0007b', 'it has characters that no spec has.'],
  ])('%j is refused', (text, why) => expect(specWordsIn(text)).toBe(why));
});

describe('specs of words', () => {
  test.each([
    [
      ['openmpi', 'pmix', 'ucx'],
      ['openmpi', 'pmix', 'ucx'],
    ],
    [
      ['openmpi@5:', 'schedulers=slurm', '+pmi', '^pmix@5', 'ucx~cuda'],
      ['openmpi@5: schedulers=slurm +pmi ^pmix@5', 'ucx~cuda'],
    ],
    [
      ['hdf5', '^', 'zlib-ng', 'lz4', '%', 'gcc@12', 'cflags=-O2'],
      ['hdf5 ^ zlib-ng', 'lz4 % gcc@12 cflags=-O2'],
    ],
    [
      ['lz4', 'target=x86_64_v3', 'lua@5.4'],
      ['lz4 target=x86_64_v3', 'lua@5.4'],
    ],
    [[], []],
  ])('%j', (words, specs) => expect(joinSpecs(words)).toEqual(specs));

  test('that begin with no name are refused', () =>
    expect(joinSpecs(['+pmi', 'ucx'])).toBe("'+pmi' is not the name of a package."));

  test.each([
    ['openmpi@5:+pmi', 'openmpi'],
    ['lua', 'lua'],
    ['ucx~cuda', 'ucx'],
    ['+a', ''],
  ])('the name of %s', (spec, name) => expect(nameOf(spec)).toBe(name));
});

test.each([
  [
    ['+hdf5', '~x11', 'cflags=-O2'],
    ['hdf5', 'x11', 'cflags'],
  ],
  [
    ['-sview', '+a~b'],
    ['sview', 'a', 'b'],
  ],
  [['%gcc@12', '^lz4', '+shared'], []],
  [['ldflags=-Wl,-z~now'], ['ldflags']],
])('the variants in %j', (words, names) => expect(variantsIn(words)).toEqual(names));
