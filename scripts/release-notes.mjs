// Prints the section of a version from CHANGELOG.md: `node scripts/release-notes.mjs v1.2.3`.
// A pre-release without a section of its own has that of the coming version, or what is unreleased.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/**
 * The notes of a version.
 * @param {string} changelog text of CHANGELOG.md
 * @param {string} version `1.2.3` or `1.2.3-rc.1`, with or without a `v` before it
 * @returns {string} Markdown below the version's heading, without the links at the file's end
 * @throws when there is no such section, or nothing in it
 */
export function notesOf(changelog, version) {
  const exact = version.replace(/^v/, '');
  const names = exact.includes('-') ? [exact, exact.split('-')[0], 'Unreleased'] : [exact];
  const sections = new Map(
    changelog
      .replace(/^\[[^\]]+\]: \S+$/gm, '')
      .split(/^## (?=\[)/m)
      .slice(1)
      .map((text) => [/^\[([^\]]+)\]/.exec(text)?.[1], text.slice(text.indexOf('\n') + 1).trim()]),
  );
  const name = names.find((candidate) => sections.has(candidate));
  const notes = sections.get(name);
  if (notes === undefined) throw new Error(`CHANGELOG.md has no section "## [${exact}]".`);
  if (notes === '') throw new Error(`CHANGELOG.md says nothing below "## [${name}]".`);
  return `${notes}\n`;
}

if (process.argv[1] === import.meta.filename) {
  try {
    const changelog = readFileSync(resolve(import.meta.dirname, '..', 'CHANGELOG.md'), 'utf8');
    process.stdout.write(notesOf(changelog, process.argv[2] ?? ''));
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
