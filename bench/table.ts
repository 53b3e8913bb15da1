// The figures beside each other, and what the project promises of them. Pure: figures in, rows out.

const of = (a, b) => (a === undefined || b === undefined ? undefined : a / b);
const less = (a, b) => (a === undefined || b === undefined ? undefined : a - b);
const plus = (a, b) => (a === undefined || b === undefined ? undefined : a + b);
const known = (row) => row.value !== undefined;

/** Pairs of figures of one run and their ratios; those of which one was not measured are left out. */
export function comparisons({ ours = {}, plain = {}, bare }) {
  const { cold, nothing, packaging, system, cuda, patch } = ours;
  const packed = plus(cold?.tarball, cold?.audit);
  const row = (id, what, one, against, other, unit = 's') => ({
    ...{ id, what, ours: one, against, other, unit },
    value: of(one, other),
  });
  return [
    row('cold', 'cold build', cold?.withoutSmokeTest, 'plain, cold', plain.cold?.total),
    row('bare', 'cold build', cold?.withoutSmokeTest, 'bare make', bare?.total),
    row('nothing', 'nothing changed', nothing?.total, 'plain, warm', plain.warm?.total),
    row('packaging', 'only packaging changed', packaging?.withoutSmokeTest, 'plain, warm', plain.warm?.total),
    row('cuda', 'CUDA after the CPU', cuda?.withoutSmokeTest, 'ours, cold', cold?.withoutSmokeTest),
    row('patch', 'next patch release', patch?.withoutSmokeTest, 'ours, cold', cold?.withoutSmokeTest),
    row('concretize', 'concretize, cold', cold?.concretize, 'plain, cold', plain.cold?.concretize),
    row('install', 'install and push, cold', cold?.installAndPush, 'plain, cold', plain.cold?.installAndPush),
    row('pack', 'make the tarballs', cold?.tarball, '`tar -chzf`', plain.cold?.tarball),
    row('packed', 'make the tarballs and audit', packed, '`tar -chzf`', plain.cold?.tarball),
    // Neither of these two brings libraries.
    row(
      'bytes',
      'software tarball, `system`',
      system?.tarballBytes,
      '`tar -chzf`',
      plain.cold?.tarballBytes,
      'bytes',
    ),
    row('pushed', 'build cache', cold?.entryBytes.package, 'plain, cold', plain.buildCacheBytes, 'bytes'),
  ].filter(known);
}

/** Each target that was measured, with whether it is met. */
export function targets(results) {
  const { ours = {}, install, startup = {} } = results;
  const { cold, nothing, packaging, system, cuda, patch } = ours;
  const ratios = Object.fromEntries(comparisons(results).map(({ id, value }) => [id, value]));
  const row = (what, value, limit, unit, under = false) => ({
    ...{ what, value, limit, unit, under },
    met: value !== undefined && (under ? value < limit : value <= limit),
  });
  const others = patch?.compiledNames.filter((name) => name !== 'slurm').length;
  return [
    row('nothing changed: whole step', nothing?.total, 5, 's'),
    row('nothing changed: containers', nothing && containerCount(nothing), 0, ''),
    row('nothing changed: ours / plain, warm', ratios.nothing, 1 / 20, 'ratio'),
    row('only packaging changed: whole step', packaging?.total, 15, 's'),
    row('only packaging changed: concretizations', packaging?.concretized, 0, ''),
    row('only packaging changed: packages compiled', packaging?.compiled, 0, ''),
    row(
      'libraries brought: more than `system`',
      less(packaging?.withoutSmokeTest, system?.withoutSmokeTest),
      8,
      's',
    ),
    row('`system` after it: packages compiled', system?.compiled, 0, ''),
    row('CUDA after the CPU: ours / ours, cold', ratios.cuda, 0.5, 'ratio'),
    row('CUDA: more in the tarball', less(cuda?.tarballBytes, cold?.tarballBytes), 1e6, 'bytes'),
    row('next patch release: packages compiled', patch?.compiled, 1, ''),
    row('next patch release: compiled besides Slurm', others, 0, ''),
    row('next patch release: ours / ours, cold', ratios.patch, 0.75, 'ratio'),
    row('cold: ours / plain, cold', ratios.cold, 0.6, 'ratio'),
    row('cold: ours / bare make', ratios.bare, 1.3, 'ratio'),
    row('software tarball', cold?.tarballBytes, 16e6, 'bytes'),
    row('software tarball, `system`: ours / `tar -chzf`', ratios.bytes, 1 / 10, 'ratio'),
    row('make the tarballs', cold?.tarball, 1.5, 's'),
    row('make the tarballs and audit: ours / `tar -chzf`', ratios.packed, 1 / 5, 'ratio'),
    row('audit', cold?.audit, 2, 's', true),
    row('install.sh', install?.seconds, 1, 's', true),
    ...Object.entries(startup).flatMap(([version, { node, main, cliVersion }]) => [
      row(`action's first line, Node ${version}`, main, 300, 'ms', true),
      row(`slurm-factory version / node alone, Node ${version}`, cliVersion / node, 2.5, 'ratio'),
    ]),
  ].filter(known);
}

