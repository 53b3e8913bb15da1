import { expect, test } from '@jest/globals';
import { nearest, unknownValue } from '../../../src/base/suggest.js';

test.each<[string, string[], string | undefined]>([
  ['dcoker', ['docker', 'podman'], 'docker'],
  ['DOCKER', ['docker', 'podman'], 'docker'],
  ['bookwrom', ['bookworm', 'noble'], 'bookworm'],
  ['trixie', ['bookworm', 'noble'], undefined],
  ['anything', [], undefined],
  ['kubernetes', ['docker', 'podman', 'none', 'auto'], undefined],
])('nearest to %s of %j is %s', (word, candidates, expected) => {
  expect(nearest(word, candidates)).toBe(expected);
});

test('the sentence names the word, the guess and all that there is', () => {
  expect(unknownValue('container engine', 'dokcer', ['docker', 'podman'])).toBe(
    "'dokcer' is not a known container engine. Did you mean 'docker'? Choose one of: docker, podman.",
  );
});

test('the sentence guesses nothing where nothing is near', () => {
  expect(unknownValue('container engine', 'kubernetes', ['docker'])).toBe(
    "'kubernetes' is not a known container engine. Choose one of: docker.",
  );
});
