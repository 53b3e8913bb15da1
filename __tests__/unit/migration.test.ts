import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { readBuild } from '../../src/cli/commands/build.js';
import { commands } from '../../src/cli/commands/index.js';
import { parseArguments } from '../../src/cli/parse.js';
import { resolveOptions } from '../../src/config/resolve.js';
import { recipe, release } from '../support/fakes.js';
import { toolchainIds } from '../support/toolchains.js';

const page = readFileSync(new URL('../../docs/migration.md', import.meta.url), 'utf8');
const cells = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| there'))
  .map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')));
const calls = cells.flatMap(([, here = '']) =>
  [...here.matchAll(/`slurm-factory ([^`]*)`/g)].map(([, words = '']) => words),
);
const catalog = {
  toolchains: toolchainIds,
  variants: recipe.variants,
  resolveVersion: () => ({ kind: 'release', release: release('24.11.6') }) as const,
};

test('every command, variable and file of theirs has a word for what it is here', () => {
  expect(cells.length).toBeGreaterThan(30);
  for (const [there, here, more] of cells) {
    expect({ there, here, more }).toEqual({
      there,
      here: expect.stringMatching(/`|^nothing/),
      // What is not here is explained.
      more: here?.startsWith('nothing') ? expect.stringMatching(/\w/) : expect.any(String),
    });
  }
});

test.each(calls)('slurm-factory %s is a call of ours', (words) => {
  const made = parseArguments(words.split(' '), commands, '1.2.3');
  expect(made).toMatchObject({ command: { name: words.split(' ')[0] } });
  if (made.command?.name !== 'build') return;
  // Files with secrets are read when the call is.
  const given = words.replace(/ --gpg-\S+ \S+/g, '').split(' ');
  const build = parseArguments(given, commands, '1.2.3');
  if (build.command === undefined) throw new Error(words);
  const { layer } = readBuild(build.given, { argv: [], env: {}, cwd: process.cwd() });
  expect(() => resolveOptions([layer], catalog)).not.toThrow();
});
