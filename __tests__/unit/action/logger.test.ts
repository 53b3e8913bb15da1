import { expect, test } from '@jest/globals';
import { actionLogger, harmless } from '../../../src/action/logger.js';
import { capturedOutput } from '../../support/output.js';

const written = capturedOutput();

/**
 * The commands that a runner would obey in a text: lines end with \n, \r or both, and white space before a
 * command is skipped; `##[` counts wherever it stands.
 */
const commandsIn = (text: string): string[] =>
  text.split(/\r\n|\r|\n/).filter((line) => /^[\s\u0085\u180e]*::|##\[/.test(line));

test.each([
  '::add-mask::e',
  '  ::error::no',
  '\t::set-output name=target::evil',
  '\u00a0\u2003::stop-commands::x',
  '\u0085::add-mask::e',
  '\u180e::add-mask::e',
  '\ufeff::add-mask::e',
  '\u200b::add-mask::e',
  '##[add-mask]e',
  'word ##[command]x',
  '##[group]a ##[endgroup]',
  'a progress bar\r::add-mask::e',
  'two lines\n::add-mask::e',
  '\u2028::add-mask::e',
  '\x1b[0m::add-mask::e',
  ':::add-mask::e',
])('a line that a program printed is no command: %j', (line) => {
  for (const write of [actionLogger.info, (text: string) => actionLogger.group(text, async () => {})]) {
    written.length = 0;
    write(line);
    const own = written.filter((text) => text.startsWith('::group::'));
    expect(commandsIn(written.filter((text) => !own.includes(text)).join(''))).toEqual([]);
    expect(own.every((text) => commandsIn(text).length === 1)).toBe(true);
    for (const control of ['\x1b', '\r']) expect(written.join('')).not.toContain(control);
  }
});

test('a line that is none stays as it is', () => {
  const lines = ['a::b', 'http://[::1]:80', 'std::string', '# comment [x]', '  indented', ': :', '100%'];
  for (const line of lines) expect(harmless(line)).toBe(line);
});

test('annotations of ours stay annotations, whatever is in them', () => {
  actionLogger.error('first\n::add-mask::e', 'a\rtitle');
  actionLogger.warning('\x1b[31mred');
  actionLogger.notice('told');
  actionLogger.debug('::add-mask::e');
  expect(written.join('').split(/\r\n|\r|\n/)).toEqual([
    '::error title=a\\x0dtitle::first%0A::add-mask::e',
    '::warning::\\x1b[31mred',
    '::notice::told',
    '::debug::::add-mask::e',
    '',
  ]);
});

test('what is to be hidden is told to the runner; nothing hides nothing', () => {
  actionLogger.mask('hunter2');
  actionLogger.mask('');
  expect(written.join('')).toBe('::add-mask::hunter2\n');
});
