import { summary } from '@actions/core';
import { formatBytes } from '../base/bytes.js';
import { visible } from '../base/text.js';
import type { BuildReport } from '../pipeline/report.js';
import { stageTitles } from '../pipeline/stage.js';
import { type CacheReport, cacheRows, cacheTotals, summaryRows } from '../pipeline/summary.js';
import type { Plan } from '../plan/plan.js';
import { legHead, legRows, planPicture, planSentences } from '../plan/show.js';
import type { PublishReport } from '../publish/publish.js';
import { checkRows } from '../smoke/report.js';

/** Text in a summary, which is HTML, and Markdown again behind an empty line. */
const html = (text: string): string =>
  visible(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
const htmlRows = (rows: readonly (readonly string[])[]): string[][] => rows.map((row) => row.map(html));
const header = (...names: string[]) => names.map((data) => ({ data, header: true }));

/** Writes the job summary: what was built, its files and where the time went. */
export async function writeSummary(report: BuildReport): Promise<void> {
  const urls = new Map(report.artifacts.map((artifact) => [artifact.name, artifact.url]));
  const link = (name: string) => {
    const url = urls.get(name);
    return url === undefined ? html(name) : `<a href="${html(url)}">${html(name)}</a>`;
  };
  await summary
    .addHeading(`Slurm ${html(report.slurmVersion)}`, 2)
    .addTable(htmlRows(summaryRows(report)))
    .addTable([
      header('File', 'Size', 'SHA-256'),
      ...report.described.map((file) => [
        link(file.name),
        formatBytes(file.size),
        `<code>${html(file.sha256)}</code>`,
      ]),
    ])
    .addTable([
      header('Stage', 'Seconds'),
      ...report.timings.map((timing) => [stageTitles[timing.stage], timing.seconds.toFixed(1)]),
    ])
    .write();
  if (report.smoke === undefined) return;
  await summary
    .addHeading('Smoke test', 3)
    .addTable([header('Check', 'Outcome', 'Seconds', 'Detail'), ...htmlRows(checkRows(report.smoke))])
    .write();
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
    .addRaw(notes, true)
    .write();
}

/** Writes what became of the cache entries, which the post step knows; nothing where there were none. */
export async function writeCacheSummary(report: CacheReport): Promise<void> {
  if (report.uses.length === 0) return;
  await summary
    .addHeading('Caches', 3)
    .addTable([header('Entry', 'Size', 'Outcome'), ...htmlRows(cacheRows(report))])
    .addTable(htmlRows(cacheTotals(report)))
    .write();
}
