import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { collectLogs } from '../../../src/build/logs.js';
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
