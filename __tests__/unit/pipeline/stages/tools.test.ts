import { expect, test } from '@jest/globals';
import { ContainerError, SpackUnreachableError } from '../../../../src/base/errors.js';
import { toolsStage } from '../../../../src/pipeline/stages/tools.js';
import { openedBuild, startedBuild } from '../../../support/stages.js';

const noNetwork = { exitCode: 128, stderr: 'no route' };

test('clones and image are both there', async () => {
  const { context, watch, process } = await openedBuild();
  const { builder } = await toolsStage.run(context, {});
  expect(builder).toBeDefined();
  expect(process.lines.some((line) => /^git .* checkout /.test(line))).toBe(true);
  expect(process.lines.some((line) => /^docker image inspect .*slurm-factory\/builder:/.test(line))).toBe(
    true,
  );
  expect(watch.timings).toEqual([]);
});

test('when one fails, the other has ended before that is said', async () => {
  let ended = false;
  const { context } = await openedBuild({
    script: {
      answer: async (words) => {
        if (words[0] === 'git' && words.includes('fetch')) return noNetwork;
        if (words[0] === 'docker' && words[1] === 'image') {
          await new Promise((later) => setTimeout(later, 20));
          ended = true;
        }
        return undefined;
      },
    },
  });
  await expect(toolsStage.run(context, {})).rejects.toThrow(SpackUnreachableError);
  expect(ended).toBe(true);
});

test('an image that can not be made is the first thing said', async () => {
  const { context } = await openedBuild({
    script: {
      answer: (words) => {
        if (words[0] === 'git') return noNetwork;
        return words[0] === 'docker' && ['image', 'pull'].includes(words[1] ?? '')
          ? { exitCode: 1 }
          : undefined;
      },
    },
  });
  await expect(toolsStage.run(context, {})).rejects.toThrow(ContainerError);
});

test('the session ends with the context, whatever becomes of the build', async () => {
  const { context, process } = await startedBuild();
  const removed = () => process.lines.filter((line) => /^docker rm .*build-/.test(line));
  expect(removed()).toEqual([]);
  await context.close();
  expect(removed()).toHaveLength(1);
  await context.close();
  expect(removed()).toHaveLength(1);
});
