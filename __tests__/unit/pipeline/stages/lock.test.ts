import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ConcretizationError, ContainerError } from '../../../../src/base/errors.js';
import type { RawInputs } from '../../../../src/config/inputs.js';
import { lockStage } from '../../../../src/pipeline/stages/lock.js';
import { lockText } from '../../../support/machine.js';
import { startedBuild } from '../../../support/stages.js';

const lockSave = ({ recorder }: Awaited<ReturnType<typeof startedBuild>>['context']) =>
  recorder.current.saves.flatMap((save) =>
    save.what === 'files' && save.key.includes('-lock-') ? [save] : [],
  )[0];

test('the environment has the versions of the distribution, and the lock is read and recorded', async () => {
  const { context, session } = await startedBuild();
  const { lock } = await lockStage.run(context, { session });
  expect(lock.specs.map(({ name }) => name).sort()).toEqual(['munge', 'nvml', 'slurm']);
  const yaml = await readFile(join(context.build.hostLayout.environment, 'spack.yaml'), 'utf8');
  expect(yaml).toContain('munge@1.2.3');
  const save = lockSave(context);
  expect(save?.files).toEqual(['spack.lock']);
  expect(await readFile(join(save?.directory ?? '', 'spack.lock'), 'utf8')).toBe(lockText);
});

test('where sources come from is in the environment but not in the key of its lock', async () => {
  const mirror = 'https://user:secret@mirror.test/sources';
  const keyWith = async (layer: RawInputs) => {
    const { context, session, process } = await startedBuild({ request: { layers: [layer] } });
    await lockStage.run(context, { session });
    const yaml = await readFile(join(context.build.hostLayout.environment, 'spack.yaml'), 'utf8');
    return { key: lockSave(context)?.key, yaml, lines: process.lines.join('\n') };
  };
  const plain = await keyWith({});
  const mirrored = await keyWith({ 'source-mirror': mirror });
  expect(mirrored.yaml).toContain(mirror);
  expect(plain.yaml).not.toContain('mirror.test');
  expect(mirrored.key).toBe(plain.key);
  expect(mirrored.lines).not.toContain('secret');
});

test('what Spack says is the reason when there is no solution', async () => {
  const { context, session } = await startedBuild({
    script: {
      answer: (words) =>
        words.includes('concretize')
          ? { exitCode: 1, stderr: '==> Error: failed to concretize `slurm`\n    1. no version' }
          : undefined,
    },
  });
  const failed = lockStage.run(context, { session });
  await expect(failed).rejects.toThrow(ConcretizationError);
  await expect(failed).rejects.toThrow('failed to concretize `slurm`');
  expect(lockSave(context)).toBeUndefined();
});

test('a builder image without the packages is an error of the image', async () => {
  const { context, session } = await startedBuild({
    script: {
      answer: (words) =>
        words[0] === 'dpkg-query' ? { exitCode: 1, stderr: 'no packages found matching munge' } : undefined,
    },
  });
  await expect(lockStage.run(context, { session })).rejects.toThrow(ContainerError);
});
