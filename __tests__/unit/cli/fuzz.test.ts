import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FactoryError, InputError } from '../../../src/base/errors.js';
import { visible } from '../../../src/base/text.js';
import { readBuild } from '../../../src/cli/commands/build.js';
import { commands } from '../../../src/cli/commands/index.js';
import { parseArguments } from '../../../src/cli/parse.js';
import type { Layer } from '../../../src/config/layers.js';
import { resolveOptions } from '../../../src/config/resolve.js';
import { parseSize } from '../../../src/config/size.js';
import { gpus } from '../../../src/targets/gpus.js';
import { resolveVersion } from '../../../src/targets/source.js';
import { asInputs } from '../../support/build.js';
import { recipe, release } from '../../support/fakes.js';
import { commandLines, rawInputs } from '../../support/fuzz.js';

const releases = ['24.05.8', '24.11.5', '24.11.6'].map(release);
const catalog = {
  toolchains: ['bookworm', 'noble'],
  variants: recipe.variants,
  resolveVersion: (wanted: string) => resolveVersion(releases, wanted),
};

/** Resolves inputs; anything but options and the two errors for wrong inputs is thrown on. */
function resolveOrRefuse(layers: readonly Layer[]): void {
  try {
    const options = resolveOptions(layers, catalog);
    // What is taken is of its kind, whatever the text was.
    expect(['release', 'unlisted', 'commit', 'archive']).toContain(options.slurmVersion.kind);
    expect(options.slurmVersion.kind === 'archive').toBe(options.slurmSha256 !== undefined);
    expect(['bookworm', 'noble']).toContain(options.toolchain);
    expect(gpus).toContain(options.gpu);
    expect(Number.isSafeInteger(options.cacheBudget)).toBe(true);
    expect(options.jobs ?? 1).toBeGreaterThan(0);
    expect(options.jobs ?? 1).toBeLessThanOrEqual(1024);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    expect(error).toBeInstanceOf(FactoryError);
    expect(error.hint).not.toBe('');
  }
}

const clean = () => {
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(Object.getOwnPropertyNames(Object.prototype).length).toBe(prototypeNames);
};
const prototypeNames = Object.getOwnPropertyNames(Object.prototype).length;

test('any inputs are resolved or refused by name', () => {
  fc.assert(
    fc.property(fc.array(rawInputs('/witness'), { maxLength: 2 }), (layers) => {
      resolveOrRefuse(layers.map(asInputs));
      clean();
    }),
    { numRuns: 500 },
  );
});

test('any command line is a call, help or an error of the arguments', () => {
  fc.assert(
    fc.property(commandLines('/witness'), (argv) => {
      const call = parseArguments(argv, commands, '1.2.3');
      clean();
      if (call.command === undefined) {
        expect([0, 2]).toContain(call.exitCode);
        expect(call.text).not.toMatch(/^ {4}at /m);
      } else if (call.command.name === 'build') {
        resolveOrRefuse([readBuild(call.given, { argv, env: {}, cwd: '/' }).layer]);
      }
    }),
    { numRuns: 300 },
  );
});

test('a size is a whole number of bytes or none', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const size = parseSize(text);
      expect(size === undefined || (Number.isSafeInteger(size) && size >= 0)).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test('text that is made visible has nothing left that a terminal obeys, and is not changed again', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const shown = visible(text, '\n');
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
      expect(shown).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]/);
      expect(visible(shown, '\n')).toBe(shown);
    }),
    { numRuns: 1000 },
  );
});
