import { describe, expect, test } from '@jest/globals';

// Plain JavaScript without types, so the compiler must not look for them.
const bench = (name: string) => import(`../../../bench/${name}.mjs`);
const { comparisons, sections, shown, targets } = await bench('table');
const { formatPage, formatText } = await bench('page');

const ours = (change: object = {}) => ({
  release: '24.11.6',
  total: 90,
  smokeTest: 10,
  withoutSmokeTest: 80,
  cacheHit: 'none',
  containers: { build: 1, smoke: 1 },
  concretized: 1,
  compiled: 3,
  compiledNames: ['compiler-wrapper', 'gcc-runtime', 'slurm'],
  concretize: 10,
  installAndPush: 60,
  tarball: 0.5,
  audit: 1,
  tarballBytes: 8e6,
  entryBytes: { package: 9e6, lock: 8e4 },
  stages: [
    { stage: 'Install', seconds: 60 },
    { stage: 'Smoke test', seconds: 10 },
  ],
  ...change,
});
const plain = {
  spec: 'slurm@=24-11-6-1',
  installedBytes: 400e6,
  buildCacheBytes: 150e6,
  missingPlugins: [],
  cold: {
    ...{ concretize: 20, install: 100, push: 10, installAndPush: 110, tarball: 15, tarballBytes: 160e6 },
    total: 160,
  },
  warm: { concretize: 5, install: 5, tarball: 15, tarballBytes: 160e6, total: 40 },
};
const none = { concretized: 0, compiled: 0, compiledNames: [] };
const whole = {
  release: '24.11.6',
  nextRelease: '24.11.7',
  toolchain: 'bookworm',
  jobs: 2,
  cases: [
    'startup',
    'cold',
    'nothing',
    'packaging',
    'system',
    'cuda',
    'patch',
    'caches',
    'install',
    'bare',
    'worth',
    'plain',
  ],
  machine: {
    ...{ date: '2000-01-01T00:00:00.000Z', cpu: 'Some CPU', cores: 2, memoryBytes: 2 ** 33, node: 'v20.0.0' },
    ...{
      system: 'Debian',
      kernel: '6.1',
      loadAtStart: 0.1,
      engine: 'Docker 1, overlay2',
      otherContainers: 0,
    },
  },
  peakLoads: { cold: 2.2 },
  failed: [] as { name: string; message: string }[],
  preparation: { sources: 1, clones: 2, builderImage: { seconds: 3, reused: true } },
  ours: {
    cold: ours(),
    nothing: ours({
      ...none,
      total: 1,
      smokeTest: 0,
      containers: { build: 0, smoke: 0 },
      cacheHit: 'result',
    }),
    packaging: ours({ ...none, total: 14, withoutSmokeTest: 4, cacheHit: 'build-cache' }),
    system: ours({ ...none, total: 8, withoutSmokeTest: 3, cacheHit: 'build-cache', tarballBytes: 4e6 }),
    cuda: ours({ withoutSmokeTest: 36, compiled: 1, compiledNames: ['slurm'], tarballBytes: 8.5e6 }),
    patch: ours({ release: '24.11.7', withoutSmokeTest: 72, compiled: 1, compiledNames: ['slurm'] }),
  },
  plain,
  bare: { arguments: ['--disable-static'], configure: 10, make: 80, install: 10, total: 100 },
  caches: {
    entries: 5,
    directory: { bytes: 18e6, save: 0.2, restore: 0.1 },
    service: { bytes: 17e6, save: 0.8, restore: 0.6 },
  },
  install: { seconds: 0.5, times: [0.5] },
  worth: {
    index: { bytes: 0.5e6, without: 20, with: 5 },
    ccache: { bytes: 10e6, without: 200, with: 150 },
    sources: { bytes: 12e6 },
  },
  startup: { 'v20.0.0': { node: 40, main: 150, cliVersion: 90 } },
};

const byName = (rows: { what: string }[]) => Object.fromEntries(rows.map((row) => [row.what, row]));
const tableOf = (results: object, title: string): string[][] =>
  sections(results).find((section: { title: string }) => section.title === title)?.rows;

describe('comparisons', () => {
  test('leave the smoke test out where the other way has none', () => {
    const values = Object.fromEntries(
      comparisons(whole).map(({ id, value }: { id: string; value: number }) => [id, value]),
    );
    expect(values).toEqual({
      ...{ cold: 0.5, bare: 0.8, nothing: 0.025, packaging: 0.1, cuda: 0.45, patch: 0.9, concretize: 0.5 },
      ...{ install: 60 / 110, pack: 0.5 / 15, packed: 0.1, bytes: 0.025, pushed: 0.06 },
    });
  });

  test('take figures of the same run only', () => {
    expect(comparisons({ ...whole, plain: undefined, bare: undefined })).toEqual([
      expect.objectContaining({ id: 'cuda', against: 'ours, cold' }),
      expect.objectContaining({ id: 'patch', against: 'ours, cold' }),
    ]);
    expect(comparisons({})).toEqual([]);
  });
});

