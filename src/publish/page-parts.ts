import { formatBytes } from '../base/bytes.js';
import { catalogue, itemOf } from '../bundle/catalogue.js';
import { type Html, html } from './html.js';
import type { IndexRelease, IndexTarget, ReleaseIndex } from './index-file.js';
import { softwareSize } from './notes.js';

/** The parts of a release's page. */

/** Address of a file: at the downloads, or beside the page. */
export const linkOf = ({ downloads = '' }: ReleaseIndex, name: string): string => `${downloads}${name}`;

/** A command with a button that copies it. */
export const command = (text: string, get?: string): Html =>
  html`<div class="command"><code${get === undefined ? undefined : html` data-get="${get}"`} tabindex="0">${text}</code><button class="copy" type="button" hidden>Copy</button></div>`;

/**
 * The shell's line that fetches what fits.
 * @param words for `get.sh`: a target, or where to install
 */
export function getCommand({ downloads }: ReleaseIndex, words = ''): Html {
  // Without an address the page puts in its own, where it has one.
  if (downloads === undefined) return command(`sh get.sh${words === '' ? '' : ` ${words}`}`, words);
  return command(`curl -fsSL ${downloads}get.sh | sh${words === '' ? '' : ` -s -- ${words}`}`);
}

/** What a target runs on: `glibc 2.34 or newer`, `Debian 12 (bookworm)`. */
export function platformName({ dependencies, glibc, distribution, platform }: IndexTarget): string {
  const name = glibc === undefined ? (distribution?.name ?? platform) : `glibc ${glibc} or newer`;
  return dependencies === 'self-contained' ? `${name}, self-contained` : name;
}

const gpuNames: Readonly<Record<string, string>> = {
  cuda: 'CUDA',
  rocm: 'ROCm',
  oneapi: 'oneAPI',
  all: 'all GPUs',
};
const gpuName = (gpu: string): string => gpuNames[gpu] ?? gpu;

/** What tells targets of a platform apart: `amd64`, `amd64 · CUDA`. */
const labelOf = ({ arch, gpu, choice, source, identifier }: IndexTarget): string =>
  [
    arch,
    ...(gpu === 'none' ? [] : [gpuName(gpu)]),
    ...(choice === undefined ? [] : [choice]),
    ...(source === true ? [/\.(p[0-9a-f]{12})-/.exec(identifier)?.[1] ?? 'own source'] : []),
  ].join(' · ');

const months = 'January February March April May June July August September October November December'.split(
  ' ',
);
/** `2026-05` → `May 2026` */
const monthName = (month: string): string =>
  `${months[Number(month.slice(5)) - 1] ?? ''} ${month.slice(0, 4)}`;

/** How long it is supported; the page knows the day, and says when that is over. */
export function supportState({ supportUntil }: IndexRelease): Html {
  if (supportUntil === undefined) return html`<span class="state plain">support not known</span>`;
  const name = monthName(supportUntil);
  return html`<span class="state" data-until="${supportUntil}" data-ended="support ended ${name}">supported until ${name}</span>`;
}

/** What is known against it. */
export function securityState({ vulnerabilities: { length } }: IndexRelease): Html {
  if (length === 0) return html`<span class="state plain">no known vulnerability</span>`;
  return html`<span class="state bad">${length} known ${length === 1 ? 'vulnerability' : 'vulnerabilities'}</span>`;
}

/** Releases of Slurm by platforms. */
export function matrix({ releases, targets }: ReleaseIndex): Html {
  const platforms = [...new Set(targets.map(platformName))].sort(byPlatform);
  const rows = releases.map((release) => {
    const cells = platforms.map((platform) => {
      const own = targets.filter(
        (target) => target.slurmVersion === release.version && platformName(target) === platform,
      );
      if (own.length === 0) return html`<td class="none"><span class="soft" aria-label="none">–</span></td>`;
      const chips = own.map(
        (target) =>
          html`<li data-target="${target.identifier}"><a class="chip" href="#${target.identifier}">${labelOf(target)}</a></li>`,
      );
      return html`<td data-platform="${platform}"><ul class="chips">${chips}</ul></td>`;
    });
    return html`<tr><th scope="row"><a href="#slurm-${release.version}">${release.version}</a></th>${cells}<td>${supportState(release)}</td></tr>`;
  });
  const heads = platforms.map((platform) => html`<th scope="col">${platform}</th>`);
  return html`<section class="matrix" aria-label="What there is"><table><thead><tr><th scope="col">Slurm</th>${heads}<th scope="col">SchedMD’s support</th></tr></thead><tbody>${rows}</tbody></table></section>`;
}

