#!/usr/bin/env node
// Writes docs/api-reference.md from the list of tests in __tests__/api-reference.yaml: `node scripts/write-api-reference.mjs
// [--check]`. A row whose test is not there, or is skipped, is an error. With --check nothing is written, and the exit code
// is 1 when the page is not what the list gives.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'yaml';

const root = resolve(import.meta.dirname, '..');
const read = (path) => readFileSync(resolve(root, path), 'utf8');
const page = 'docs/api-reference.md';

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Whether a test, or a block of tests, of that title is in a file and runs. */
export function hasTest(text, name) {
  const title = `(['"\`])${escaped(name).replaceAll("'", "\\\\?'")}\\1`;
  // `test(…)`, `describe(…)`, or the title behind a table: `test.each([…])(…)`.
  return new RegExp(`(?:^|\\n) *(?:test|describe)\\(\\s*${title}|\\)\\(\\s*${title}`).test(text);
}

/** What is wrong with the list, a sentence each. */
export function problemsOf(sections, textOf) {
  return sections.flatMap(({ rows }) =>
    rows.flatMap(({ reference, ours, test, name }) => {
      const text = textOf(test);
      if (text === undefined) return [`${reference || ours}: there is no file __tests__/${test}.`];
      return hasTest(text, name)
        ? []
        : [`${reference || ours}: __tests__/${test} has no test '${name}' that runs.`];
    }),
  );
}

const cell = (text) => text.replaceAll('|', '\\|');

/** The page of a list. */
export function pageOf(sections) {
  const table = ({ section, rows }) =>
    [
      `## ${section}`,
      '',
      '| reference | here | beyond | test |',
      '|---|---|---|---|',
      ...rows.map(({ reference, ours, note = '', test, name }) => {
        const cells = [reference, ours, note, `[${cell(name)}](../__tests__/${test})`];
        return `| ${cells.map((text, index) => (index === 3 ? text : cell(text))).join(' | ')} |`;
      }),
    ].join('\n');
  return [
    '# API reference',
    [
      'What users of slurm-factory for Python know, and what it is here: each entry of its API reference, with the test that',
      'shows it. The library itself is in [library.md](library.md), its types in the declarations that come with it.',
      '<!-- written by scripts/write-api-reference.mjs from __tests__/api-reference.yaml -->',
    ].join('\n'),
    ...sections.map(table),
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n');
}

if (process.argv[1] === import.meta.filename) {
  const sections = parse(read('__tests__/api-reference.yaml'));
  const textOf = (test) =>
    existsSync(resolve(root, '__tests__', test)) ? read(`__tests__/${test}`) : undefined;
  const wrong = problemsOf(sections, textOf);
  for (const sentence of wrong) console.error(sentence);
  if (wrong.length > 0) process.exit(1);
  const text = pageOf(sections);
  const same = existsSync(resolve(root, page)) && read(page) === text;
  if (process.argv.includes('--check') && !same) {
    console.error(`${page}: out of date. Run: node scripts/write-api-reference.mjs`);
    process.exit(1);
  }
  if (!same) writeFileSync(resolve(root, page), text);
  console.log(same ? `${page} is up to date` : `${page} was written`);
}
