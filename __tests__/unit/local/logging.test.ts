import { mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { InputError } from '../../../src/base/errors.js';
import type { Logger } from '../../../src/base/ports.js';
import { alsoTo, atLevel } from '../../../src/local/logging.js';
import { recordingLogger, temporaryFolder } from '../../support/fakes.js';

async function say(logger: Logger): Promise<number> {
  logger.debug('d');
  logger.info('i');
  logger.notice('n');
  logger.warning('w');
  logger.error('e', 'title');
  return logger.group('g', async () => 7);
}

test.each([
  ['debug', 'dinwe'],
  ['info', 'inwe'],
  ['warning', 'we'],
  ['error', 'e'],
] as const)('at level %s it says %s', async (level, said) => {
  const logger = recordingLogger();
  expect(await say(atLevel(logger, level))).toBe(7);
  const lines = ['debug', 'info', 'notice', 'warning', 'error'].flatMap((kind) => logger.of(kind as 'info'));
  expect(lines.join('').replace('title: ', '')).toBe(said);
});

test('a file gets every line with time and level, without secrets; it is added to', async () => {
  const file = join(await temporaryFolder(), 'logs', 'a.log');
  const logger = recordingLogger();
  for (const _ of [1, 2]) {
    const { logger: both, close } = await alsoTo(file, logger);
    both.mask('hush');
    both.mask('');
    expect(await say(both)).toBe(7);
    both.info('a hush\nb\u001b[31m');
    close();
    close();
    both.info('later');
  }
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
  expect(lines).toHaveLength(14);
  for (const line of lines)
    expect(line).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z (?:debug|info|notice|warning|error) /);
  expect(lines.map((line) => line.replace(/^\S+ /, '')).slice(0, 6)).toEqual([
    'debug d',
    'info i',
    'notice n',
    'warning w',
    'error title: e',
    'info == g',
  ]);
  expect(lines[6]).toMatch(/ info a \*\*\*.*b/);
  expect(lines[6]).not.toContain('\u001b');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(logger.of('info')).toContain('later');
});

test('a file that takes no more is told of once, and the log goes on', async () => {
  const logger = recordingLogger();
  const file = join(await temporaryFolder(), 'full');
  await symlink('/dev/full', file);
  const { logger: both } = await alsoTo(file, logger);
  both.info('one');
  both.info('two');
  expect(logger.of('info')).toEqual(['one', 'two']);
  expect(logger.of('warning')).toEqual([expect.stringMatching(/full takes no more lines: ENOSPC/)]);
});

test('a folder that can not be made is the input that is wrong', async () => {
  const root = await temporaryFolder();
  await writeFile(join(root, 'file'), '');
  await mkdir(join(root, 'folder'));
  await expect(alsoTo(join(root, 'file', 'a.log'), recordingLogger())).rejects.toThrow(InputError);
});
