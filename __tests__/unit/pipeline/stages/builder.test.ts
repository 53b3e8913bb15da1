import { readdir } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { MissingRequirementError, NoEngineError } from '../../../../src/base/errors.js';
import type { StateStore } from '../../../../src/base/ports.js';
import { Recorder } from '../../../../src/pipeline/record.js';
import { resolveBuild } from '../../../../src/pipeline/resolve.js';
import { makeFolders, prepareBuilder } from '../../../../src/pipeline/stages/builder.js';
import { buildRequest, type RequestChange } from '../../../support/build.js';
import { fakePorts, host } from '../../../support/fakes.js';
import { fakeMachine, type MachineScript, onMachine } from '../../../support/machine.js';
import { containerIn } from '../../../support/records.js';

/** A planned build on a fake machine, and what its record says with each change. */
async function planned(script: MachineScript = {}, change: RequestChange = {}) {
  const request = await buildRequest(change);
  const process = fakeMachine(script);
  const ports = fakePorts({ process });
  const plan = await resolveBuild(request, fakePorts({ process }));
  const saved: string[] = [];
  const state: StateStore = { save: (record) => saved.push(JSON.stringify(record)) };
  const recorder = new Recorder(
    {
      version: 4,
      toolchain: 'bookworm',
      identifier: plan.identifier,
      buildFolder: plan.buildFolder,
      transfer: request.transfer,
      policy: plan.policy,
      cacheBudget: 0,
      cacheUses: [],
      cleanups: [],
      saves: [],
      buildStage: plan.hostLayout.buildStage,
      succeeded: false,
      upload: false,
    },
    state,
  );
  return { request, plan, process, ports, recorder, saved };
}

const onBookworm = { layers: [{ engine: 'none' }], host: host({ os: { id: 'debian', version: '12' } }) };

describe('in a container', () => {
  test('the engine is told, and why it is the one', async () => {
    const { plan, request, ports } = await planned();
    await prepareBuilder(plan, request, ports);
    expect(ports.logger.of('info')[0]).toBe('Engine: docker 26.1.5 (it answers)');
  });

  test('both containers get what the inputs let them have, and no more jobs run than that', async () => {
    const limits = { 'container-cpu': '1.5', 'container-memory': '1 GB', 'container-swap': '0' };
    const { plan, request, ports, process, recorder } = await planned({}, { layers: [limits] });
    const builder = await prepareBuilder(plan, request, ports);
    await makeFolders(plan);
    await builder.start(recorder);
    await builder.startFetcher(recorder);
    const runs = process.lines.filter((line) => line.startsWith('docker run --detach'));
    expect(runs).toHaveLength(2);
    for (const line of runs)
      expect(line).toContain('--cpus 1.5 --memory 1000000000 --memory-swap 1000000000');
    expect(plan.jobs).toBe(2);
  });

  test('containers are in the record before they start', async () => {
    const names: (string | undefined)[] = [];
    let recorder: Recorder | undefined;
    const { plan, request, ports, ...given } = await planned({
      answer: (words) => {
        if (words[1] === 'run')
          names.push(...['build', 'fetch'].map((kind) => containerIn(recorder?.current, kind)?.name));
        return undefined;
      },
    });
    recorder = given.recorder;
    const builder = await prepareBuilder(plan, request, ports);
    await makeFolders(plan);
    const session = await builder.start(recorder);
    const fetcher = await builder.startFetcher(recorder);
    expect(names).toEqual([
      session.container?.name,
      undefined,
      session.container?.name,
      fetcher.container?.name,
    ]);
    expect(new Set(names).size).toBe(3);
  });

  test('what an ended process left is removed first', async () => {
    const ended = host().owner.replace(/~[^~]*~[^~]*~[^~]*~[^~]*$/, '~earlier~1~2~3');
    const { plan, request, ports, process } = await planned({
      answer: (words) =>
        words[1] === 'ps' ? { stdout: `left\t${ended}\t\nkept\t${ended}\t1\n` } : undefined,
    });
    await prepareBuilder(plan, request, ports);
    const removals = process.lines.filter((line) => line.startsWith('docker rm'));
    expect(removals).toEqual(['docker rm --force --volumes left']);
  });

  test('without an engine that answers the error of the search is thrown', async () => {
    const { plan, request, ports } = await planned({
      answer: (words) => (words[1] === 'version' ? { exitCode: 127 } : undefined),
    });
    await expect(prepareBuilder(plan, request, ports)).rejects.toThrow(NoEngineError);
  });
});

describe('on the machine itself', () => {
  test('runs commands there, and only what fetches has the proxy settings', async () => {
    const proxy = { https_proxy: 'http://me:secret@proxy:3128' };
    const { plan, request, ports, process, recorder } = await planned(
      { answer: onMachine },
      { ...onBookworm, host: host({ ...onBookworm.host, proxy }) },
    );
    const builder = await prepareBuilder(plan, request, ports);
    const session = await builder.start(recorder);
    await session.exec(['spack', 'install']);
    expect(process.calls.at(-1)?.options.env).not.toHaveProperty('https_proxy');
    await (await builder.startFetcher(recorder)).exec(['spack', 'fetch']);
    expect(process.calls.at(-1)?.options.env).toMatchObject(proxy);
    expect(process.lines.some((line) => line.startsWith('docker'))).toBe(false);
    expect(session.layout).toEqual(plan.hostLayout);
    expect(recorder.current.cleanups).toEqual([]);
  });

  test('that nobody asked for it is a warning', async () => {
    const { plan, request, ports } = await planned(
      { answer: (words) => (words[1] === 'version' ? { exitCode: 127 } : onMachine(words)) },
      { ...onBookworm, layers: [{}] },
    );
    await prepareBuilder(plan, request, ports);
    expect(ports.logger.of('warning').join('\n')).toMatch(/No container engine answers .* unconfined/);
  });

  test.each([
    [{}, undefined],
    [{ 'container-network': 'fetch' }, undefined],
    [
      { 'container-memory': '2 GB', 'container-network': 'none' },
      'container-memory, container-network: limits are of containers; with engine none nothing is limited.',
    ],
  ])('limits that do not hold there are told of: %j', async (limits, warning) => {
    const layers = [{ engine: 'none' }, limits];
    const { plan, request, ports } = await planned({ answer: onMachine }, { ...onBookworm, layers });
    await prepareBuilder(plan, request, ports);
    expect(ports.logger.of('warning')).toEqual(warning === undefined ? [] : [warning]);
  });

  test('a package that it lacks is told before anything is built', async () => {
    const { plan, request, ports } = await planned(
      { answer: (words) => (words[0] === 'dpkg-query' ? { stdout: '' } : undefined) },
      onBookworm,
    );
    await expect(prepareBuilder(plan, request, ports)).rejects.toThrow(MissingRequirementError);
  });
});

test('makeFolders makes each folder of the build', async () => {
  const { plan } = await planned();
  await makeFolders(plan);
  expect(await readdir(plan.buildFolder)).toEqual(expect.arrayContaining(['environment', 'store', 'output']));
});
