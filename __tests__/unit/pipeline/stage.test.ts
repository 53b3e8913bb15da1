import { expect, test } from '@jest/globals';
import { type Stage, type StageId, Stopwatch, sequence, stageTitles } from '../../../src/pipeline/stage.js';
import { recordingLogger } from '../../support/fakes.js';
import { openedBuild } from '../../support/stages.js';

const stage = <Needs, Gives>(
  id: StageId,
  run: (input: Needs) => Gives,
  skip?: () => Gives | undefined,
): Stage<Needs, Gives> => ({ id, run: async (_, input) => run(input), ...(skip ? { skip } : {}) });

test('each stage finds what all before it gave, and what the sequence began with', async () => {
  const { context, watch, ports } = await openedBuild();
  const made = await sequence<{ readonly start: number }>()
    .add(stage('lock', ({ start }: { start: number }) => ({ lock: start + 1 })))
    .add(stage('install', ({ start, lock }: { start: number; lock: number }) => ({ sum: start + lock })))
    .run(context, watch, { start: 1 });
  expect(made).toEqual({ start: 1, lock: 2, sum: 3 });
  expect(watch.timings.map((timing) => timing.stage)).toEqual(['lock', 'install']);
  expect(ports.logger.of('group')).toEqual([stageTitles.lock, stageTitles.install]);
});

test('a stage that is not to be run gives what stands for it, and nobody hears of it', async () => {
  const { context, watch, ports } = await openedBuild();
  const never = () => {
    throw new Error('it was run');
  };
  const made = await sequence()
    .add(stage('smoke', never, () => ({ smoke: undefined })))
    .run(context, watch, {});
  expect(made).toEqual({ smoke: undefined });
  expect(watch.timings).toEqual([]);
  expect(ports.logger.of('group')).toEqual([]);
});

test('behind a stage that fails none is run, and the time of the failed one is known', async () => {
  const { context, watch } = await openedBuild();
  let ran = false;
  const failing = sequence()
    .add(
      stage('lock', (): object => {
        throw new Error('no');
      }),
    )
    .add(
      stage('install', (): object => {
        ran = true;
        return {};
      }),
    );
  await expect(failing.run(context, watch, {})).rejects.toThrow('no');
  expect(ran).toBe(false);
  expect(watch.timings.map((timing) => timing.stage)).toEqual(['lock']);
});

test('where somebody wants to know, each stage is told when it begins and when it ends, a failed one too', async () => {
  const told: object[] = [];
  const { signal } = new AbortController();
  const watch = new Stopwatch({ logger: recordingLogger(), signal, progress: (event) => told.push(event) });
  await watch.stage('lock', async () => 1);
  await expect(watch.stage('install', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  const seconds = expect.any(Number);
  expect(told).toEqual([
    { what: 'stage', stage: 'lock' },
    { what: 'stage-end', stage: 'lock', seconds },
    { what: 'stage', stage: 'install' },
    { what: 'stage-end', stage: 'install', seconds },
  ]);
});

test('no stage starts after a cancel', async () => {
  const controller = new AbortController();
  const watch = new Stopwatch({ logger: recordingLogger(), signal: controller.signal });
  controller.abort(new Error('stop'));
  await expect(watch.stage('lock', async () => 1)).rejects.toThrow('stop');
});
