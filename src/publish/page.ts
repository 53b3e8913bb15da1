import { createHash } from 'node:crypto';
import { renderTemplate } from '../bundle/modules.js';
import { escapeHtml, type Html, html } from './html.js';
import type { IndexTarget, ReleaseIndex } from './index-file.js';
import { releaseFiles } from './names.js';
import { command, getCommand, linkOf, matrix, platformName, releaseSection } from './page-parts.js';

/** Texts of the files in site/ that a release's own files are made from. */
export interface SiteTemplates {
  readonly page: string;
  readonly style: string;
  readonly program: string;
  readonly script: string;
}

/**
 * `index.html` of a release: one page for people, which asks no other host for anything, and works without its
 * program, too.
 */
export function releasePage(index: ReleaseIndex, templates: SiteTemplates): string {
  const { style, program } = templates;
  return renderTemplate(templates.page, {
    POLICY: [
      "default-src 'none'",
      ...[`style-src '${digest(style)}'`, `script-src '${digest(program)}'`],
      ...['img-src data:', "form-action 'none'", "base-uri 'none'"],
    ].join('; '),
    TITLE: escapeHtml(`Slurm, ${index.name}`),
    STYLE: style,
    SCRIPT: program,
    BODY: body(index).html,
  });
}

/** How a policy names what stands in the page. */
const digest = (text: string): string => `sha256-${createHash('sha256').update(text).digest('base64')}`;

function body(index: ReleaseIndex): Html {
  const { name, targets, releases, missing } = index;
  const counts = `${plural(targets.length, 'target')} of ${plural(releases.length, 'release')} of Slurm`;
  const gone =
    missing.length === 0
      ? undefined
      : html`<p class="note">Planned, and not in this release: ${missing.map((item) => html`<code>${item}</code> `)}</p>`;
  return html`<header>
<h1>Slurm packages <span class="name">${name}</span></h1>
<p class="lead">${counts}: relocatable, audited tarballs of the workload manager, each with an installer, an SBOM and its sums.</p>
${gone}
<section class="start" aria-labelledby="start"><h2 id="start">Get the one that fits</h2><p class="soft">Run this on the machine that Slurm is to run on. It looks at processor, glibc and GPU driver, fetches the newest that fits, checks it, and says what comes next.</p>${getCommand(index)}<p class="soft">Or install it at once. With <code>${releases[0]?.series ?? '24.11'}</code> behind it, either line takes the newest of that series.</p>${getCommand(index, '--prefix /opt/slurm')}</section>
</header>
<main>
${matrix(index)}
${filter(targets)}
${releases.map((release) => releaseSection(index, release))}
<div class="nothing" hidden><p>No target has all of that.</p><button class="copy" type="button">Show all</button></div>
</main>
${footer(index)}
<p id="told" class="unseen" role="status"></p>`;
}

const plural = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`;

/** Hidden until the program that makes it work is there. */
function filter(targets: readonly IndexTarget[]): Html {
  const choice = (name: string, title: string, values: readonly string[]) => {
    const all = [...new Set(values)].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
    if (all.length < 2) return undefined;
    const options = all.map(
      (value) => html`<option value="${value}">${value === 'none' ? 'no GPU' : value}</option>`,
    );
    return html`<select name="${name}" aria-label="${title}"><option value="">${title}</option>${options}</select>`;
  };
  return html`<form class="filter" role="search" hidden>
<input type="search" aria-label="Filter the targets" placeholder="Filter: 24.11, glibc, cuda …" autocomplete="off" spellcheck="false" aria-keyshortcuts="/">
${choice('platform', 'Platform', targets.map(platformName))}${choice(
  'arch',
  'Processor',
  targets.map(({ arch }) => arch),
)}${choice(
  'gpu',
  'GPU',
  targets.map(({ gpu }) => gpu),
)}
<output aria-live="polite"></output>
</form>`;
}

function footer(index: ReleaseIndex): Html {
  const { signing, page } = index;
  const link = (name: string, title: string) => html`<li><a href="${linkOf(index, name)}">${title}</a></li>`;
  const whose =
    signing === undefined
      ? html`<p>This release is not signed: its sums show damage, not who made the files.</p>`
      : html`<p>The sums are signed with the key <code class="fingerprint">${signing.fingerprint}</code>. Compare it with another source: a key that came with the files shows nothing.</p>${command(`gpg --verify ${releaseFiles.sums}.asc ${releaseFiles.sums}`)}`;
  return html`<footer>
<h2>Check what you fetched</h2>
${whose}
${command(`sha256sum --check --ignore-missing ${releaseFiles.sums}`)}
<ul class="links">${link(releaseFiles.sums, 'all sums')}${
    signing === undefined
      ? undefined
      : [link(`${releaseFiles.sums}.asc`, 'their signature'), link(signing.key, 'public key')]
  }${link(releaseFiles.index, 'index for programs, JSON')}${link(releaseFiles.script, 'get.sh')}${
    page === undefined ? undefined : html`<li><a href="${page}">the release</a></li>`
  }</ul>
</footer>`;
}
