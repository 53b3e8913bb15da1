import { rmSync } from 'node:fs';
import { afterAll, describe, expect, test } from '@jest/globals';
import { startInTerminal } from '../../support/cli.js';
import { temporaryFolder } from '../../support/prepare.js';

/** What a user sees at a terminal of some widths. */

const folder = temporaryFolder('terminal');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const env = { HOME: folder, XDG_CACHE_HOME: folder };
// biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal is written to
const codes = /\x1b\[[\d;?]*[A-Za-z]/g;

/** A call, with what it wrote in lines and what of that was colour. */
async function see(columns: number, ...args: string[]) {
  const { exitCode, text } = await startInTerminal(args, { columns, env, cwd: folder }).ended;
  return { exitCode, text, lines: text.replace(codes, '').split('\r\n') };
}

describe.each([80, 120])('at %i columns', (columns) => {
  test.each([[['--help']], [['build', '--help']], [['list', '--help']], [['list', '--available']]])(
    '%j fits',
    async (args) => {
      const { exitCode, lines, text } = await see(columns, ...args);
      expect(exitCode).toBe(0);
      expect(lines.length).toBeGreaterThan(10);
      expect(lines.filter((line) => line.length > columns)).toEqual([]);
      expect(text).toContain('\x1b[1m');
    },
  );
});

test('a wrong option is told in red, with what was meant, and ends with 2', async () => {
  const { exitCode, text, lines } = await see(80, 'build', '24.11', '--toolchian', 'noble');
  expect(exitCode).toBe(2);
  expect(text).toContain('\x1b[31merror:\x1b[39m');
  expect(lines).toContain("error: --toolchian: no such option. Did you mean '--toolchain'?");
});

test('with NO_COLOR nothing is coloured', async () => {
  const run = startInTerminal(['list', '--available'], { env: { ...env, NO_COLOR: '1' }, cwd: folder });
  expect((await run.ended).text).not.toContain('\x1b[');
});
