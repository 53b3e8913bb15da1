import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import {
  catalogue,
  fileName,
  fileOfSignature,
  fileOutputs,
  inManifest,
  itemOf,
  looksHandedOut,
  possibleNames,
  presentFiles,
  resultFiles,
  signatureName,
  signedFiles,
  targetOfFile,
} from '../../../src/bundle/catalogue.js';
import { manifestSchema } from '../../../src/bundle/manifest.js';

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
])("'%s' is not one of the target's files", (name) => {
  expect(itemOf(identifier, name)).toBeUndefined();
});

test('every name is its identifier, a dash and what a release already used', () => {
  expect(Object.fromEntries(catalogue.map(({ kind }) => [kind, fileName('t', kind)]))).toEqual({
    software: 't-software.tar.gz',
    modules: 't-modules.tar.gz',
    debug: 't-debug.tar.gz',
    installer: 't-install.sh',
    sbom: 't-sbom.spdx.json',
    lock: 't-spack.lock',
    smoke: 't-smoke.xml',
    manifest: 't-manifest.json',
    sums: 't-SHA256SUMS',
    key: 't-signing-key.asc',
  });
});

test('no file of one target is a file of another', () => {
  const cuda = `${identifier}-cuda`;
  expect(new Set([...possibleNames(identifier), ...possibleNames(cuda)]).size).toBe(
    2 * possibleNames(identifier).length,
  );
  expect(targetOfFile(fileName(cuda, 'software'), 'software')?.gpu).toBe('cuda');
  expect(targetOfFile(fileName(cuda, 'software'), 'modules')).toBeUndefined();
  expect(targetOfFile('software.tar.gz', 'software')).toBeUndefined();
  expect(targetOfFile(`x${fileName(identifier, 'software')}`, 'software')).toBeUndefined();
});

test('a signature and its file name each other', () => {
  expect(fileOfSignature(signatureName('a.tar.gz'))).toBe('a.tar.gz');
  expect(fileOfSignature('a.tar.gz')).toBeUndefined();
});

test('a file of a manifest lies in one of its fields', () => {
  for (const { named } of catalogue.filter(inManifest))
    expect(Object.keys(manifestSchema.shape)).toContain(named);
});

test('what a result has is given by its paths, and what an output asks for by its name', () => {
  const names = [...Object.values(resultFiles(identifier)), fileName(identifier, 'debug')];
  const signed = [...names, ...names.map(signatureName)];
  const files = presentFiles('/out', identifier, signed);
  expect(files.debug).toBe(`/out/${identifier}-debug.tar.gz`);
  expect(files.smoke).toBeUndefined();
  expect(Object.keys(files)).toHaveLength(names.length);
  expect(fileOutputs(files)).toEqual({
    'software-tarball': `/out/${identifier}-software.tar.gz`,
    'modules-tarball': `/out/${identifier}-modules.tar.gz`,
    'spack-lock': '',
    manifest: `/out/${identifier}-manifest.json`,
  });
});

test('the shell scripts name files as the catalogue does', async () => {
  const folder = join('scripts', 'inside', 'smoke');
  const scripts = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.sh'));
  const paths = ['templates/install.sh', ...scripts.map((file) => join(folder, file))];
  const texts = await Promise.all(paths.map((path) => readFile(path, 'utf8')));
  const named = [...texts.join('\n').matchAll(/\$(?:SMOKE_TARGET|target)-([A-Za-z0-9.]*[A-Za-z0-9])/g)];
  expect(named.length).toBeGreaterThan(8);
  const ends = catalogue.map(({ end }) => end);
  for (const [, end] of named) expect(ends).toContain(end);
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

test.each(['README.md', 'evil.tar.gz', 'notes-of-mine.txt'])('%s is no file of a target', (name) => {
  expect(looksHandedOut(name)).toBe(false);
});
