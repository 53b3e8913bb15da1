import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from '@jest/globals';
import { ChecksumError, SourceError } from '../../../src/base/errors.js';
import { nodeProcess } from '../../../src/local/process.js';
import { askTag, bringArchive, bringCommit, type SourcePlace } from '../../../src/spack/source.js';
import { fakePorts, temporaryFolder } from '../../support/fakes.js';
import { metaOf } from '../../support/slurm-source.js';

/** A repository with a release and a commit behind it, and a folder for archives. */
let upstream: string;
let folder: string;
let place: SourcePlace;

const git = (...words: string[]): string => {
  const own = ['-C', upstream, '-c', 'user.name=tester', '-c', 'user.email=tester@localhost'];
  const env = { ...process.env, GIT_COMMITTER_DATE: '2026-03-04T12:00:00Z' };
  return execFileSync('git', [...own, ...words], { encoding: 'utf8', env }).trim();
};
const sumOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

function commit(version: string): string {
  writeFileSync(join(upstream, 'META'), metaOf(version));
  git('add', '.');
  git('commit', '--quiet', '-m', version);
  return git('rev-parse', 'HEAD');
}

beforeEach(async () => {
  const root = await temporaryFolder();
  [upstream, folder] = [join(root, 'slurm'), join(root, 'sources')];
  place = { folder, ports: fakePorts({ process: nodeProcess }) };
  execFileSync('git', ['init', '--quiet', '--initial-branch', 'master', upstream]);
  mkdirSync(join(upstream, 'src'));
  writeFileSync(join(upstream, 'src', 'a.c'), 'int a;\n');
  commit('24.11.6');
  git('tag', '-a', 'slurm-24-11-6-1', '-m', 'release');
  git('tag', 'slurm-24-11-60-1');
  git('tag', 'slurm-24-11-6-0rc1');
});

test('a release is found by its tag, and its archive is the one that git makes of that', async () => {
  const tagged = await askTag(upstream, '24.11.6', nodeProcess);
  const head = git('rev-parse', 'HEAD');
  expect(tagged).toEqual({ tag: 'slurm-24-11-6-1', commit: head });
  commit('24.11.7');
  const request = { repository: upstream, commit: head, name: 'slurm-24-11-6-1' };
  const brought = await bringCommit(request, place);
  const served = join(folder, 'served.tar.gz');
  const made = ['-c', 'tar.tar.gz.command=gzip -cn', 'archive', '--format=tar.gz'];
  git(...made, '--prefix=slurm-slurm-24-11-6-1/', `--output=${served}`, 'slurm-24-11-6-1');
  expect(brought).toMatchObject({ sha256: sumOf(served), version: '24.11.6', date: '2026-03-04' });
  expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
});

test("a commit's bytes are the same whatever a user has set, and without its history", async () => {
  const head = git('rev-parse', 'HEAD');
  const request = { repository: upstream, commit: head, name: head };
  const brought = await bringCommit(request, place);
  const settings = { GIT_CONFIG_COUNT: '2', GIT_CONFIG_KEY_0: 'core.autocrlf', GIT_CONFIG_VALUE_0: 'true' };
  const env = { ...process.env, ...settings, GIT_CONFIG_KEY_1: 'tar.umask', GIT_CONFIG_VALUE_1: '0077' };
  const other: typeof nodeProcess = {
    run: (command, options) => nodeProcess.run(command, { ...options, env: env as Record<string, string> }),
  };
  const again = await bringCommit(request, {
    folder: join(folder, 'other'),
    ports: fakePorts({ process: other }),
  });
  expect(again.sha256).toBe(brought.sha256);
});

test.each([
  [
    'a commit that is not there',
    () => bringCommit({ repository: upstream, commit: 'e'.repeat(40), name: 'x' }, place),
  ],
  ['a repository that is not there', () => askTag(join(upstream, 'nowhere'), '24.11.6', nodeProcess)],
])('%s is a SourceError', async (_, attempt) => {
  await expect(attempt()).rejects.toThrow(SourceError);
});

test.each([
  ['tar.gz', 'gzip'],
  ['tar.bz2', 'bzip2'],
  ['tar.xz', 'xz'],
])('an archive %s is read, and refused with another sum', async (end, program) => {
  const file = join(upstream, '..', `slurm.${end}`);
  const tar = join(upstream, '..', 'slurm.tar');
  git('archive', '--format=tar', '--prefix=slurm-24.11.6/', `--output=${tar}`, 'HEAD');
  writeFileSync(file, execFileSync(program, ['--stdout', tar]));
  const given = { place: `slurm.${end}`, sha256: sumOf(file), cwd: join(upstream, '..') };
  expect(await bringArchive(given, place)).toMatchObject({ version: '24.11.6', date: '2026-03-04' });
  const wrong = bringArchive({ ...given, sha256: '0'.repeat(64) }, place);
  await expect(wrong).rejects.toThrow(ChecksumError);
  expect(readdirSync(folder)).toEqual([`slurm-${given.sha256}.${end}`]);
});
