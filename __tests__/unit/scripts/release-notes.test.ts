import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';

// Plain JavaScript without types, so the compiler must not look for it.
const script: string = '../../../scripts/release-notes.mjs';
const { notesOf } = await import(script);

const changelog = `# Changelog

Words.

## [Unreleased]

### Added

- What comes.

## [1.2.0] - 2026-12-01

### Fixed

- A [link](https://example.test) and code \`## [no heading]\`.

## [1.1.0] - 2026-11-01

- Older.

## [1.0.0] - 2026-10-01

[Unreleased]: https://example.test/compare/v1.2.0...HEAD
[1.2.0]: https://example.test/releases/v1.2.0
`;

test.each([
  ['v1.2.0', '### Fixed\n\n- A [link](https://example.test) and code `## [no heading]`.\n'],
  ['1.1.0', '- Older.\n'],
  ['v1.1.0-rc.1', '- Older.\n'],
  ['v1.3.0-rc.1', '### Added\n\n- What comes.\n'],
])('%s has its own section, a candidate that of what it leads to', (version, notes) => {
  expect(notesOf(changelog, version)).toBe(notes);
});

test.each([
  ['v1.3.0', 'CHANGELOG.md has no section "## [1.3.0]".'],
  ['v1.2', 'CHANGELOG.md has no section "## [1.2]".'],
  ['', 'CHANGELOG.md has no section "## []".'],
  ['v1.0.0', 'CHANGELOG.md says nothing below "## [1.0.0]".'],
])('%s without notes is an error', (version, message) => {
  expect(() => notesOf(changelog, version)).toThrow(message);
});

test('the changelog of this project can be read', async () => {
  const text = await readFile(new URL('../../../CHANGELOG.md', import.meta.url), 'utf8');
  expect(notesOf(text, '999.0.0-rc.1')).toMatch(/^### \w+\n\n- /);
});