// Those that run on many distributions first, the older glibc before the newer.
const byPlatform = (a: string, b: string): number =>
  Number(b.startsWith('glibc')) - Number(a.startsWith('glibc')) ||
  a.localeCompare(b, 'en', { numeric: true });

/** A release of Slurm, with its targets. */
export function releaseSection(index: ReleaseIndex, release: IndexRelease): Html {
  const { version, date } = release;
  const own = index.targets.filter(({ slurmVersion }) => slurmVersion === version);
  const day =
    date === undefined
      ? undefined
      : html`<span class="soft">of <time datetime="${date}">${date}</time></span>`;
  return html`<section class="release" id="slurm-${version}" aria-labelledby="of-${version}"><header><h2 id="of-${version}">Slurm ${version}</h2>${day}${supportState(release)}${securityState(release)}</header>${advisories(release)}${own.map((target) => targetBlock(index, target))}</section>`;
}

function advisories({ vulnerabilities, mendedIn }: IndexRelease): Html | undefined {
  if (vulnerabilities.length === 0) return undefined;
  const mended =
    mendedIn.length === 0 ? 'No release mends all of them yet.' : `Mended in ${mendedIn.join(', ')}.`;
  const links = vulnerabilities.map(
    (id) =>
      html`<li><a class="chip" href="https://www.cve.org/CVERecord?id=${id}" rel="noreferrer">${id}</a></li>`,
  );
  return html`<details class="advisories"><summary>${mended}</summary><ul class="chips">${links}</ul></details>`;
}

function targetBlock(index: ReleaseIndex, target: IndexTarget): Html {
  const { identifier, arch, gpu, choice, source, tested, dependencies, packages } = target;
  const size = softwareSize(target);
  const chips = [
    arch,
    gpu === 'none' ? undefined : gpuName(gpu),
    choice,
    source === true ? 'own source' : undefined,
  ];
  const words = [identifier, ...chips, platformName(target), dependencies, gpu, target.distribution?.id]
    .filter((word) => word !== undefined)
    .join(' ')
    .toLowerCase();
  const shown = chips
    .filter((chip) => chip !== undefined)
    .map((chip) => html`<span class="chip">${chip}</span>`);
  return html`<details class="target" id="${identifier}" data-words="${words}" data-arch="${arch}" data-gpu="${gpu}" data-platform="${platformName(target)}"><summary><span class="platform">${platformName(target)}</span>${shown}${size === undefined ? undefined : html`<span class="size">${formatBytes(size)}</span>`}</summary><div class="inside">${getCommand(index, `--target ${identifier}`)}<p class="soft">${about(target)} ${packages.length > 1 ? `It has ${packages.length} packages in it.` : ''} ${tested ? 'A cluster was started from it before it was released.' : 'It was released without a smoke test.'}</p>${filesTable(index, target)}</div></details>`;
}

function about({ dependencies, glibc, distribution, platform }: IndexTarget): string {
  if (dependencies === 'system') return `It needs the libraries of ${distribution?.name ?? platform}.`;
  const whose =
    dependencies === 'bundled' ? 'copies of the distribution’s libraries' : 'libraries that Spack built';
  return `It brings ${whose}, and runs on every distribution with glibc ${glibc ?? ''} or newer.`;
}

const kindsInOrder: readonly (string | undefined)[] = catalogue.map(({ kind }) => kind);

function filesTable(index: ReleaseIndex, { identifier, files }: IndexTarget): Html {
  const kindOf = (name: string) => itemOf(identifier, name)?.kind;
  const ordered = [...files].sort(
    (a, b) => kindsInOrder.indexOf(kindOf(a.name)) - kindsInOrder.indexOf(kindOf(b.name)),
  );
  const rows = ordered.map(
    ({ name, size, sha256 }) =>
      html`<tr><td><a href="${linkOf(index, name)}" title="${name}">${itemOf(identifier, name)?.title ?? name}</a></td><td class="number">${formatBytes(size)}</td><td class="sum"><code>${sha256}</code></td></tr>`,
  );
  return html`<table class="files"><thead><tr><th scope="col">File</th><th scope="col" class="number">Size</th><th scope="col" class="sum">SHA-256</th></tr></thead><tbody>${rows}</tbody></table>`;
}
