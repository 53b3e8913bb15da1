import { dirname } from 'node:path';
import { formatBytes } from '../../base/bytes.js';
import { exitCodes } from '../../base/errors.js';
import type { CleanReport, Removable } from '../../local/clean.js';
import type { Colours } from '../../local/style.js';
import { type Command, isGiven } from '../command.js';
import { common } from '../options.js';
import { levelOf, openLog, settleOrRefuse } from '../settings.js';
import { cancellable } from '../signals.js';
import { table } from '../table.js';

export const clean: Command = {
  name: 'clean',
  description:
    'Remove what builds left; with --cache what makes later builds fast. Output folders are left alone.',
  examples: [
    'clean --dry-run',
    'clean --all --dry-run --verbose',
    'clean --all',
    'clean --cache --cache-dir /var/cache/slurm-factory',
  ],
  options: [
    { name: 'all', description: 'remove everything, the caches too' },
    {
      name: 'builds',
      description: 'remove only what builds left: folders, containers, logs (what it does without an option)',
    },
    { name: 'cache', description: 'remove only the caches: entries, clones of Spack, Python environments' },
    { name: 'dry-run', description: 'remove nothing, only say what would go' },
    ...common,
  ],
  async run(given, context) {
    const settled = await settleOrRefuse(given, context);
    const { cacheDir, buildDir, spackCache } = settled;
    const { cleanUp } = await import('../../local/clean.js');
    const machine = await context.machine();
    const { logger, close } = await openLog(context.logger, levelOf(given, settled), settled);
    const [dryRun, builds, cache] = ['dry-run', 'builds', 'cache'].map((name) => isGiven(given, name));
    const scope = isGiven(given, 'all') || (builds && cache) ? 'all' : cache ? 'cache' : 'builds';
    const folders = { cacheDir, buildDir, spackCache };
    const report = await cancellable(
      ['Cleaning up was cancelled.', 'Run it again; what is gone is gone.'],
      (signal) =>
        cleanUp(
          scope,
          { ...folders, env: context.invocation.env, logger, signal },
          { dryRun: dryRun === true },
          machine,
        ),
    ).finally(close);
    for (const { path, bytes } of report.removed) logger.debug(`${path}: ${formatBytes(bytes)}`);
    for (const sentence of report.left) logger.info(sentence);
    for (const sentence of report.errors) logger.error(sentence);
    return {
      lines: formatReport(report, dryRun === true, context.colours.out),
      data: { scope, dryRun, ...report },
      ...(report.errors.length === 0 ? {} : { exitCode: exitCodes.general }),
    };
  },
};

/** One row for all of a kind in a folder; names of entries have a hundred characters, and are in the log. */
function formatReport({ removed }: CleanReport, dryRun: boolean, colours: Colours): string[] {
  const groups = new Map<string, { what: string; folder: string; count: number; bytes: number }>();
  for (const { what, path, bytes } of removed) {
    const folder = what === 'container' ? '' : dirname(path);
    const group = groups.get(`${what} ${folder}`) ?? { what, folder, count: 0, bytes: 0 };
    groups.set(`${what} ${folder}`, { ...group, count: group.count + 1, bytes: group.bytes + bytes });
  }
  const rows = [...groups.values()].map(({ what, folder, count, bytes }) => [
    ...[`${count} ${names[what]?.[count === 1 ? 0 : 1] ?? what}`, formatBytes(bytes), folder],
  ]);
  const bytes = removed.reduce((sum, one) => sum + one.bytes, 0);
  const verb = dryRun ? 'would be freed' : 'were freed';
  const total = removed.length === 0 ? 'There is nothing to remove.' : `${formatBytes(bytes)} ${verb}.`;
  return [...table(rows, colours), total];
}

const names: Readonly<Record<string, readonly [one: string, more: string]>> = {
  build: ['folder of a build', 'folders of builds'],
  transfer: ['folder of a transfer', 'folders of transfers'],
  logs: ['folder of logs', 'folders of logs'],
  container: ['container', 'containers'],
  entry: ['cache entry', 'cache entries'],
  clone: ['clone or source', 'clones and sources'],
  python: ['Python environment', 'Python environments'],
} satisfies Record<Removable, readonly [string, string]>;
