// What becomes of data/slurm-releases.json and the recipe, given the tags of Slurm's repository. All pure.
import { byNumbers } from './git.mjs';

const tagName = /^slurm-(\d\d-\d\d-\d+)-(\d+)$/;

/**
 * Compares the releases that are known with the tags that there are.
 * @param {Record<string, {version: string, tag: string, commit: string}[]>} known by series, as in the file
 * @param {Map<string, string>} tags commits by tag
 * @returns {{version: string, tag: string, commit: string}[]} what is new, oldest first: releases that are not
 * known, and those that were tagged once more
 * @throws Error when a tag that is known is gone or names another commit
 */
export function newReleases(known, tags) {
  const all = Object.values(known).flat();
  const moved = all.filter(({ tag, commit }) => tags.get(tag) !== commit);
  if (moved.length > 0) {
    const lines = moved.map(({ tag, commit }) => `${tag} was ${commit} and is ${tags.get(tag) ?? 'gone'}`);
    throw new Error(`Tags must not move. Look what happened upstream:\n${lines.join('\n')}`);
  }
  const oldest = Object.keys(known).sort(byNumbers)[0] ?? '';
  /** @type {Map<string, {version: string, tag: string, commit: string}>} */
  const newest = new Map();
  for (const tag of [...tags.keys()].sort(byNumbers)) {
    const version = tagName.exec(tag)?.[1]?.replaceAll('-', '.');
    if (version === undefined || byNumbers(version, oldest) < 0) continue;
    newest.set(version, { version, tag, commit: tags.get(tag) });
  }
  const tagged = new Set(all.map(({ tag }) => tag));
  return [...newest.values()].filter(({ tag }) => !tagged.has(tag));
}

/**
 * The releases with others among them, series and releases in order.
 * @param {Record<string, object[]>} known
 * @param {{version: string, tag: string, commit: string, archiveSha256: string, date: string}[]} added
 */
export function withReleases(known, added) {
  const bySeries = structuredClone(known);
  for (const { version, tag, commit, archiveSha256, date } of added) {
    const series = version.replace(/\.\d+$/, '');
    const others = (bySeries[series] ?? []).filter((release) => release.version !== version);
    const release = { version, spack: tag.replace('slurm-', ''), tag, commit, archiveSha256, date };
    bySeries[series] = [...others, release].sort((a, b) => byNumbers(a.version, b.version));
  }
  const inOrder = Object.keys(bySeries).sort(byNumbers);
  return Object.fromEntries(inOrder.map((series) => [series, bySeries[series]]));
}

const BEGIN = '    # releases: begin (scripts/refresh-releases.mjs)\n';
const END = '    # releases: end\n';

/** One version() call, wrapped the way black does at 99 columns. */
function versionCall({ spack, archiveSha256 }) {
  const line = `    version("${spack}", sha256="${archiveSha256}")\n`;
  if (line.length <= 100) return line;
  return `    version(\n        "${spack}", sha256="${archiveSha256}"\n    )\n`;
}

/** The recipe with the version lines of these releases, newest first. */
export function renderRecipe(text, releases) {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error("the recipe's release markers are missing");
  const lines = Object.values(releases).flat().reverse().map(versionCall);
  return text.slice(0, begin + BEGIN.length) + lines.join('') + text.slice(end);
}