const containerCount = ({ containers }) => containers.build + containers.smoke;

/** A figure with its unit; `—` for one that there is not. */
export function shown(value, unit) {
  if (value === undefined) return '—';
  if (unit === 'bytes') return `${(value / 1e6).toFixed(1)} MB`;
  if (unit === 'ms') return `${value.toFixed(0)} ms`;
  if (unit === 's') return `${value.toFixed(value < 10 ? 2 : 1)} s`;
  return unit === 'ratio' ? value.toFixed(value < 0.1 ? 3 : 2) : String(value);
}

/** A limit; `under` says that the limit itself is too much. */
const shownLimit = ({ limit, unit, under }) => {
  const text = { ratio: String(limit), s: `${limit} s`, bytes: `${limit / 1e6} MB` }[unit];
  return `${under ? 'under ' : ''}${text ?? shown(limit, unit)}`;
};

/** All tables of a run: a title, a head and rows of text; those without rows are left out. */
export function sections(results) {
  const { ours = {}, plain, bare, caches, worth, startup = {}, preparation } = results;
  return [
    {
      title: 'Targets',
      head: ['what', 'measured', 'at most', ''],
      rows: targets(results).map((row) => [
        row.what,
        shown(row.value, row.unit),
        shownLimit(row),
        row.met ? 'met' : 'NOT MET',
      ]),
    },
    {
      title: 'Ratios',
      head: ['what', 'ours', 'against', 'its figure', 'ratio'],
      rows: comparisons(results).map((row) => [
        row.what,
        shown(row.ours, row.unit),
        row.against,
        shown(row.other, row.unit),
        shown(row.value, 'ratio'),
      ]),
    },
    ...oursSections(ours),
    plainSection(plain),
    bareSection(bare),
    cachesSection(caches),
    worthSection(worth),
    {
      title: 'Start-up: from the start to the first line',
      head: ['Node', 'node alone', 'action', 'cli version'],
      rows: Object.entries(startup).map(([version, { node, main, cliVersion }]) => [
        version,
        ...[node, main, cliVersion].map((value) => shown(value, 'ms')),
      ]),
    },
    preparationSection(preparation),
  ].filter((section) => section.rows.length > 0);
}

const caseTitles = {
  cold: 'cold',
  nothing: 'nothing changed',
  packaging: 'only packaging changed',
  system: '`system`, the same packages',
  cuda: 'CUDA after the CPU',
  patch: 'next patch release',
};

