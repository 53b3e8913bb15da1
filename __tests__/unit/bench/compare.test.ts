import { describe, expect, test } from '@jest/globals';
import { type Compared, compare, compareSection, readEarlier } from '../../../bench/compare.js';
import { formatPage, formatText } from '../../../bench/page.js';
import type { Rounds } from '../../../bench/results.js';
import { buildFigures, coldFigures, results } from '../../support/bench.js';

const install = (...seconds: number[]): Rounds => ({ install: seconds.map((value) => ({ seconds: value })) });
const between = (before: Rounds, now: Rounds) =>
  compare(results({ rounds: before }), results({ rounds: now }));
const verdicts = ({ changes }: Compared) =>
  Object.fromEntries(changes.map(({ what, verdict }) => [what, verdict]));

describe('compare', () => {
  test.each([
    ['as before', [1, 1.01, 0.99], [1.02, 1.05, 1.01]],
    ['worse', [1, 1.01, 0.99], [1.2, 1.21, 1.19]],
    ['better', [1, 1.01, 0.99], [0.8, 0.81, 0.79]],
    // Its own spread says that such a difference means nothing.
    ['as before', [1, 1.6, 0.7], [1.3, 0.9, 1.7]],
    // One of each tells no spread: twice the slack.
    ['as before', [1], [1.15]],
    ['worse', [1], [1.25]],
    // What is a tenth of a second is not worth a word.
    ['as before', [0.05, 0.05, 0.05], [0.12, 0.12, 0.12]],
  ])('%s: %j, then %j', (verdict, before, now) => {
    expect(verdicts(between(install(...before), install(...now)))).toEqual({ 'install.sh': verdict });
  });

  test('one more compiled package or container is worse, whatever the times say', () => {
    const more = coldFigures({
      compiled: 4,
      containers: { build: 1, fetch: 1, share: 0, audit: 1, smoke: 1 },
    });
    const { changes } = between({ cold: [coldFigures()] }, { cold: [more] });
    expect(changes.filter(({ verdict }) => verdict === 'worse').map(({ what }) => what)).toEqual([
      'cold: packages compiled',
      'cold: containers',
    ]);
  });

  test('bytes of a tarball may grow by a hundredth, what the whole machine counts by more', () => {
    const { resources } = buildFigures();
    const larger = { tarballBytes: 8.3e6, resources: { ...resources, memory: 1.1e9, disk: 3e9 } };
    const found = verdicts(between({ system: [buildFigures()] }, { system: [buildFigures(larger)] }));
    const title = '`system`, the same packages';
    expect(found[`${title}: software tarball`]).toBe('worse');
    expect(found[`${title}: most memory`]).toBe('as before');
    expect(found[`${title}: most disk`]).toBe('worse');
  });

  test('names the stage that takes longer', () => {
    const slow = coldFigures({ stages: [{ stage: 'install', seconds: 90 }] });
    const found = verdicts(between({ cold: [coldFigures()] }, { cold: [slow] }));
    expect(found['cold: stage install']).toBe('worse');
    expect(found['cold: stage smoke']).toBeUndefined();
  });

  test("leaves another machine's times out, and says so", () => {
    const here = results({ rounds: { startup: [{ 'v20.0.0': { node: 40, main: 400, cliVersion: 80 } }] } });
    const there = results({
      machine: { ...here.machine, cpu: 'Another CPU' },
      rounds: { startup: [{ 'v20.0.0': { node: 40, main: 100, cliVersion: 80 } }] },
    });
    const { changes, notes } = compare(there, here);
    expect(changes.map(({ unit }) => unit)).toEqual(['ratio']);
    expect(notes).toEqual([expect.stringContaining('another machine (Another CPU, 2 cores, Debian;')]);
  });

  test('says when there was nothing to compare', () => {
    expect(between({}, install(1))).toEqual({ changes: [], notes: ['The runs have no figure in common.'] });
  });
});

test('a comparison is a table of its own, on the terminal and on the page', () => {
  const compared = between(install(1, 1, 1), install(1.5, 1.5, 1.5));
  expect(compareSection(compared).rows).toEqual([
    ['install.sh', '1.00 s', '1.50 s', '50 %', '10 %', 'WORSE'],
  ]);
  expect(formatPage(results(), compared)).toContain('| install.sh | 1.00 s | 1.50 s | 50 % | 10 % | WORSE |');
  expect(formatText(results(), compared)).toContain('-- Against the earlier run');
  expect(formatText(results(), between({}, {}))).toContain('The runs have no figure in common.');
});

describe('readEarlier', () => {
  const text = JSON.stringify(results());

  test('takes what --json has written', () => {
    expect(readEarlier(text, results()).rounds).toEqual(results().rounds);
  });

  test('refuses another layout and other builds', () => {
    const old = JSON.stringify({ ...results(), layout: 1 });
    expect(() => readEarlier(old, results())).toThrow("not what this version's --json writes");
    expect(() => readEarlier('{}', results())).toThrow("not what this version's --json writes");
    expect(() => readEarlier(text, results({ release: '25.11.7' }))).toThrow(
      'it is of other builds: 24.11.6, then 24.11.7, on bookworm, and this run is of 25.11.7, then',
    );
  });
});
