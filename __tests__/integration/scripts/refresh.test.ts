import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { projectRoot, temporaryFolder } from '../../support/prepare.js';

/** A repository of Slurm's with two releases, and a project that knows the older one only. */
const folder = temporaryFolder('refresh');
const upstream = join(folder, 'slurm');
const project = join(folder, 'project');
const recipe = 'spack-repo/spack_repo/slurm_factory/packages/slurm/package.py';

const git = (...words: string[]): string => {
  const own = ['-C', upstream, '-c', 'user.name=tester', '-c', 'user.email=tester@localhost'];
  return execFileSync('git', [...own, ...words], { encoding: 'utf8' }).trim();
};
const archiveSum = (tag: string): string => {
  const made = [
    '-c',
    'tar.tar.gz.command=gzip -cn',
    'archive',
    '--format=tar.gz',
    `--prefix=slurm-${tag}/`,
    tag,
  ];
  return createHash('sha256')
    .update(execFileSync('git', ['-C', upstream, ...made]))
    .digest('hex');
};
const commitOf = (tag: string): string => git('rev-parse', `${tag}^{commit}`);
const entry = (version: string) => {
  const spack = `${version.replaceAll('.', '-')}-1`;
  const tag = `slurm-${spack}`;
  return { version, spack, tag, commit: commitOf(tag), archiveSha256: archiveSum(tag), date: '2026-03-04' };
};

function tagRelease(version: string): void {
  writeFileSync(join(upstream, 'META'), version);
  git('add', 'META');
  execFileSync(
    'git',
    [
      '-C',
      upstream,
      '-c',
      'user.name=tester',
      '-c',
      'user.email=t@localhost',
      'commit',
      '--quiet',
      '-m',
      version,
    ],
    {
      env: { ...process.env, GIT_COMMITTER_DATE: '2026-03-04T12:00:00Z' },
    },
  );
  git('tag', '-a', `slurm-${version.replaceAll('.', '-')}-1`, '-m', version);
}

beforeAll(() => {
  execFileSync('git', ['init', '--quiet', '--initial-branch', 'master', upstream]);
  for (const version of ['24.11.6', '24.11.7', '25.05.0']) tagRelease(version);
  git('tag', 'slurm-25-05-0-0rc1');
});

beforeEach(() => {
  rmSync(project, { recursive: true, force: true });
  mkdirSync(join(project, 'data'), { recursive: true });
  cpSync(join(projectRoot, recipe), join(project, recipe), { recursive: true });
  writeData({ '24.11': [entry('24.11.6')] });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const dataFile = join(project, 'data', 'slurm-releases.json');
const writeData = (releases: object): void =>
  writeFileSync(dataFile, JSON.stringify({ comment: 'kept', releases }, undefined, 1));
const refresh = (...words: string[]) =>
  spawnSync(
    process.execPath,
    [
      join(projectRoot, 'scripts', 'refresh-releases.mjs'),
      '--root',
      project,
      '--repository',
      upstream,
      ...words,
    ],
    { encoding: 'utf8' },
  );

test('tags that the data lacks are added with commit, date and sum, and the recipe gets their lines', () => {
  const done = refresh();
  expect(done).toMatchObject({ status: 0, stderr: '' });
  expect(done.stdout).toContain(`25.05.0: slurm-25-05-0-1, sha256 ${archiveSum('slurm-25-05-0-1')}`);
  expect(JSON.parse(readFileSync(dataFile, 'utf8'))).toEqual({
    comment: 'kept',
    releases: { '24.11': [entry('24.11.6'), entry('24.11.7')], '25.05': [entry('25.05.0')] },
  });
  const versions = readFileSync(join(project, recipe), 'utf8').match(
    /^ {4}version\([^)]*?"(\d+-\d+-\d+-\d+)"/gm,
  );
  expect(versions?.map((line) => line.replace(/[^0-9-]/g, ''))).toEqual([
    '25-05-0-1',
    '24-11-7-1',
    '24-11-6-1',
  ]);
  const again = refresh();
  expect(again).toMatchObject({ status: 0, stdout: "The recipe's releases are up to date.\n" });
  expect(refresh('--check').status).toBe(0);
});

test('a tag that has moved is an error, and nothing is written', () => {
  writeData({ '24.11': [{ ...entry('24.11.6'), commit: commitOf('slurm-24-11-7-1') }] });
  const before = readFileSync(dataFile, 'utf8');
  const done = refresh();
  expect(done.status).toBe(1);
  expect(done.stderr).toContain('Tags must not move');
  expect(done.stderr).toContain(
    `slurm-24-11-6-1 was ${commitOf('slurm-24-11-7-1')} and is ${commitOf('slurm-24-11-6-1')}`,
  );
  expect(readFileSync(dataFile, 'utf8')).toBe(before);
});

test('a machine that makes other archives than the one that is known adds none', () => {
  writeData({ '24.11': [{ ...entry('24.11.6'), archiveSha256: '0'.repeat(64) }] });
  const done = refresh();
  expect(done.status).toBe(1);
  expect(done.stderr).toContain('The archive of slurm-24-11-6-1 that git and gzip make here is not the one');
});

test('without a network the recipe follows the data, and --check tells when it does not', () => {
  const check = refresh('--check');
  expect(check.status).toBe(1);
  expect(check.stderr).toContain('run node scripts/refresh-releases.mjs --offline');
  expect(refresh('--offline', '--repository', '/nowhere').status).toBe(0);
  expect(refresh('--check').status).toBe(0);
});
