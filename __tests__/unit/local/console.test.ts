import { describe, expect, test } from '@jest/globals';
import { OutputError } from '../../../src/base/errors.js';
import { consoleLogger, Printer } from '../../../src/local/console.js';

function capture(verbose: boolean) {
  const written = { out: '', err: '' };
  const stream = (name: 'out' | 'err') => ({
    write: (text: string) => {
      written[name] += text;
    },
  });
  return { written, logger: consoleLogger({ out: stream('out'), err: stream('err') }, verbose) };
}

test('log lines go to standard error; standard output is for results', () => {
  const { written, logger } = capture(false);
  logger.info('one');
  logger.notice('two');
  logger.warning('three');
  logger.error('four');
  logger.error('five', 'slurm failed');
  expect(written).toEqual({
    out: '',
    err: 'one\ntwo\nwarning: three\nerror: four\nerror: slurm failed: five\n',
  });
});

test.each([
  [true, 'detail\n'],
  [false, ''],
])('verbose %s', (verbose, expected) => {
  const { written, logger } = capture(verbose);
  logger.debug('detail');
  expect(written.err).toBe(expected);
});

test('what is masked is never written, wherever it stands', () => {
  const { written, logger } = capture(true);
  logger.mask('s3cret');
  logger.mask('');
  for (const write of [logger.debug, logger.info, logger.warning, logger.error]) write('as3cretb s3cret');
  expect(written.err).not.toContain('s3cret');
  expect(written.err).toContain('a***b ***');
});

test('a group shows its name, gives its result and passes an error on', async () => {
  const { written, logger } = capture(false);
  expect(await logger.group('Install', async () => 7)).toBe(7);
  expect(written.err).toMatch(/^== Install\n {3}Install: \d+\.\d s\n$/);
  await expect(logger.group('Fail', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
});

test('what programs print is shown, not obeyed by the terminal', () => {
  const { written, logger } = capture(true);
  for (const write of [logger.debug, logger.info, logger.warning, logger.error]) {
    write('\x1b]0;title\x07 \x9b2J \rover \u202etxt.exe\nline two\tend');
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  expect(written.err).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/);
  expect(written.err).toContain('\\x1b]0;title\\x07 \\x9b2J \\x0dover \\u202etxt.exe\nline two\tend\n');
});

test('a secret is hidden as it is, before anything of it is shown otherwise', () => {
  const { written, logger } = capture(true);
  logger.mask('a\x1bb');
  logger.info('<a\x1bb>');
  expect(written.err).toBe('<***>\n');
});

/** A stream that takes some writes and then fails each, as a closed pipe does. */
function failing(code: string, takes = 0) {
  const listeners: ((error: Error) => void)[] = [];
  const texts: string[] = [];
  return {
    texts,
    on: (_: 'error', listener: (error: Error) => void) => void listeners.push(listener),
    write(text: string, done?: (error?: Error | null) => void) {
      if (texts.length < takes) {
        texts.push(text);
        return done?.();
      }
      texts.push('(failed)');
      const error = Object.assign(new Error(`write ${code}`), { code });
      done?.(error);
      for (const listener of listeners) listener(error);
      // As Node does: an error event without a listener is thrown.
      if (listeners.length === 0) throw error;
    },
  };
}

describe('streams that are closed or full', () => {
  test('log lines that nobody reads are dropped after the first that fails', () => {
    const err = failing('EPIPE', 1);
    const logger = consoleLogger({ out: failing('EPIPE'), err }, false);
    for (const line of ['one', 'two', 'three', 'four']) logger.info(line);
    expect(err.texts).toEqual(['one\n', '(failed)']);
  });

  test.each([
    ['EPIPE', /was closed before all was printed/],
    ['ENOSPC', /takes no more text: write ENOSPC/],
  ])('a result that can not be printed is an error: %s', async (code, message) => {
    const printed = new Printer({ out: failing(code), err: failing(code) }).print('result\n');
    await expect(printed).rejects.toThrow(OutputError);
    await expect(printed).rejects.toThrow(message);
  });

  test('a result that is printed is none', async () => {
    const out = failing('EPIPE', 1);
    await new Printer({ out, err: failing('EPIPE') }).print('result\n');
    expect(out.texts).toEqual(['result\n']);
  });
});
