import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { SpackUnreachableError } from '../../../src/base/errors.js';
import { exists } from '../../../src/base/files.js';
import { checkOut, type Pin, resolveCommit } from '../../../src/spack/checkout.js';
import { type Answer, fakeProcess, readFiles, temporaryFolder } from '../../support/fakes.js';

const url = 'https://git.test/spack.git';
const [one, two, three] = ['1', '2', '3'].map((digit) => digit.repeat(40)) as [string, string, string];

describe('resolveCommit', () => {
  test('a full commit asks nobody', async () => {
    const process = fakeProcess();
    expect(await resolveCommit(url, one, process)).toBe(one);
    expect(process.calls).toEqual([]);
  });

  test.each<[string, string, string]>([
    ['a branch', `${one}\trefs/heads/v1\n`, one],
    ['a light tag', `${one}\trefs/tags/v1\n`, one],
    ['an annotated tag: the commit behind it', `${one}\trefs/tags/v1\n${two}\trefs/tags/v1^{}\n`, two],
    ['a tag goes before a branch', `${one}\trefs/heads/v1\n${two}\trefs/tags/v1\n`, two],
    ['all three', `${one}\trefs/heads/v1\n${two}\trefs/tags/v1\n${three}\trefs/tags/v1^{}\n`, three],
    [
      'a ref of another name that only ends so',
      `${one}\trefs/remotes/x/refs/heads/v1\n${two}\trefs/heads/v1\n`,
      two,
    ],
  ])('%s', async (_, stdout, commit) => {
    expect(
      await resolveCommit(
        url,
        'v1',
        fakeProcess(() => ({ stdout })),
      ),
    ).toBe(commit);
  });

  test.each<[string, Answer, RegExp]>([
    ['no such ref', { stdout: '' }, /has no tag or branch 'v1'/],
    ['another ref only', { stdout: `${one}\trefs/heads/other/refs/heads/v1\n` }, /has no tag or branch 'v1'/],
    [
      'no network',
      { exitCode: 128, stderr: 'hint: x\nfatal: Could not resolve host\n' },
      /Could not resolve host/,
    ],
    ['no git', { exitCode: 127, stderr: 'git: not found' }, /git: not found/],
  ])('%s is a SpackUnreachableError that names the address', async (_, answer, message) => {
    const attempt = resolveCommit(
      url,
      'v1',
      fakeProcess(() => answer),
    );
    await expect(attempt).rejects.toThrow(SpackUnreachableError);
    await expect(attempt).rejects.toThrow(message);
    await expect(attempt).rejects.toThrow(url);
  });

  test('address and ref are words of their own, behind the end of the options', async () => {
    const process = fakeProcess(() => ({ stdout: `${one}\trefs/heads/v1` }));
    await resolveCommit('--upload-pack=evil', 'v1', process);
    const words = process.calls[0]?.command ?? [];
    expect(words.slice(words.indexOf('--'))).toEqual([
      '--',
      '--upload-pack=evil',
      'refs/tags/v1^{}',
      'refs/tags/v1',
      'refs/heads/v1',
    ]);
  });
});

describe('checkOut', () => {
  const pin: Pin = { name: 'spack', url, commit: one };

  /** git as far as the file system sees it; `fail` names verbs that fail. */
  function git(...fail: string[]) {
    const process = fakeProcess(async (command) => {
      const wordBehind = (option: string) => command[command.indexOf(option) + 1] ?? '';
      const [bare, tree] = [wordBehind('--git-dir'), wordBehind('--work-tree')];
      const verb = command[command.indexOf('--work-tree') + 2] ?? '';
      if (fail.includes(verb)) return { exitCode: 128, stderr: `fatal: ${verb} went wrong\n` };
      if (verb === 'init') await mkdir(bare, { recursive: true });
      if (verb === 'fetch') await writeFile(join(bare, 'pack'), `objects of ${command.at(-1)}`);
      if (verb === 'checkout') {
        if (!(await exists(join(bare, 'pack')))) return { exitCode: 128, stderr: 'fatal: no objects' };
        await writeFile(join(tree, 'README'), `files of ${command.at(-1)}`);
      }
      return undefined;
    });
    const verbs = () => process.calls.map(({ command }) => command[command.indexOf('--work-tree') + 2]);
    return { process, verbs };
  }

  test('fetches one commit, shallow, and leaves nothing but its files', async () => {
    const root = await temporaryFolder();
    const { process, verbs } = git();
    expect(await checkOut(pin, join(root, 'clones', 'spack'), join(root, 'scratch'), process)).toBe(
      'fetched',
    );
    expect(verbs()).toEqual(['init', 'fetch', 'checkout']);
    expect(process.lines[1]).toContain(`--depth 1 --no-tags -- ${url} ${one}`);
    expect(await readFiles(join(root, 'clones'))).toEqual({
      'spack/README': `files of ${one}`,
    });
  });

  test('what is here already is left alone', async () => {
    const root = await temporaryFolder({ 'spack/README': 'mine' });
    const { process } = git();
    expect(await checkOut(pin, join(root, 'spack'), join(root, 'scratch'), process)).toBe('here already');
    expect(process.calls).toEqual([]);
    expect(await readFiles(root)).toEqual({ 'spack/README': 'mine' });
  });

  test.each(['init', 'fetch', 'checkout'])(
    'when %s fails nothing is left, and the error says why',
    async (verb) => {
      const root = await temporaryFolder();
      const attempt = checkOut(pin, join(root, 'spack'), join(root, 'scratch'), git(verb).process);
      await expect(attempt).rejects.toThrow(SpackUnreachableError);
      await expect(attempt).rejects.toThrow(`fatal: ${verb} went wrong`);
      expect(await readdir(join(root, 'scratch'))).toEqual([]);
      expect(await exists(join(root, 'spack'))).toBe(false);
    },
  );

  test('a second build that was faster wins, and both go on', async () => {
    const root = await temporaryFolder();
    const folder = join(root, 'spack');
    await Promise.all(
      [1, 2, 3].map((build) => checkOut(pin, folder, join(root, `build-${build}`), git().process)),
    );
    expect((await readdir(root)).filter((name) => !name.startsWith('build-')).sort()).toEqual(['spack']);
    for (const build of [1, 2, 3]) expect(await readdir(join(root, `build-${build}`))).toEqual([]);
    expect((await readFiles(folder))['README']).toBe(`files of ${one}`);
  });
});