describe('targets', () => {
  test('say which figures keep them', () => {
    const missed = targets(whole).filter((row: { met: boolean }) => !row.met);
    expect(missed).toEqual([expect.objectContaining({ value: 0.9, limit: 0.75 })]);
    expect(targets(whole)).toHaveLength(23);
  });

  test('count containers, concretizations and packages', () => {
    const rows = byName(
      targets({
        ours: {
          nothing: ours({ containers: { build: 1, smoke: 1 } }),
          packaging: ours(),
          patch: ours({ compiled: 2, compiledNames: ['slurm', 'nvml'] }),
        },
      }),
    );
    expect(rows['nothing changed: containers']).toMatchObject({ value: 2, met: false });
    expect(rows['only packaging changed: concretizations']).toMatchObject({ value: 1, met: false });
    expect(rows['only packaging changed: packages compiled']).toMatchObject({ value: 3, met: false });
    expect(rows['next patch release: compiled besides Slurm']).toMatchObject({ value: 1, met: false });
  });

  test('are missed at the limit where they say "under", and not otherwise', () => {
    const rows = byName(targets({ ours: { cold: ours({ audit: 2, tarball: 1 }) }, install: { seconds: 1 } }));
    expect(rows['audit']).toMatchObject({ met: false });
    expect(rows['install.sh']).toMatchObject({ met: false });
    expect(rows['make the tarballs']).toMatchObject({ met: true });
  });

  test('are left out where nothing was measured', () => {
    expect(targets({ startup: whole.startup })).toHaveLength(2);
  });
});

describe('tables', () => {
  test('have figures with units, limits and verdicts', () => {
    expect(tableOf(whole, 'Targets')).toEqual(
      expect.arrayContaining([
        ['nothing changed: ours / plain, warm', '0.025', '0.05', 'met'],
        ['next patch release: ours / ours, cold', '0.90', '0.75', 'NOT MET'],
        ['software tarball', '8.0 MB', '16 MB', 'met'],
        ['CUDA: more in the tarball', '0.5 MB', '1 MB', 'met'],
        ['libraries brought: more than `system`', '1.00 s', '8 s', 'met'],
        ['audit', '1.00 s', 'under 2 s', 'met'],
        ["action's first line, Node v20.0.0", '150 ms', 'under 300 ms', 'met'],
      ]),
    );
  });

  test('show the cases of ours side by side', () => {
    expect(tableOf(whole, 'Ours, by case')).toEqual(
      expect.arrayContaining([
        ['nothing changed', '24.11.6', '1.00 s', '0.00 s', 'result', '0', 'no', 'nothing'],
        ['next patch release', '24.11.7', '90.0 s', '10.0 s', 'none', '2', 'yes', 'slurm'],
      ]),
    );
    expect(tableOf(whole, 'Ours, by stage')?.[0]).toEqual(['Install', ...Array(6).fill('60.0 s')]);
  });

  test('weigh the time that a cache saves against its bytes', () => {
    expect(tableOf(whole, 'What a cache is worth')).toEqual([
      ["Spack's indexes", 'kept', '0.5 MB', 'bring the lock', '20.0 s', '5.00 s', '30.00'],
      [
        "ccache's files and configure's results",
        ...['kept', '10.0 MB', 'install of the next patch release', '200.0 s', '150.0 s', '5.00'],
      ],
      ['source archive of Slurm', 'not kept', '12.0 MB', 'download, when it is compiled', '—', '—', '—'],
    ]);
  });

  test('of what was not measured are left out', () => {
    const titles = sections({ startup: whole.startup }).map((section: { title: string }) => section.title);
    expect(titles).toEqual(['Targets', 'Start-up: from the start to the first line']);
  });

  test.each([
    [undefined, 's', '—'],
    [0.123, 'ratio', '0.12'],
    [0.0123, 'ratio', '0.012'],
    [12.345, 's', '12.3 s'],
    [0, '', '0'],
  ])('show %p %p as %p', (value, unit, text) => {
    expect(shown(value, unit)).toBe(text);
  });
});

describe('the page', () => {
  test('has the machine, every table and how to repeat it', () => {
    const page: string = formatPage(whole);
    for (const { title } of sections(whole)) expect(page).toContain(`\n## ${title}\n\n|`);
    for (const text of ['Some CPU, 2 cores', '8.0 GiB', 'Docker 1, overlay2', 'cold 2.2', '## Repeat'])
      expect(page).toContain(text);
    expect(page).not.toMatch(/undefined|NaN/);
    for (const line of page.split('\n').filter((text) => text.startsWith('|'))) expect(line).toMatch(/\|$/);
  });

  test('of a run in parts has no word of what is not there', () => {
    const part = { ...whole, ours: { cold: ours() }, plain: undefined, bare: undefined, caches: undefined };
    for (const text of [formatPage(part), formatText(part)]) expect(text).not.toMatch(/undefined|NaN/);
  });

  test('names what failed', () => {
    const results = { ...whole, failed: [{ name: 'bare', message: 'make failed' }] };
    expect(formatPage(results)).toContain('Failed in this run, and so not measured: bare.');
    expect(formatText(results)).toContain('FAILED bare: make failed');
  });
});
