import { expect, test } from '@jest/globals';
import {
  catalogue,
  fileName,
  itemOf,
  looksHandedOut,
  possibleNames,
  resultFiles,
  signedFiles,
} from '../../../src/bundle/catalogue.js';

const identifier = 'slurm-24.11.6-bookworm-amd64';

test('each file is of one kind, by its name', () => {
  for (const { kind } of catalogue) expect(itemOf(identifier, fileName(identifier, kind))?.kind).toBe(kind);
  const names = catalogue.map(({ kind }) => fileName(identifier, kind));
  expect(new Set(names).size).toBe(catalogue.length);
  for (const name of names) expect(looksHandedOut(name)).toBe(true);
});

test.each([
  `${identifier}-evil.tar.gz`,
  `${identifier}-software.tar.xz`,
  `${identifier}-software.tar.gz.partial`,
  `${identifier}-cuda-software.tar.gz`,
  `${identifier}-software.tar.gz.asc`,
  identifier,
  '',
])("'%s' is none of the target's files", (name) => {
  expect(itemOf(identifier, name)).toBeUndefined();
});

test('what every result has is what is required', () => {
  const required = catalogue.filter((item) => item.required).map(({ kind }) => kind);
  expect(Object.keys(resultFiles(identifier)).sort()).toEqual([...required].sort());
});

test('all signatures are of files that there can be, and the signed ones are among them', () => {
  const names = possibleNames(identifier);
  expect(new Set(names).size).toBe(names.length);
  for (const name of signedFiles(names)) expect(names).toContain(`${name}.asc`);
  expect(signedFiles(names).map((name) => itemOf(identifier, name)?.kind)).toEqual([
    'software',
    'modules',
    'debug',
    'sums',
  ]);
});

test.each(['README.md', 'evil.tar.gz', 'notes-of-mine.txt'])('%s is nobody of ours', (name) => {
  expect(looksHandedOut(name)).toBe(false);
});
