import { describe, expect, test } from '@jest/globals';
import { archiveTime, packCommand } from '../../../src/bundle/archive.js';

const plan = {
  archive: '/out/slurm-24.11.6-bookworm-amd64-software.tar.gz',
  folder: '/store/slurm 1',
  top: 'slurm-24.11.6-bookworm-amd64',
  jobs: 8,
};

describe('packCommand', () => {
  const command = packCommand(plan);

  test.each([
    ['names are sorted', '--sort=name'],
    ['one time', '--mtime=@315532800'],
    ['no owner', '--owner=0'],
    ['no group', '--group=0'],
    ['numbers, not names', '--numeric-owner'],
  ])('the bytes hang on nothing of the machine: %s', (_, word) => {
    expect(command).toContain(word);
  });

  test('the time is 1980-01-01', () => {
    expect(new Date(archiveTime * 1000).toISOString()).toBe('1980-01-01T00:00:00.000Z');
  });

  test('the folder is a word of its own, and everything in it goes below the top folder', () => {
    expect(command[0]).toBe('tar');
    expect(command[command.indexOf('--file') + 1]).toBe(plan.archive);
    expect(command[command.indexOf('--directory') + 1]).toBe('/store/slurm 1');
    expect(command).toContain(`--transform=s,^\\.,${plan.top},S`);
    expect(command.at(-1)).toBe('.');
  });

  test('of a folder, all or the members that are named go in', () => {
    expect(packCommand({ ...plan, members: ['./bin/.debug'] }).slice(-2)).toEqual([
      `--transform=s,^\\.,${plan.top},S`,
      './bin/.debug',
    ]);
  });

  test.each([
    [1, 2],
    [2, 2],
    [16, 16],
  ])('%i jobs compress with %i threads: one alone would write other bytes', (jobs, threads) => {
    const words = packCommand({ ...plan, jobs });
    expect(words[words.indexOf('--use-compress-program') + 1]).toMatch(
      new RegExp(`^pigz .*--no-name --no-time.* ${threads}$`),
    );
  });
});
