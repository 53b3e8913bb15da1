import { mkdir, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { collectLogs, logName } from '../../../src/pipeline/logs.js';
import { readFiles, temporaryFolder } from '../../support/fakes.js';

test('the logs of every package are gathered, side by side, and nothing else', async () => {
  const stage = await temporaryFolder({
    'builder/spack-stage-slurm-1-aaa/spack-build-out.txt': 'log of slurm',
    'builder/spack-stage-slurm-1-aaa/spack-src/config.log': 'configure of slurm',
    'builder/spack-stage-slurm-1-aaa/spack-src/main.c': 'int main',
    'builder/spack-stage-nvml-1-bbb/spack-build-out.txt': 'log of nvml',
    'builder/spack-stage-nvml-1-bbb/spack-src/config.log': 'configure of nvml',
  });
  const target = join(await temporaryFolder(), 'logs');
  const copies = await collectLogs(stage, target);
  const kept = await readFiles(target);
  expect(Object.values(kept).sort()).toEqual([
    'configure of nvml',
    'configure of slurm',
    'log of nvml',
    'log of slurm',
  ]);
  expect(copies.sort()).toEqual(
    Object.keys(kept)
      .map((name) => join(target, name))
      .sort(),
  );
  for (const [name, text] of Object.entries(kept)) expect(name).toContain(text.split(' ').at(-1));
});

test('a stage that is not there has no logs', async () => {
  const root = await temporaryFolder();
  expect(await collectLogs(join(root, 'stage'), join(root, 'logs'))).toEqual([]);
});

test('a log at the top of the stage is kept too', async () => {
  const stage = await temporaryFolder({ 'spack-stage-slurm-1-aaa.log': 'log of slurm' });
  const target = join(await temporaryFolder(), 'logs');
  await collectLogs(stage, target);
  expect(Object.values(await readFiles(target))).toEqual(['log of slurm']);
});

test('a link is no log, wherever it points, and a log has a plain name', async () => {
  const canaries = await temporaryFolder({ 'spack-build-out.txt': 'canary', 'config.log': 'canary' });
  const stage = await temporaryFolder({
    'builder/spack-stage-slurm-1-aaa/spack-build-out.txt': 'log of slurm',
    'builder/spack-stage-\u001b[2Jx\n-1-ccc/spack-build-out.txt': 'log of x',
  });
  const folder = join(stage, 'builder', 'spack-stage-nvml-1-bbb');
  await mkdir(folder);
  await symlink(join(canaries, 'config.log'), join(folder, 'spack-build-out.txt'));
  await symlink('/dev/zero', join(folder, 'config.log'));
  await symlink(canaries, join(stage, 'spack-stage-linked'));
  const target = join(await temporaryFolder(), 'logs');
  const copies = await collectLogs(stage, target);
  expect(Object.values(await readFiles(target)).sort()).toEqual(['log of slurm', 'log of x']);
  for (const copy of copies) expect(basename(copy)).toMatch(/^[\w.+=@-]+$/);
});

test.each([
  ['the longest log keeps its end', 'a'.repeat(400)],
  ['so does one of the deepest folders', Array.from({ length: 60 }, () => 'folder').join('/')],
])('%s', async (_, folder) => {
  const name = logName(`user/spack-stage-${folder}/spack-build-out.txt`);
  expect(name.length).toBeLessThanOrEqual(200);
  expect(name).toMatch(/-spack-build-out\.log$/);
});
