import { describe, expect, test } from '@jest/globals';
import {
  choicePattern,
  choiceWord,
  defaultChoice,
  type FeatureChoice,
  formatChoice,
  parseChoice,
  readChoiceWord,
  type Switches,
  switchVariants,
  wanted,
} from '../../../src/targets/feature-choice.js';
import { featureSets } from '../../../src/targets/feature-sets.js';
import { recipe } from '../../support/fakes.js';

const { variants } = recipe;
const names = variants.map(({ variant }) => variant);
const parsed = (text: string): FeatureChoice => {
  const choice = parseChoice(text, variants);
  if (Array.isArray(choice)) throw new Error(choice.join(' '));
  return choice;
};
const distribution = { id: 'bookworm', lacking: [] };

describe('a choice', () => {
  test.each([
    ['', 'default', undefined],
    ['default', 'default', undefined],
    ['full', 'full', 'full'],
    ['minimal', 'minimal', 'minimal'],
    ['full -sview', 'full -sview', 'full-without-sview'],
    ['+ucx, +hdf5', 'default +hdf5 +ucx', 'with-hdf5-ucx'],
    ['-lua\n+hdf5', 'default +hdf5 -lua', 'with-hdf5-without-lua'],
    ['minimal +pam +mysql', 'minimal +mysql +pam', 'minimal-with-mysql-pam'],
    // What the set has anyway, or does not have, says nothing.
    ['default +lua -sview', 'default', undefined],
    // The shortest way to say it is its name, however long it was said.
    [
      'full -contribs -freeipmi -hdf5 -llhttp -multiple_slurmd -ofed -pyxis -rdkafka -rrdtool -s2n -sview',
      'default +ucx',
      'with-ucx',
    ],
  ])('%j is %s, in names %s', (text, form, word) => {
    const choice = parsed(text);
    expect(formatChoice(choice)).toBe(form);
    expect(parsed(formatChoice(choice))).toEqual(choice);
    expect(choiceWord(choice)).toBe(word);
    expect(readChoiceWord(word)).toEqual(choice);
    if (word !== undefined) expect(word).toMatch(new RegExp(`^(?:${choicePattern})$`));
  });

  test.each([
    ['fulll', /'fulll' is not a known feature. Did you mean 'full'/],
    ['+hdf', /'\+hdf' is not a known feature. Did you mean '\+hdf5'/],
    ['hdf5', /'hdf5' needs a sign: \+hdf5 adds it, -hdf5 leaves it out/],
    ['+nothing_like_it', /the features are cgroup, contribs, curl/],
    ['minimal full', /minimal and full are two sets/],
    ['+lua -lua', /\+lua and -lua contradict each other/],
    ['-jwt', /restd can't be without jwt: add -restd, or leave out -jwt/],
    ['minimal +ucx', /ucx can't be without pmix: add \+pmix, too/],
  ])('%j is refused', (text, reason) => {
    expect([parseChoice(text, variants)].flat().join(' ')).toMatch(reason);
  });

  test('all that is wrong is told', () => {
    expect(parseChoice('full minimal +lau lua', variants)).toHaveLength(3);
  });
});

test('each set has what the one before it has', () => {
  const sets = featureSets.map((base) => wanted({ ...defaultChoice, base }, variants));
  for (const [index, set] of sets.entries()) {
    expect(set).toEqual(expect.arrayContaining(sets[index - 1] ?? []));
    expect(set.length).toBeGreaterThan(sets[index - 1]?.length ?? 0);
  }
});

describe('switches', () => {
  const switched = (text: string, release: string, lacking: readonly string[] = []) =>
    switchVariants(parsed(text), variants, release, { ...distribution, lacking });

  test('the default set needs no word', () => {
    expect(switched('', '24.11.7')).toMatchObject({ words: [] });
  });

  test('what is on and off is all there is', () => {
    for (const set of featureSets) {
      const { on, off } = switched(set, '26.05.3') as Switches;
      expect([...on, ...off].sort()).toEqual([...names].sort());
    }
  });

  test.each<[string, string, readonly string[], readonly string[]]>([
    [
      'minimal',
      '26.05.3',
      [],
      ['~curl', '~jwt', '~lua', '~lz4', '~mysql', '~pam', '~pmix', '~readline', '~restd', '~x11'],
    ],
    ['+ucx -lua', '26.05.3', [], ['~lua', '+ucx']],
    ['+salloc_kill_cmd', '22.05.0', [], ['+salloc_kill_cmd']],
    // Before its series, and after its last, a set goes without.
    [
      'full -sview -contribs',
      '22.05.11',
      [],
      ['+freeipmi', '+hdf5', '+multiple_slurmd', '+ofed', '+pyxis', '+rrdtool', '+ucx'],
    ],
    [
      'full -sview -contribs',
      '23.11.11',
      [],
      ['+freeipmi', '+hdf5', '+multiple_slurmd', '+ofed', '+pyxis', '+rdkafka', '+rrdtool', '+ucx'],
    ],
    [
      'full -sview -contribs',
      '24.05.0',
      ['pyxis'],
      ['+freeipmi', '+hdf5', '+multiple_slurmd', '+ofed', '+rdkafka', '+ucx'],
    ],
    // What the distribution lacks takes with it what needs that.
    [
      'full -contribs -sview -hdf5 -ofed',
      '26.05.3',
      ['pmix', 'jwt', 's2n'],
      ['+freeipmi', '~jwt', '+multiple_slurmd', '~pmix', '+pyxis', '+rdkafka', '~restd'],
    ],
  ])('%s of %s without %j: %j', (text, release, lacking, words) => {
    expect(switched(text, release, lacking)).toMatchObject({ words });
  });

  test.each<[string, string, readonly string[], readonly string[]]>([
    ['+s2n', '24.11.7', [], ['s2n came with Slurm 25.05; this is 24.11.7.']],
    ['+rrdtool', '24.05.1', [], ['Slurm has had no rrdtool since 23.11; this is 24.05.1.']],
    ['+llhttp', '26.05.0', ['llhttp'], ['llhttp is not to be had for bookworm.']],
    ['+ucx', '26.05.0', ['pmix'], ['ucx needs pmix, which is not to be had for bookworm.']],
    [
      '+s2n +rdkafka',
      '22.05.0',
      [],
      ['rdkafka came with Slurm 23.02; this is 22.05.0.', 's2n came with Slurm 25.05; this is 22.05.0.'],
    ],
  ])('%s of %s without %j is refused', (text, release, lacking, reasons) => {
    expect(switched(text, release, lacking)).toEqual(reasons);
  });

  test('a name out of a file, which no table has', () => {
    const choice = readChoiceWord('with-warp_drive');
    expect(switchVariants(choice, variants, '26.05.3', distribution)).toEqual([
      'warp_drive is not a known feature.',
    ]);
  });
});
