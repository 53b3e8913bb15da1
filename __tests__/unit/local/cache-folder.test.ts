import { chmod, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ConfigurationError } from '../../../src/base/errors.js';
import { openCacheFolders } from '../../../src/local/cache-folder.js';
import { recordingLogger, temporaryFolder } from '../../support/fakes.js';

const both = (folder: string) => [folder, join(folder, 'entries'), folder];

test('a new folder is made for this user alone', async () => {
  const folder = join(await temporaryFolder(), 'a', 'cache');
  const logger = recordingLogger();
  for (const signs of [false, true]) await openCacheFolders(both(folder), signs, logger);
  for (const place of [folder, join(folder, 'entries')]) {
    expect((await stat(place)).mode & 0o777).toBe(0o700);
  }
  expect(logger.log).toEqual([]);
});

describe.each(['.', 'entries'])('where others may write in %s', (place) => {
  async function open() {
    const folder = join(await temporaryFolder(), 'cache');
    await mkdir(join(folder, 'entries'), { recursive: true });
    await chmod(join(folder, place), 0o1777);
    return folder;
  }

  test('a build without a secret is warned, once', async () => {
    const logger = recordingLogger();
    await openCacheFolders(both(await open()), false, logger);
    expect(logger.of('warning')).toEqual([expect.stringMatching(/can be written by others \(mode 1777\)/)]);
  });

  test('a build with a secret ends, before anything is taken from there', async () => {
    const attempt = openCacheFolders(both(await open()), true, recordingLogger());
    await expect(attempt).rejects.toThrow(ConfigurationError);
    await expect(attempt).rejects.toThrow(/could be forged/);
  });
});
