import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { AuditError } from '../../src/audit/error.js';
import * as errors from '../../src/base/errors.js';
import { PlainFileError } from '../../src/base/safe.js';
import { catalogue, fileName } from '../../src/bundle/catalogue.js';
import { SmokeError } from '../../src/smoke/report.js';
import { imagePackages, oldestGlibc } from '../../src/targets/toolchains.js';
import { fittedToolchain, readToolchain, toolchainFile, toolchainIds } from '../support/toolchains.js';

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');

/** The rows of each table of a document, by the table's first heading; backticks are left out. */
function tables(text: string): Record<string, string[][]> {
  const found: Record<string, string[][]> = {};
  let rows: string[][] | undefined;
  for (const line of text.replaceAll('`', '').split('\n')) {
    if (!line.startsWith('|')) rows = undefined;
    else {
      const cells = line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim());
      if (rows !== undefined) rows.push(cells);
      else {
        rows = [];
        found[cells[0] ?? ''] = rows;
      }
    }
  }
  // Below the headings lies a line of dashes.
  return Object.fromEntries(Object.entries(found).map(([name, [, ...body]]) => [name, body]));
}

interface LockedPackage {
  readonly integrity?: string;
  readonly license?: string;
  readonly link?: boolean;
  readonly dependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
}

const lock: { packages: Record<string, LockedPackage> } = JSON.parse(await read('package-lock.json'));

/** Where the lock has a package that another one asks for: beside it, or further out. */
function lockedPath(from: string, name: string): string | undefined {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    const path = `${at === '' ? '' : `${at}/`}node_modules/${name}`;
    if (lock.packages[path] !== undefined) return path;
    if (at === '') return undefined;
  }
}

test('package-lock.json has every package that one in it asks for, those of other platforms too, with its sum', () => {
  const missing = Object.entries(lock.packages).flatMap(([path, locked]) =>
    Object.keys({ ...locked.dependencies, ...locked.optionalDependencies })
      .filter((name) => lockedPath(path, name) === undefined)
      .map((name) => `${name}, for ${path}`),
  );
  expect(missing).toEqual([]);
  const unsummed = Object.entries(lock.packages).filter(([path, { integrity }]) => path !== '' && !integrity);
  expect(unsummed).toEqual([]);
});

test('the commands that install are npm ci, in the docs and where checks run', async () => {
  const files = ['README.md', 'CONTRIBUTING.md', '.ci/run'];
  for (const name of ['check', 'e2e', 'release']) files.push(`.github/workflows/${name}.yml`);
  for (const file of files) {
    const text = await read(file);
    expect({ file, ci: text.includes('npm ci') }).toEqual({ file, ci: true });
    expect({ file, install: text.match(/npm install.*/)?.[0] }).toEqual({ file, install: undefined });
  }
});

const inputsText = await read('docs/inputs.md');
const errorsText = await read('docs/errors.md');
const errorTables = tables(errorsText);

test('docs/examples.md installs what a build without a container needs, and nothing else', async () => {
  const text = await read('docs/examples.md');
  const command = 'apt-get install --yes --no-install-recommends ';
  const start = text.indexOf(command) + command.length;
  const words = text.slice(start, text.indexOf('- uses:', start)).match(/[^\s\\]+/g) ?? [];
  expect(words.sort()).toEqual(imagePackages(fittedToolchain('bookworm')));
});

describe('docs/inputs.md', () => {
  const documented = tables(inputsText);

  test('has every file that a build leaves', () => {
    const names = catalogue.map(({ kind }) => fileName('<target>', kind));
    expect(documented['file']?.map(([name]) => name)).toEqual(expect.arrayContaining(names));
  });
});