function oursSections(ours) {
  const cases = Object.keys(caseTitles).filter((name) => ours[name] !== undefined);
  const stages = [...new Set(cases.flatMap((name) => ours[name].stages.map(({ stage }) => stage)))];
  const secondsOf = (name, wanted) => ours[name].stages.find(({ stage }) => stage === wanted)?.seconds;
  return [
    {
      title: 'Ours, by case',
      head: ['case', 'release', 'whole', 'smoke test', 'cache', 'containers', 'concretized', 'compiled'],
      rows: cases.map((name) => {
        const it = ours[name];
        return [
          caseTitles[name],
          it.release,
          shown(it.total, 's'),
          shown(it.smokeTest, 's'),
          it.cacheHit,
          String(containerCount(it)),
          it.concretized > 0 ? 'yes' : 'no',
          it.compiled === 0 ? 'nothing' : it.compiledNames.join(' '),
        ];
      }),
    },
    {
      title: 'Ours, by stage',
      head: ['stage', ...cases.map((name) => caseTitles[name])],
      rows: stages.map((stage) => [stage, ...cases.map((name) => shown(secondsOf(name, stage), 's'))]),
    },
  ];
}

function plainSection(plain) {
  const parts = { concretize: 'concretize', install: 'install', push: 'push', tarball: '`tar -chzf`' };
  const times = (name) => ['cold', 'warm'].map((way) => shown(plain[way][name], 's'));
  const rows = Object.entries({ ...parts, total: 'start to end' });
  return {
    title: 'Plain, by part',
    head: ['part', 'cold', 'warm'],
    rows: plain === undefined ? [] : rows.map(([name, title]) => [title, ...times(name)]),
  };
}

function bareSection(bare) {
  const rows = { configure: 'configure', make: 'make', install: 'make install', total: 'all' };
  return {
    title: 'Bare make, by part',
    head: ['part', 'time'],
    rows:
      bare === undefined ? [] : Object.entries(rows).map(([name, title]) => [title, shown(bare[name], 's')]),
  };
}

function cachesSection(caches) {
  const stores = { directory: 'directory', service: 'cache service on loopback' };
  return {
    title: 'Push and restore of all entries of the cold build',
    head: ['store', 'entries', 'stored', 'save', 'restore'],
    rows:
      caches === undefined
        ? []
        : Object.entries(stores).map(([name, title]) => {
            const { bytes, save, restore } = caches[name];
            return [
              title,
              String(caches.entries),
              shown(bytes, 'bytes'),
              shown(save, 's'),
              shown(restore, 's'),
            ];
          }),
  };
}

function worthSection(worth) {
  const things = {
    result: ['result', 'kept', 'whole step'],
    lock: ['lock', 'kept', 'bring the lock'],
    index: ["Spack's indexes", 'kept', 'bring the lock'],
    packages: ['built packages', 'kept', 'install'],
    ccache: ["ccache's files and configure's results", 'kept', 'install of the next patch release'],
    clones: ['clones of Spack and its packages', 'not kept', 'bring the sources'],
    image: ['builder image', 'not kept', 'make the image'],
    sources: ['source archive of Slurm', 'not kept', 'download, when it is compiled'],
  };
  return {
    title: 'What a cache is worth',
    head: ['what', '', 'bytes', 'saves time of', 'without', 'with', 'seconds saved for each MB'],
    rows: Object.entries(worth ?? {}).map(([name, { bytes, without, with: having }]) => {
      const saved = without === undefined || having === undefined ? undefined : without - having;
      const perMegabyte = saved === undefined ? '—' : (saved / (bytes / 1e6)).toFixed(2);
      const times = [shown(without, 's'), shown(having, 's'), perMegabyte];
      return [things[name][0], things[name][1], shown(bytes, 'bytes'), things[name][2], ...times];
    }),
  };
}

function preparationSection(preparation) {
  const { sources, clones, builderImage } = preparation ?? {};
  return {
    title: 'Before all, counted on no side',
    head: ['what', 'time'],
    rows:
      preparation === undefined
        ? []
        : [
            ['source archives', shown(sources, 's')],
            ['clones of Spack and its packages', shown(clones, 's')],
            ['builder image', builderImage.reused ? 'here already' : shown(builderImage.seconds, 's')],
          ],
  };
}
