import { describe, expect, test } from '@jest/globals';
import { formatPage, formatText } from '../../../bench/page.js';
import type { Figures } from '../../../bench/results.js';
import { sections } from '../../../bench/table.js';
import { comparisons, shown, targets } from '../../../bench/targets.js';
import { buildFigures, coldFigures, results } from '../../support/bench.js';

const whole = results();
const byName = (figures: Figures) => Object.fromEntries(targets(figures).map((row) => [row.what, row]));
const tableOf = (title: string) => sections(whole).find((section) => section.title === title)?.rows;

describe('comparisons', () => {
  test('leave the smoke test out where the other way has none, but not of a first run', () => {
    expect(Object.fromEntries(comparisons(whole.figures).map(({ id, value }) => [id, value]))).toEqual({
      ...{ first: 1.2, cold: 0.4, bare: 0.8, nothing: 0.01, packaging: 0.1, cuda: 0.45, patch: 0.9 },
      ...{ concretize: 0.5, install: 60 / 110, pack: 0.5 / 15, packed: 0.1, bytes: 0.025, pushed: 0.06 },
    });
  });

  test('take figures of the same run only', () => {
    const { plain: _plain, bare: _bare, ...figures } = whole.figures;
    expect(comparisons(figures)).toEqual([
      expect.objectContaining({ id: 'cuda', against: 'ours, cold' }),
      expect.objectContaining({ id: 'patch', against: 'ours, cold' }),
    ]);
    expect(comparisons({})).toEqual([]);
  });
});

describe('targets', () => {
  test('say which figures keep them', () => {
    const missed = targets(whole.figures).filter((row) => !row.met);
    expect(missed).toEqual([expect.objectContaining({ value: 0.9, limit: 0.62 })]);
    expect(targets(whole.figures)).toHaveLength(25);
  });

  test('count containers, concretizations and packages', () => {
    const rows = byName({
      nothing: buildFigures(),
      packaging: buildFigures(),
      patch: buildFigures({ compiled: 2, compiledNames: ['slurm', 'nvml'] }),
    });
    expect(rows['nothing changed: containers']).toMatchObject({ value: 3, met: false });
    expect(rows['only packaging changed: concretizations']).toMatchObject({ value: 1, met: false });
    expect(rows['only packaging changed: packages compiled']).toMatchObject({ value: 3, met: false });
    expect(rows['next patch release: compiled besides Slurm']).toMatchObject({ value: 1, met: false });
  });

  test('are missed at the limit where they say "under", and not otherwise', () => {
    const rows = byName({ cold: coldFigures({ audit: 2, tarball: 1.5 }), install: { seconds: 1 } });
    expect(rows['audit']).toMatchObject({ met: false });
    expect(rows['install.sh']).toMatchObject({ met: false });
    expect(rows['make the tarballs']).toMatchObject({ met: true });
  });

  test('are left out where nothing was measured', () => {
    const { startup } = whole.figures;
    expect(startup && targets({ startup })).toHaveLength(3);
  });
});

describe('tables', () => {
  test('have figures with units, limits and verdicts', () => {
    expect(tableOf('Targets')).toEqual(
      expect.arrayContaining([
        ['nothing changed: ours / plain, warm', '0.010', '0.05', 'met'],
        ['next patch release: ours / ours, cold', '0.90', '0.62', 'NOT MET'],
        ['first run: ours / bare make', '1.20', '1.3', 'met'],
        ['software tarball', '8.0 MB', '16 MB', 'met'],
        ['CUDA: more in the tarball', '0.5 MB', '1 MB', 'met'],
        ['libraries brought: more than `system`', '1.00 s', '8 s', 'met'],
        ['audit', '1.00 s', 'under 2 s', 'met'],
        ["action's first line, Node v20.0.0", '110 ms', 'under 300 ms', 'met'],
      ]),
    );
  });

  test('show the cases of ours side by side', () => {
    expect(tableOf('Ours, by case')).toEqual(
      expect.arrayContaining([
        ['nothing changed', '24.11.6', '0.40 s', '0.00 s', 'result', '0', 'no', 'nothing'],
        ['next patch release', '24.11.7', '90.0 s', '10.0 s', 'none', '3', 'yes', 'slurm'],
      ]),
    );
    expect(tableOf('Ours, by stage')?.[0]).toEqual(['install', ...Array(7).fill('60.0 s')]);
  });

  test('show what a build takes, and what a first run would download besides', () => {
    const rest = ['3000.0 MB', '1000.0 MB', '2000.0 MB'];
    const rows = tableOf('Ours, what it takes of the machine');
    expect(rows?.[0]).toEqual(['first run', '1.0 MB', '25.0 MB', ...rest]);
    expect(rows?.[1]).toEqual(['cold', '1.0 MB', '—', ...rest]);
  });

  test('weigh the time that a cache saves against its bytes', () => {
    expect(tableOf('What a cache is worth')).toEqual([
      ["Spack's indexes", 'kept', '0.5 MB', 'bring the lock', '20.0 s', '5.00 s', '30.00'],
      [
        "ccache's files and configure's results",
        ...['kept', '10.0 MB', 'install of the next patch release', '200.0 s', '150.0 s', '5.00'],
      ],
      ['source archive of Slurm', 'not kept', '12.0 MB', 'download, when it is compiled', '—', '—', '—'],
    ]);
  });

  test('know no worth of what has no bytes', () => {
    const figures = { worth: { result: { bytes: undefined, without: 20, with: 1 } } };
    expect(sections({ figures })).toEqual([
      expect.objectContaining({
        rows: [['result', 'kept', '—', 'whole step', '20.0 s', '1.00 s', '—']],
      }),
    ]);
  });

  test('of what was not measured are left out', () => {
    const { startup = {} } = whole.figures;
    expect(sections({ figures: { startup } }).map(({ title }) => title)).toEqual([
      'Targets',
      'Start-up: from the start to the first line',
    ]);
  });

  test.each([
    [undefined, 's', '—'],
    [0.123, 'ratio', '0.12'],
    [0.0123, 'ratio', '0.012'],
    [12.345, 's', '12.3 s'],
    [0, 'count', '0'],
  ] as const)('show %p %p as %p', (value, unit, text) => {
    expect(shown(value, unit)).toBe(text);
  });
});

describe('the page', () => {
  test('has the machine, every table and how to repeat it', () => {
    const page = formatPage(whole);
    for (const { title } of sections(whole)) expect(page).toContain(`\n## ${title}\n\n|`);
    for (const text of ['Some CPU, 2 cores', '8.0 GiB', 'Docker 1, overlay2', 'cold 2.2', '## Repeat'])
      expect(page).toContain(text);
    expect(page).not.toMatch(/undefined|NaN/);
    for (const line of page.split('\n').filter((text) => text.startsWith('|'))) expect(line).toMatch(/\|$/);
  });

  test('of a run in parts has no word of what is not there', () => {
    const part = results({ figures: { cold: coldFigures() } });
    for (const text of [formatPage(part), formatText(part)]) expect(text).not.toMatch(/undefined|NaN/);
  });

  test('names what failed, and what the plain way lacks', () => {
    const { plain } = whole.figures;
    const lacking = plain && { ...plain, missingPlugins: ['auth_jwt'] };
    const failed = [{ name: 'bare', message: 'make failed' }] as const;
    const some = results({ failed: [...failed], figures: lacking ? { plain: lacking } : {} });
    expect(formatPage(some)).toContain('Failed in this run, and so not measured: bare.');
    expect(formatPage(some)).toContain('\nplain lacks: auth_jwt\n');
    expect(formatText(some)).toContain('FAILED bare: make failed');
  });
});
