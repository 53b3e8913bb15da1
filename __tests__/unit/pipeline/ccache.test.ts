import { expect, test } from '@jest/globals';
import { countsOf } from '../../../src/pipeline/ccache.js';

test('what ccache had is counted, however it found it', () => {
  // As ccache 4.7.5 prints it, in part.
  const printed = 'cache_miss\t2\ndirect_cache_hit\t600\ndirect_cache_miss\t22\npreprocessed_cache_hit\t20\n';
  expect(countsOf(printed)).toEqual({ had: 620, asked: 622 });
  expect(countsOf('')).toEqual({ had: 0, asked: 0 });
});
