import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { runCli } from '../support/cli.js';
import { isHere, projectRoot, sourceMirror, temporaryFolder } from '../support/prepare.js';
import { metaOf } from '../support/slurm-source.js';

/*
 * Sources of Slurm that `data/` does not have. What compiles is by SLURM_FACTORY_TEST_SOURCES=1 only: it takes
 * three minutes on two cores, and shares nothing with the other tests.
 */
const compiles = process.env['SLURM_FACTORY_TEST_SOURCES'] === '1';
const folder = temporaryFolder('sources');
const workspace = join(folder, 'workspace');
const out = join(folder, 'out');
const common = ['--cache-dir', join(folder, 'cache'), '--output-dir', out];
const noEngine = { env: { DOCKER_HOST: 'unix:///nonexistent/docker.sock' }, cwd: workspace };
let commit: string;

beforeAll(() => {
  mkdirSync(join(workspace, 'fork'), { recursive: true });
  const git = (...words: string[]) =>
    execFileSync(
      'git',
      [
        '-C',
        join(workspace, 'fork'),
        '-c',
        'user.name=tester',
        '-c',
        'user.email=tester@localhost',
        ...words,
      ],
      { encoding: 'utf8' },
    ).trim();
  git('init', '--quiet', '--initial-branch', 'site');
  writeFileSync(join(workspace, 'fork', 'META'), metaOf('24.11.6'));
  git('add', '.');
  git('commit', '--quiet', '-m', 'site');
  git('tag', 'slurm-24-11-99-1');
  commit = git('rev-parse', 'HEAD');
  execFileSync('git', [
    '-C',
    join(workspace, 'fork'),
    'archive',
    '--prefix=slurm/',
    '-o',
    '../slurm.tar.gz',
    'HEAD',
  ]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('an archive with another sum is refused before anything is built', () => {
  const done = runCli(['build', './slurm.tar.gz', '--slurm-sha256', '0'.repeat(64), ...common], noEngine);
  expect(done.exitCode).toBe(4);
  const sum = createHash('sha256')
    .update(readFileSync(join(workspace, 'slurm.tar.gz')))
    .digest('hex');
  expect(done.stderr).toContain(
    `slurm.tar.gz has the sha256 ${sum}, not the ${'0'.repeat(64)} of slurm-sha256`,
  );
});

test('a commit of a fork on this machine is a target of its own, found without an engine', () => {
  const words = ['build', commit, '--source', 'fork', '--engine', 'docker', ...common];
  const done = runCli(words, noEngine);
  expect(done.exitCode).toBe(3);
  expect(done.stderr).toMatch(/Target slurm-24\.11\.6\.p[0-9a-f]{12}-glibc2\.34-a\w+64, content key/);
  expect(done.stderr).toContain(`Source of Slurm: a repository of this machine, commit ${commit}`);
});

test('a tag that names another release is refused', () => {
  const done = runCli(['build', '24.11.99', '--source', 'fork', ...common], noEngine);
  expect(done.exitCode).toBe(4);
  expect(done.stderr).toContain('what the tag slurm-24-11-99-1 names is Slurm 24.11.6, not 24.11.99');
});

const minutes = 60_000;
const canBuild = compiles && (await isHere('upstream', 'Docker Engine'));

/** Files of a built tarball by their paths below the top folder, each with the sum of its bytes. */
function treeOf(identifier: string): Record<string, string> {
  const tree = join(folder, 'trees', identifier);
  mkdirSync(tree, { recursive: true });
  const tarball = join(out, `${identifier}-software.tar.gz`);
  execFileSync('tar', ['-xzf', tarball, '-C', tree, '--strip-components=1']);
  const listed = execFileSync('find', ['.', '-type', 'f', '-exec', 'sha256sum', '{}', '+'], {
    cwd: tree,
    encoding: 'utf8',
  });
  return Object.fromEntries(
    listed
      .trim()
      .split('\n')
      .map((line) => [line.slice(66), line.slice(0, 64)]),
  );
}

/** Builds, and gives the identifier of what came of it. */
function build(...words: string[]): string {
  const done = runCli(['build', ...words, '--engine', 'docker', '--source-mirror', mirror, ...common], {
    cwd: workspace,
    root,
  });
  if (done.exitCode !== 0) throw new Error(done.stderr.slice(-8000));
  return /^Target +(\S+)$/m.exec(done.stdout)?.[1] ?? '';
}
let mirror: string;
let root: string;

if (canBuild) {
  test(
    'a release that is not listed, and its commit with two patches, are built, audited and smoked',
    async () => {
      mirror = await sourceMirror(['24.11.7']);
      root = projectRoot;
      const known = treeOf(build('24.11.7'));
      root = projectWithout('24.11.7');
      const unlisted = build('24.11.7');
      expect(unlisted).toMatch(/^slurm-24\.11\.7\.p[0-9a-f]{12}-glibc2\.34-a\w+64$/);
      expect(treeOf(unlisted)).toEqual(known);
      root = projectRoot;
      const line = 'sinfo \\- View information about Slurm nodes and partitions.';
      const head = ['.TH sinfo "1" "Slurm Commands" "May 2025" "Slurm Commands"', '', '.SH "NAME"'];
      const change = (from: string, to: string) =>
        ['--- a/doc/man/man1/sinfo.1', '+++ b/doc/man/man1/sinfo.1', '@@ -1,6 +1,6 @@']
          .concat(
            head.map((text) => ` ${text}`),
            [`-${from}`, `+${to}`, ' ', ' .SH "SYNOPSIS"', ''],
          )
          .join('\n');
      writeFileSync(join(workspace, 'one.patch'), change(line, 'sinfo \\- one'));
      writeFileSync(join(workspace, 'two.patch'), change('sinfo \\- one', 'sinfo \\- two'));
      const wrong = () => build('24.11.7', '--patches', 'two.patch');
      expect(wrong).toThrow(/failed in phase staging: 001-two\.patch does not apply: 1 out of 1 hunk FAILED/);
      const patched = build('24.11.7', '--patches', 'one.patch two.patch');
      const differs = Object.entries(treeOf(patched)).filter(([path, sum]) => known[path] !== sum);
      expect(differs.map(([path]) => path)).toEqual(['./share/man/man1/sinfo.1']);
      const page = join(folder, 'trees', patched, 'share/man/man1/sinfo.1');
      expect(readFileSync(page, 'utf8')).toContain('sinfo \\- two');
    },
    40 * minutes,
  );
}

/** A project like ours whose data does not know a release. */
function projectWithout(version: string): string {
  const project = join(folder, 'project');
  mkdirSync(project);
  for (const part of ['dist', 'data', 'spack-repo']) {
    cpSync(join(projectRoot, part), join(project, part), { recursive: true });
  }
  for (const part of ['toolchains', 'templates', 'scripts'])
    symlinkSync(join(projectRoot, part), join(project, part));
  const file = join(project, 'data', 'slurm-releases.json');
  const data: { releases: Record<string, { version: string }[]> } = JSON.parse(readFileSync(file, 'utf8'));
  for (const [series, releases] of Object.entries(data.releases)) {
    data.releases[series] = releases.filter((release) => release.version !== version);
  }
  writeFileSync(file, JSON.stringify(data, undefined, 1));
  const refresh = join(projectRoot, 'scripts', 'refresh-releases.mjs');
  execFileSync(process.execPath, [refresh, '--offline', '--root', project]);
  return project;
}
