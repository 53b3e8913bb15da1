import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { temporaryFolder, writeFiles } from '../../support/fakes.js';

// Plain JavaScript without types, so the compiler must not look for it.
const script: string = '../../../scripts/licenses.mjs';
const { bundledFolders, formatLicences, licenceOf } = await import(script);

const read = (path: string) => readFile(new URL(`../../../${path}`, import.meta.url), 'utf8');

test('the packages of a bundle are those of its files, nested ones too', () => {
  const inputs = [
    'src/entry/main.ts',
    'node_modules/zod/v4/index.js',
    'node_modules/@actions/core/lib/core.js',
    'node_modules/@actions/core/lib/utils.js',
    'node_modules/@actions/core/node_modules/undici/index.js',
    '(disabled):node_modules/fsevents/index.js',
  ];
  expect(bundledFolders(inputs)).toEqual([
    'node_modules/@actions/core',
    'node_modules/@actions/core/node_modules/undici',
    'node_modules/zod',
  ]);
});

describe("a package's licence", () => {
  const packageWith = async (about: object, files: Record<string, string> = {}): Promise<string> => {
    const folder = await temporaryFolder();
    await writeFiles(folder, {
      'package.json': JSON.stringify({ name: 'a', version: '1.0.0', ...about }),
      ...files,
    });
    return folder;
  };

  test('is what its files say, with notices and without the ends of lines of other systems', async () => {
    const files = {
      LICENSE: '\r\nMIT \r\nand more\r\n',
      'NOTICE.md': 'notice\n',
      'license-checker.js': 'code',
      README: 'x',
    };
    expect(licenceOf(await packageWith({}, files))).toEqual({
      name: 'a@1.0.0',
      text: 'MIT\nand more\n\nnotice',
    });
  });

  test.each([
    [{ license: 'MIT', author: 'Ann' }, /^Copyright \(c\) Ann\n\nPermission is hereby granted[\s\S]+AS IS/],
    [
      { license: 'ISC', author: { name: 'Ann', email: 'a@test' } },
      /^Copyright \(c\) Ann\n\nPermission to use/,
    ],
    [{ license: 'MIT' }, /^Copyright \(c\) the authors of a\n/],
  ])('without a file: %j', async (about, text) => {
    expect(licenceOf(await packageWith(about)).text).toMatch(text);
  });

  test.each([
    [{ license: 'SEE LICENSE IN x' }, 'names SEE LICENSE IN x'],
    [{}, 'names no licence'],
  ])('that is known by nobody is an error: %j', async (about, message) => {
    const folder = await packageWith(about, { LICENSE: ' \n' });
    expect(() => licenceOf(folder)).toThrow(message);
  });
});

test('each text stands once, whatever the order of the packages', () => {
  const licences = [
    { name: 'b@1', text: 'one' },
    { name: 'a@2', text: 'two' },
    { name: 'a@1', text: 'one' },
    { name: 'a@1', text: 'one' },
  ];
  const text = formatLicences(licences);
  expect(formatLicences([...licences].reverse())).toBe(text);
  expect(text.match(/one/g)).toHaveLength(1);
  expect(text).toContain('\na@1\nb@1\n');
});

test('dist/licenses.txt names what is bundled, by the versions of the lock, each with its text', async () => {
  const parts = (await read(join('dist', 'licenses.txt'))).split(`${'='.repeat(80)}\n`).slice(1);
  const named = parts.flatMap((part) => {
    const [names = '', text = ''] = part.split(`${'-'.repeat(80)}\n`);
    return names
      .trim()
      .split('\n')
      .map((name) => [name, text.trim().length] as const);
  });
  const lock: { packages: Record<string, { version: string }> } = JSON.parse(await read('package-lock.json'));
  const locked = Object.entries(lock.packages).map(
    ([path, { version }]) => `${path.replace(/^.*node_modules\//, '')}@${version}`,
  );
  const { dependencies } = JSON.parse(await read('package.json'));
  const own = Object.entries(dependencies).map(([name, version]) => `${name}@${version}`);
  const names = named.map(([name]) => name);
  expect(names).toEqual(expect.arrayContaining(own));
  expect(names.filter((name) => !locked.includes(name))).toEqual([]);
  expect(named.filter(([, length]) => length < 100)).toEqual([]);
  expect(new Set(names).size).toBe(names.length);
});
