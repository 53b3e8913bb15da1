// The tables of a run. Pure: results in, rows of text out.
import type { StageId } from '../src/pipeline/stage.js';
import { type BuildFigures, type Figures, type Results, type WorthName, worthNames } from './results.js';
import { comparisons, containerCount, shown, shownLimit, targets } from './targets.js';

/** A table: a title, a head and rows of text. */
export interface Section {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** All tables of a run; those without rows are left out. */
export function sections({ figures, preparation }: Pick<Results, 'figures' | 'preparation'>): Section[] {
  return [
    {
      title: 'Targets',
      head: ['what', 'measured', 'at most', ''],
      rows: targets(figures).map((row) => [
        row.what,
        shown(row.value, row.unit),
        shownLimit(row),
        row.met ? 'met' : 'NOT MET',
      ]),
    },
    {
      title: 'Ratios',
      head: ['what', 'ours', 'against', 'its figure', 'ratio'],
      rows: comparisons(figures).map((row) => [
        row.what,
        shown(row.ours, row.unit),
        row.against,
        shown(row.other, row.unit),
        shown(row.value, 'ratio'),
      ]),
    },
    ...buildSections(figures),
    plainSection(figures),
    bareSection(figures),
    cachesSection(figures),
    worthSection(figures),
    startupSection(figures),
    preparationSection(preparation),
  ].filter((section) => section.rows.length > 0);
}

/** The cases that are builds of ours, as tables call them. */
export const buildTitles = {
  first: 'first run',
  cold: 'cold',
  nothing: 'nothing changed',
  packaging: 'only packaging changed',
  system: '`system`, the same packages',
  cuda: 'CUDA after the CPU',
  patch: 'next patch release',
} as const;
/** A case that is a build of ours. */
export type BuildCase = keyof typeof buildTitles;

function buildSections(figures: Figures): Section[] {
  const names = Object.keys(buildTitles) as BuildCase[];
  const builds = names.flatMap((name): [string, BuildFigures][] => {
    const found = figures[name];
    return found === undefined ? [] : [[buildTitles[name], found]];
  });
  return [
    {
      title: 'Ours, by case',
      head: ['case', 'release', 'whole', 'smoke test', 'cache', 'containers', 'concretized', 'compiled'],
      rows: builds.map(([title, it]) => [
        title,
        it.release,
        shown(it.total, 's'),
        shown(it.smokeTest, 's'),
        it.cacheHit,
        String(containerCount(it)),
        it.concretized > 0 ? 'yes' : 'no',
        it.compiled === 0 ? 'nothing' : it.compiledNames.join(' '),
      ]),
    },
    {
      title: 'Ours, by stage',
      head: ['stage', ...builds.map(([title]) => title)],
      rows: stageRows(builds.map(([, it]) => it)),
    },
    {
      title: 'Ours, what it takes of the machine',
      head: ['case', 'downloaded', 'instead out of files', 'written', 'most memory', 'most disk'],
      rows: builds.map(
        ([
          title,
          {
            resources: { received, written, memory, disk },
          },
        ]) => [
          title,
          shown(received, 'bytes'),
          title === buildTitles.first ? shown(fromFiles(figures), 'bytes') : '—',
          ...[written, memory, disk].map((value) => shown(value, 'bytes')),
        ],
      ),
    },
  ];
}

function fromFiles({ first }: Figures): number | undefined {
  return first === undefined ? undefined : first.fromFiles.clones + first.fromFiles.archive;
}

function stageRows(builds: readonly BuildFigures[]): string[][] {
  const stages = [...new Set(builds.flatMap((it) => it.stages.map(({ stage }) => stage)))];
  const secondsOf = (it: BuildFigures, wanted: StageId) =>
    it.stages.find(({ stage }) => stage === wanted)?.seconds;
  return stages.map((stage) => [stage, ...builds.map((it) => shown(secondsOf(it, stage), 's'))]);
}

function plainSection({ plain }: Figures): Section {
  const parts = {
    ...{ concretize: 'concretize', install: 'install', push: 'push', tarball: '`tar -chzf`' },
    total: 'start to end',
  } as const;
  const names = Object.keys(parts) as (keyof typeof parts)[];
  return {
    title: 'Plain, by part',
    head: ['part', 'cold', 'warm'],
    rows:
      plain === undefined
        ? []
        : names.map((name) => [
            parts[name],
            ...[plain.cold, plain.warm].map((times) => shown(times[name], 's')),
          ]),
  };
}

function bareSection({ bare }: Figures): Section {
  const parts = { configure: 'configure', make: 'make', install: 'make install', total: 'all' } as const;
  const names = Object.keys(parts) as (keyof typeof parts)[];
  return {
    title: 'Bare make, by part',
    head: ['part', 'time'],
    rows: bare === undefined ? [] : names.map((name) => [parts[name], shown(bare[name], 's')]),
  };
}

function cachesSection({ caches }: Figures): Section {
  const stores = { directory: 'directory', service: 'cache service on loopback' } as const;
  const names = Object.keys(stores) as (keyof typeof stores)[];
  return {
    title: 'Push and restore of all entries of the cold build',
    head: ['store', 'entries', 'stored', 'save', 'restore'],
    rows:
      caches === undefined
        ? []
        : names.map((name) => {
            const { bytes, save, restore } = caches[name];
            const times = [save, restore].map((seconds) => shown(seconds, 's'));
            return [stores[name], String(caches.entries), shown(bytes, 'bytes'), ...times];
          }),
  };
}

/** What a thing is, whether it is kept, and what a cache of it saves time of. */
const things: Readonly<Record<WorthName, readonly [string, string, string]>> = {
  result: ['result', 'kept', 'whole step'],
  lock: ['lock', 'kept', 'bring the lock'],
  index: ["Spack's indexes", 'kept', 'bring the lock'],
  packages: ['built packages', 'kept', 'install'],
  ccache: ["ccache's files and configure's results", 'kept', 'install of the next patch release'],
  clones: ['clones of Spack and its packages', 'not kept', 'bring the sources'],
  image: ['builder image', 'not kept', 'make the image'],
  sources: ['source archive of Slurm', 'not kept', 'download, when it is compiled'],
};

function worthSection({ worth = {} }: Figures): Section {
  return {
    title: 'What a cache is worth',
    head: ['what', '', 'bytes', 'saves time of', 'without', 'with', 'seconds saved for each MB'],
    rows: worthNames.flatMap((name) => {
      const figure = worth[name];
      if (figure === undefined) return [];
      const { bytes, without, with: having } = figure;
      const known = bytes !== undefined && without !== undefined && having !== undefined;
      const perMegabyte = known ? ((without - having) / (bytes / 1e6)).toFixed(2) : '—';
      const [what, kept, stage] = things[name];
      return [
        [what, kept, shown(bytes, 'bytes'), stage, shown(without, 's'), shown(having, 's'), perMegabyte],
      ];
    }),
  };
}

const startupSection = ({ startup = {} }: Figures): Section => ({
  title: 'Start-up: from the start to the first line',
  head: ['Node', 'node alone', 'action', 'cli version'],
  rows: Object.entries(startup).map(([version, { node, main, cliVersion }]) => [
    version,
    ...[node, main, cliVersion].map((value) => shown(value, 'ms')),
  ]),
});

const preparationSection = (preparation: Results['preparation']): Section => ({
  title: 'Before all, counted on no side',
  head: ['what', 'time'],
  rows:
    preparation === undefined
      ? []
      : [
          ['source archives', shown(preparation.sources, 's')],
          ['clones of Spack and its packages', shown(preparation.clones, 's')],
          [
            'builder image',
            preparation.builderImage.reused ? 'here already' : shown(preparation.builderImage.seconds, 's'),
          ],
        ],
});
