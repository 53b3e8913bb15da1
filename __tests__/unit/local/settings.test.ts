import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { settle } from '../../../src/config/layers.js';
import { readOutside } from '../../../src/local/settings.js';
import { temporaryFolder } from '../../support/fakes.js';

/** A working folder, and a home with a configuration. */
async function place(files: Record<string, string>) {
  const root = await temporaryFolder(files);
  await mkdir(join(root, 'work'), { recursive: true });
  return { env: {}, cwd: join(root, 'work'), home: join(root, 'home') };
}

const own = 'home/.config/slurm-factory/slurm-factory.yml';

test("the working folder's file stands before the user's own, a variable before both", async () => {
  const here = await place({
    [own]: 'gpu: rocm\njobs: 1\ntoolchain: noble\n',
    'work/slurm-factory.yml': '\ngpu: cuda\njobs: 2\n',
  });
  const { layers, notices } = await readOutside({ ...here, env: { SLURM_FACTORY_SPACK_JOBS: '3' } });
  expect(settle(layers, 'gpu')).toEqual({
    text: 'cuda',
    origin: 'config-file',
    place: `${join(here.cwd, 'slurm-factory.yml')}:2`,
  });
  expect(settle(layers, 'toolchain').text).toBe('noble');
  expect(settle(layers, 'jobs')).toMatchObject({ text: '3', origin: 'variable' });
  expect(layers.flatMap(({ problems = [] }) => problems)).toEqual([]);
  expect(notices).toEqual([]);
});

test('XDG_CONFIG_HOME says where the own one is', async () => {
  const here = await place({ 'xdg/slurm-factory/slurm-factory.yml': 'gpu: rocm' });
  const { layers } = await readOutside({ ...here, env: { XDG_CONFIG_HOME: join(here.cwd, '..', 'xdg') } });
  expect(settle(layers, 'gpu').text).toBe('rocm');
});

test('no file is no fault, a named one replaces those that are looked for', async () => {
  expect((await readOutside(await place({}))).layers).toHaveLength(1);
  const here = await place({
    [own]: 'jobs: 1',
    'work/slurm-factory.yml': 'jobs: 2',
    'work/b.yml': 'gpu: cuda',
  });
  const { layers } = await readOutside({ ...here, file: 'b.yml' });
  expect(settle(layers, 'gpu').text).toBe('cuda');
  expect(settle(layers, 'jobs').origin).toBe('default');
});

test.each([
  ['is not there', 'none.yml', 'there is no such file.'],
  ['is a folder', '.', 'it is no file of settings.'],
  ['is too large', 'large.yml', 'it is no file of settings.'],
])('one that %s is a problem of the call', async (_, file, message) => {
  const here = await place({ 'work/large.yml': '#'.repeat(2 ** 20 + 1) });
  const { layers } = await readOutside({ ...here, file });
  const problem = { input: 'slurm-factory.yml', message, place: join(here.cwd, file) };
  expect(layers.flatMap(({ problems = [] }) => problems)).toEqual([problem]);
});

const asUser = process.getuid?.() === 0 ? test.skip : test;
asUser('one that may not be read is a problem, named or not', async () => {
  const here = await place({});
  const path = join(here.cwd, 'slurm-factory.yml');
  await writeFile(path, 'gpu: cuda');
  await chmod(path, 0);
  const { layers } = await readOutside(here);
  expect(layers.flatMap(({ problems = [] }) => problems)).toEqual([
    { input: 'slurm-factory.yml', message: "it can't be read (EACCES).", place: path },
  ]);
});
