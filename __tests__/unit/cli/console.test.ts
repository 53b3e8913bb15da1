import { expect, test } from '@jest/globals';
import { consoleLogger } from '../../../src/cli/console.js';

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