describe('docs/libraries.md', () => {
  test('has the toolchains, and of those that nobody has built how many names were read', async () => {
    const rows = tables(await read('docs/libraries.md'))['toolchain'] ?? [];
    expect(rows.map(([id]) => id).sort()).toEqual(toolchainIds);
    for (const [id = '', ...cells] of rows) {
      const toolchain = readToolchain(id);
      const { name, compiler, lacks } = toolchain;
      const lacking = readToolchain(id, 'arm64').lacks.filter((word) => !lacks.includes(word));
      expect(cells.slice(0, 4)).toEqual([
        name,
        `gcc ${compiler.version}, glibc ${compiler.glibc}`,
        `glibc ${oldestGlibc(toolchain)}`,
        [...lacks, ...lacking.map((word) => `${word} on arm64`)].join(', ') || '–',
      ]);
      const record: { read: { names: string[] }[]; unseen?: string[] } = parse(
        toolchainFile(id, 'packages.yaml'),
      );
      const known = record.read.flatMap(({ names }) => names).length;
      const all = known + (record.unseen?.length ?? 0);
      const checked = `package names checked (${known} of ${all} read in a source), not built`;
      const isBuilt = compiler.oldestGlibc !== undefined;
      expect(cells[4]).toEqual(isBuilt ? expect.stringContaining('built') : checked);
    }
  });
});

describe('docs/errors.md', () => {
  const isError = (value: unknown): value is new (...given: never[]) => errors.FactoryError =>
    typeof value === 'function' && value.prototype instanceof errors.FactoryError;
  const classes = [...Object.values<unknown>(errors).filter(isError), AuditError, PlainFileError, SmokeError];
  const codes = new Map(
    [
      new errors.InputError([]),
      new errors.ConfigurationError('', ''),
      new errors.MissingRequirementError('', ''),
      new errors.DiskSpaceError('', ''),
      new errors.FolderError('', ''),
      new errors.OutputError('', ''),
      new errors.BuildError('', ''),
      new errors.SpackError('', ''),
      new errors.NoEngineError('', ''),
      new errors.ContainerError('', ''),
      new errors.SpackUnreachableError('', ''),
      new errors.BuildCacheError('', ''),
      new errors.SourceError('', ''),
      new errors.ChecksumError('', ''),
      new errors.ConcretizationError('', ''),
      new errors.PackageBuildError({ package: '', phase: '', firstError: '', log: undefined }),
      new errors.PackagingError('', ''),
      new errors.SigningError('', ''),
      new errors.PublishError('', ''),
      new errors.CancelledError('', ''),
      new AuditError('', []),
      new PlainFileError('', ''),
      new SmokeError({ target: '', prefix: '', checks: [] }),
    ].map((error) => [error.name, String(error.exitCode)]),
  );

  test('has a section for every class: its exit code, its meaning and what to do', () => {
    const found = [
      ...errorsText.matchAll(/^### (\w+)\n\nExit code (\d+)\. (\S.*\.)\n\nWhat to do: (\S.*\.)\n/gm),
    ].map(([, name, code]) => [name, code]);
    expect(found.map(([name]) => name).sort()).toEqual(classes.map((kind) => kind.name).sort());
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(codes));
  });

  test('is where each error sends to', async () => {
    const headings = [...errorsText.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading.toLowerCase());
    for (const name of codes.keys()) {
      const [page = '', anchor = ''] = errors.errorLink(name).split('#');
      expect(headings.filter((heading) => heading === anchor)).toHaveLength(1);
      expect(page).toMatch(/docs\/errors\.md$/);
    }
  });

  test('is named by its whole address as soon as package.json has one', async () => {
    const { homepage, repository } = JSON.parse(await read('package.json'));
    const address = homepage ?? repository?.url ?? repository;
    const [page] = errors.errorLink('InputError').split('#');
    if (address === undefined) expect(page).toBe('docs/errors.md');
    else expect(page).toMatch(/^https:\/\/.*\/docs\/errors\.md$/);
  });

  test('explains every exit code', () => {
    const explained = errorTables['code'] ?? [];
    expect(explained.map(([code]) => Number(code))).toEqual(Object.values(errors.exitCodes));
  });
});
