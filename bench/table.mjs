// The figures side by side, and what the project promises of them.

const rows = [
  ['concretize', 'concretize', 's'],
  ['install and push', 'installAndPush', 's'],
  ['tarball', 'tarball', 's'],
  ['tarball', 'tarballBytes', 'MB'],
  ['build cache', 'buildCacheBytes', 'MB'],
  ['cold, start to end', 'total', 's'],
];

/** Ratios ours / plain by figure, and each target with whether it is met. */
export function compare(ours, plain, startup) {
  const ratios = Object.fromEntries(rows.map(([, key]) => [key, ours[key] / plain[key]]));
  const tarballAndAudit = (ours.tarball + ours.audit) / plain.tarball;
  const target = (what, value, limit, unit, met) => ({ what, value, limit, unit, met });
  return {
    ratios,
    targets: [
      target('cold build, ours / plain', ratios.total, 0.75, '', ratios.total <= 0.75),
      target('tarball', ours.tarballBytes, 10e6, 'bytes', ours.tarballBytes <= 10e6),
      target('tarball', ours.tarball, 1, 's', ours.tarball <= 1),
      target('bytes, ours / plain', ratios.tarballBytes, 0.1, '', ratios.tarballBytes <= 0.1),
      target('tarball and audit, ours / plain', tarballAndAudit, 0.2, '', tarballAndAudit <= 0.2),
      target('audit', ours.audit, 2, 's', ours.audit < 2),
      ...Object.entries(startup).map(([version, { main }]) =>
        target(`action's first line, Node ${version}`, main, 300, 'ms', main < 300),
      ),
    ],
  };
}

const shown = (value, unit) => (unit === 'MB' ? value / 1e6 : value).toFixed(unit === 'ms' ? 0 : 1);

/** The results for people to read. */
export function formatTable({ machine, preparation, ours, plain, startup, ratios, targets }) {
  const line = (...cells) =>
    cells
      .map((cell, index) => (index === 0 ? cell.padEnd(36) : cell.padStart(15)))
      .join('')
      .trimEnd();
  const { clones, builderImage } = preparation;
  const load = [machine.loadAtStart, ours.peakLoad, plain.peakLoad].map((value) => value.toFixed(1));
  return [
    '',
    `${machine.cpu}, ${machine.cores} cores, load at start ${load[0]}, at most ${load[1]} (ours) and ${load[2]} (plain), ${machine.otherContainers} other containers`,
    `before both: clones ${clones.toFixed(1)} s, builder image ${builderImage.reused ? 'here already' : `${builderImage.seconds.toFixed(1)} s`}`,
    '',
    line('', 'ours', 'plain', 'ours/plain'),
    ...rows.map(([label, key, unit]) =>
      line(`${label} (${unit})`, shown(ours[key], unit), shown(plain[key], unit), ratios[key].toFixed(2)),
    ),
    ...(plain.missingPlugins.length > 0 ? [`plain lacks: ${plain.missingPlugins.join(' ')}`] : []),
    '',
    line('first line (ms)', 'node alone', 'action', 'cli --version'),
    ...Object.entries(startup).map(([version, { node, main, cliVersion }]) =>
      line(version, ...[node, main, cliVersion].map((value) => shown(value, 'ms'))),
    ),
    '',
    ...targets.map(({ what, value, limit, unit, met }) => {
      const text = unit === 'bytes' ? [shown(value, 'MB'), shown(limit, 'MB'), 'MB'] : undefined;
      const [is, wanted, name] = text ?? [value.toFixed(unit === 'ms' ? 0 : 2), String(limit), unit];
      return line(
        what,
        is,
        `${unit === 'ms' ? '<' : '≤'} ${wanted} ${name}`.trimEnd(),
        met ? 'met' : 'NOT MET',
      );
    }),
  ].join('\n');
}
