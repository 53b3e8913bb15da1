import { summary } from '@actions/core';
import { formatBytes } from '../base/bytes.js';
import { visible } from '../base/text.js';
import { formatSeconds } from '../base/time.js';
import { fileOfSignature, itemOf } from '../bundle/catalogue.js';
import type { BuildReport } from '../pipeline/report.js';
import { stageTitles } from '../pipeline/stage.js';
import {
  type CacheReport,
  cacheRows,
  cacheTotals,
  installCommands,
  summaryRows,
} from '../pipeline/summary.js';
import type { Plan } from '../plan/plan.js';
import { legHead, legRows, planPicture, planSentences } from '../plan/show.js';
import type { PublishReport } from '../publish/publish.js';
import { checkRows, type SmokeReport } from '../smoke/report.js';

/** Text in a summary, which is HTML, and Markdown again behind an empty line. */
const html = (text: string): string =>
  visible(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
const htmlRows = (rows: readonly (readonly string[])[]): string[][] => rows.map((row) => row.map(html));
const header = (...names: string[]) => names.map((data) => ({ data, header: true }));

/** What is seen once its title was clicked on. */
function addDetails(title: string, add: () => void): typeof summary {
  summary.addRaw(`<details><summary>${html(title)}</summary>`, true);
  add();
  return summary.addRaw('</details>', true);
}
const addFolded = (title: string, rows: Parameters<typeof summary.addTable>[0]) =>
  addDetails(title, () => summary.addTable(rows));

/**
 * Writes the job summary: what was built, its files, how they are checked and installed; folded, what the smoke test
 * saw, where the time went, and the sums.
 * @param repository `OWNER/NAME` of the workflow
 */
export async function writeSummary(report: BuildReport, repository?: string): Promise<void> {
  summary
    .addHeading(`Slurm ${html(report.slurmVersion)}`, 2)
    .addTable(htmlRows(summaryRows(report)))
    .addTable([header('File', 'What it is', 'Size'), ...fileRows(report)])
    .addHeading('Check and install', 3)
    .addRaw('<p>In a folder with these files, on the machine that Slurm is to run on:</p>', true)
    .addCodeBlock(installCommands(report, repository).map(html).join('\n'), 'sh');
  if (report.smoke !== undefined) addSmoke(report.smoke);
  const total = report.timings.reduce((sum, { seconds }) => sum + seconds, 0);
  addFolded(`Times: ${formatSeconds(total)}`, [
    header('Stage', 'Time'),
    ...report.timings.map(({ stage, seconds }) => [stageTitles[stage], formatSeconds(seconds)]),
  ]);
  const sums = report.described.map(({ name, sha256 }) => html(`${sha256}  ${name}`));
  await addDetails('SHA-256 of the files', () => summary.addCodeBlock(sums.join('\n'))).write();
}

function fileRows({ identifier, described, artifacts }: BuildReport): string[][] {
  const urls = new Map(artifacts.map(({ name, url }) => [name, url]));
  return described.map(({ name, size }) => {
    const url = urls.get(name);
    const linked = url === undefined ? html(name) : `<a href="${html(url)}">${html(name)}</a>`;
    const signed = itemOf(identifier, fileOfSignature(name) ?? '');
    const what =
      itemOf(identifier, name)?.title ?? (signed === undefined ? '' : `signature: ${signed.title}`);
    return [linked, html(what), formatBytes(size).replace(' ', '&nbsp;')];
  });
}

function addSmoke(report: SmokeReport): void {
  const { checks } = report;
  const count = (status: string) => checks.filter((check) => check.status === status).length;
  const seconds = checks.reduce((sum, check) => sum + check.seconds, 0);
  const counted = (['passed', 'failed', 'skipped'] as const)
    .map((status) => [count(status), status] as const)
    .filter(([number]) => number > 0)
    .map(([number, status]) => `${number} ${status}`);
  addFolded(`Smoke test: ${counted.join(', ')}, in ${formatSeconds(seconds)}`, [
    header('Check', 'Outcome', 'Time', 'Detail'),
    ...htmlRows(checkRows(report)),
  ]);
}

/** Legs in the table of a summary, which may have a megabyte. */
const mostRows = 300;

/** Writes which targets are built, what they share, and a picture of the stages. */
export async function writePlanSummary(plan: Plan): Promise<void> {
  summary.addHeading('Plan', 2).addList(planSentences(plan).map(html));
  if (!plan.empty) {
    const rows = legRows(plan);
    const more = rows.length - mostRows;
    summary
      // Markdown begins behind an empty line.
      .addRaw(`\n\n\`\`\`mermaid\n${planPicture(plan)}\n\`\`\`\n\n`)
      .addTable([header(...legHead), ...htmlRows(rows.slice(0, mostRows))])
      .addRaw(more > 0 ? `And ${more} more, in the plan's file.` : '', true);
  }
  await summary.write();
}

/** Writes what was published: the release's text, its files, and where it is. */
export async function writePublishSummary(report: PublishReport): Promise<void> {
  const { name, release, notes, targets, files, folder } = report;
  const where =
    release === undefined ? html(folder) : `<a href="${html(release.url)}">${html(release.url)}</a>`;
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  await summary
    .addHeading(`Slurm, ${html(name)}`, 2)
    .addTable([
      ['Release', `${where}${release?.before === true ? ' (there before, and sound)' : ''}`],
      ['Targets', String(targets.length)],
      ['Files', `${files.length}, ${formatBytes(bytes)}`],
      ['Signed with', html(report.fingerprint ?? 'nothing')],
    ])
    // Markdown begins behind an empty line.
    .addRaw(`\n${notes}`, true)
    .write();
}

/** Writes what became of the cache entries, which the post step knows; nothing where there were none. */
export async function writeCacheSummary(report: CacheReport): Promise<void> {
  if (report.uses.length === 0) return;
  const totals = cacheTotals(report);
  const words = totals.map(([name, value]) => `${name.toLowerCase()} ${value}`).join(', ');
  await addFolded(`Caches: ${words}`, [
    header('Entry', 'Size', 'Outcome'),
    ...htmlRows(cacheRows(report)),
  ]).write();
}
