import { expect, test } from '@jest/globals';
import { featuresPage } from '../../../src/targets/features-page.js';
import { recipe } from '../../support/fakes.js';
import { readToolchain } from '../../support/toolchains.js';

const page = featuresPage(recipe, [readToolchain('bookworm'), readToolchain('trixie')]);
const row = (feature: string) => page.split('\n').find((line) => line.startsWith(`| \`${feature}\` |`));

test('all features have a row', () => {
  for (const { variant } of recipe.variants) expect(row(variant)).toBeDefined();
});

test.each([
  ['lua', /^\| `lua` \| default \| .* \| all \| `lib\/slurm\/job_submit_lua\.so`<br>.* \| – \|$/],
  ['rrdtool', /\| full \| .* \| up to 23\.11 \|/],
  ['llhttp', /\| full \| .*; needs `restd` \| 26\.05 and newer \| .* \| `bookworm` \|$/],
  ['x11', /`WITH_SLURM_X11 in config\.h`/],
  ['salloc_kill_cmd', /\| none \|/],
])('%s', (feature, said) => expect(row(feature)).toMatch(said));

test('the smaller sets come first', () => {
  expect(page.indexOf('`hwloc`')).toBeLessThan(page.indexOf('`curl`'));
  expect(page.indexOf('`x11`')).toBeLessThan(page.indexOf('`contribs`'));
});
