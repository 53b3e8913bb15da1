import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { exitCodes } from '../../../src/base/errors.js';
import { commands } from '../../../src/cli/commands/index.js';
import { exitCodeTable, publishedCommands } from '../../../src/cli/reference.js';

const page = await readFile(new URL('../../../docs/cli.md', import.meta.url), 'utf8');
const published = publishedCommands(() => page, '1.2.3');
const man = published['man/slurm-factory.1'] ?? '';

describe.each(['docs/cli.md', 'man/slurm-factory.1'])('%s', (path) => {
  // A dash in a manual is written so that it can be copied.
  const text = (published[path] ?? '').replaceAll('\\-', '-');

  test('has every command with its options and examples', () => {
    for (const { name, options, examples } of commands) {
      expect(text).toContain(`slurm-factory ${name} [options]`);
      for (const option of options) expect(text).toContain(`--${option.name}`);
      for (const example of examples) expect(text).toContain(`slurm-factory ${example}`);
    }
  });

  test('has every exit code', () => {
    for (const [code, meaning] of exitCodeTable)
      expect(text).toMatch(new RegExp(`${code}.*[\\s\\S]${meaning.slice(0, 8)}`));
  });
});

test('the table has the codes that there are', () => {
  const told = exitCodeTable.flatMap(([codes]) => codes.split(', ').map(Number));
  expect(told).toEqual(Object.values(exitCodes));
});

test('nothing of a description is a request or an escape of roff', () => {
  const requests = man.split('\n').flatMap((line) => /^[.'](\S*)/.exec(line)?.[1] ?? []);
  expect([...new Set(requests)].sort()).toEqual(
    ['B', 'BR', 'I', 'PP', 'RE', 'RS', 'SH', 'SS', 'TH', 'TP', '\\"', 'fi', 'nf'].sort(),
  );
  expect(man.replaceAll(/\\[-e&"]/g, '')).not.toContain('\\');
});

test('the page is as the commands are, and says it of the version', () => {
  expect(published['docs/cli.md']).toBe(page);
  expect(man).toContain('"slurm-factory 1.2.3"');
});
