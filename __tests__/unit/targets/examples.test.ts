import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { examplePaths } from '../../../src/targets/examples.js';

const templates = join(import.meta.dirname, '../../../templates');
const read = (path: string) => readFileSync(join(templates, path), 'utf8');

test('every file of templates/etc is an example, and every example is there', () => {
  expect(readdirSync(join(templates, 'etc')).map((name) => `etc/${name}`)).toEqual([...examplePaths]);
});

/** What may stand at the beginning of a line: a key, and its value for those that a release may not know. */
const lines = (path: string) =>
  read(path)
    .split('\n')
    .filter((line) => /^[A-Z]\w+=/.test(line));

describe('what holds for all releases from 22.05 to 26.05', () => {
  // Looked at in src/common/read_config.c, src/slurmdbd/read_config.c and the folders of plugins of every tag.
  test('auth/slurm, which the first two series lack, is left to the user', () => {
    for (const path of ['etc/slurm.conf.example', 'etc/slurmdbd.conf.example']) {
      expect(lines(path)).toContain('AuthType=auth/munge');
      expect(read(path)).toContain('\n#AuthType=auth/slurm\n');
    }
    expect(lines('etc/slurm.conf.example').filter((line) => /\bcred\//.test(line))).toEqual([]);
  });

  test.each([
    'AccountingStorageUser',
    'CgroupAutomount',
    'ConstrainKmemSpace',
    'CoreSpecPlugin',
    'ExtSensorsType',
    'GetEnvTimeout',
    'JobCredentialPrivateKey',
    'LaunchType',
    'PowerPlugin',
    'SchedulerAuth',
    'SwitchType',
  ])('%s, which is defunct or gone in some of them, is in none', (key) => {
    for (const path of examplePaths) expect(read(path)).not.toContain(key);
  });
});

test('they say where nothing is by a path of the host, and of nothing else', () => {
  const paths = examplePaths.flatMap((path) => read(path).match(/(?<=[\s=])\/[a-z][^\s,:.;)]*/g) ?? []);
  expect(paths.length).toBeGreaterThan(5);
  expect(paths.filter((path) => !/^\/(etc|var|run|dev|sys)\//.test(path))).toEqual([]);
});
