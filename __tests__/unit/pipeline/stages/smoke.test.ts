import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { NoEngineError } from '../../../../src/base/errors.js';
import { fileName } from '../../../../src/bundle/catalogue.js';
import { openContext } from '../../../../src/pipeline/context.js';
import { resolveBuild } from '../../../../src/pipeline/resolve.js';
import type { Described } from '../../../../src/pipeline/stages/describe.js';
import { smoke } from '../../../../src/pipeline/stages/smoke.js';
import { SmokeError } from '../../../../src/smoke/report.js';
import { buildRequest } from '../../../support/build.js';
import { fakePorts, readFiles, temporaryFolder } from '../../../support/fakes.js';
import { fakeMachine, type MachineScript } from '../../../support/machine.js';

const target = 'slurm-24.11.6-bookworm-amd64';
const xml = fileName(target, 'smoke');

/** The stage over a described result. */
async function tested(script: MachineScript = {}, engine?: NoEngineError) {
  const request = await buildRequest();
  const process = fakeMachine(script);
  const ports = fakePorts({ process });
  const plan = await resolveBuild(request, fakePorts({ process }));
  const folder = await temporaryFolder({
    [`${target}-software.tar.gz`]: 'software',
    [`${target}-modules.tar.gz`]: 'modules',
    [`${target}-manifest.json`]: JSON.stringify({ target, runtimePackages: ['libmunge2'] }),
  });
  const { recorder } = openContext(plan, request, ports);
  const facts = { target: plan.target, identifier: target, specs: [], runtimePackages: [], files: [] };
  const described = { folder, facts } as unknown as Described;
  const given = engine === undefined ? plan : { ...plan, engine };
  const done = smoke(given, request, described, recorder, ports);
  return { done, plan, process, ports, recorder, folder };
}

test('the report comes to the result, and the container was known before it ran', async () => {
  const { done, process, recorder, folder } = await tested();
  const report = await done;
  expect(report.checks.every(({ status }) => status === 'passed')).toBe(true);
  expect((await readFiles(folder))[xml]).toContain('failures="0"');
  const started = process.lines.find((line) => line.startsWith('docker run'));
  const name = / --name (\S+) /.exec(started ?? '')?.[1];
  expect(recorder.current.cleanups).toEqual([{ what: 'container', kind: 'smoke', program: 'docker', name }]);
  expect(process.lines.at(-1)).toBe(`docker rm --force --volumes ${name}`);
});

test('of a test that failed the report alone is handed out', async () => {
  const { done, plan, ports } = await tested({
    check: (name) => (name === 'srun' ? { status: 'failed', detail: 'no job' } : undefined),
  });
  await expect(done).rejects.toThrow(SmokeError);
  const files = await readFiles(plan.outputDir);
  expect(Object.keys(files)).toEqual([xml]);
  expect(files[xml]).toContain('failures="1"');
  expect(ports.artifacts.uploads.map((upload) => upload.name)).toEqual([xml]);
});

test('a container that does not start hands out nothing', async () => {
  const { done, plan, ports } = await tested({
    answer: (words) => (words[1] === 'run' ? { exitCode: 125 } : undefined),
  });
  await expect(done).rejects.toThrow(/did not start/);
  expect(await readFiles(plan.outputDir)).toEqual({});
  expect(ports.artifacts.uploads).toEqual([]);
});

test('without an engine the error of the search is thrown, and nothing is in the record', async () => {
  const error = new NoEngineError('none', 'Start one.');
  const { done, recorder, folder } = await tested({}, error);
  await expect(done).rejects.toBe(error);
  expect(recorder.current.cleanups).toEqual([]);
  expect(Object.keys(await readFiles(join(folder)))).not.toContain(xml);
});
