import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { runPlan } from '../../../src/action/plan.js';
import type { Runner } from '../../../src/action/ports.js';
import { fakePorts, fakeProject, host, memoryCache, recordingArtifacts } from '../../support/fakes.js';
import { fakeMachine } from '../../support/machine.js';

// The toolkit keeps the path of the summary: all tests have the same files.
const folder = mkdtempSync(join(tmpdir(), 'slurm-factory-plan-'));
const files = { GITHUB_OUTPUT: 'output', GITHUB_STEP_SUMMARY: 'summary' };
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let before: NodeJS.ProcessEnv;
let workspace: string;
beforeEach(() => {
  before = { ...process.env };
  for (const name of Object.keys(process.env))
    if (/^(GITHUB|RUNNER|INPUT|STATE|ACTIONS)_/.test(name)) delete process.env[name];
  workspace = mkdtempSync(join(folder, 'workspace-'));
  process.env['GITHUB_WORKSPACE'] = workspace;
  process.env['RUNNER_TEMP'] = mkdtempSync(join(folder, 'temp-'));
  for (const [name, file] of Object.entries(files)) {
    writeFileSync(join(folder, file), '');
    process.env[name] = join(folder, file);
  }
});
afterEach(() => {
  process.env = before;
  process.exitCode = undefined;
});

async function step(inputs: Record<string, string> = {}, artifacts = recordingArtifacts()) {
  for (const [name, value] of Object.entries(inputs)) process.env[`INPUT_${name.toUpperCase()}`] = value;
  const runner: Runner = {
    inspectHost: async () => host(),
    openProject: async () => fakeProject(),
    ports: () => fakePorts({ process: fakeMachine(), cache: memoryCache(), artifacts }),
  };
  const written: string[] = [];
  const spy = jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
  await runPlan('/project', runner).finally(() => spy.mockRestore());
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  const outputs = Object.fromEntries(
    [...read('output').matchAll(/^(\S+)<<(\S+)\n([\s\S]*?)\n\2$/gm)].map(([, name, , value]) => [
      name,
      value,
    ]),
  );
  return { log: written.join(''), outputs, summary: read('summary'), code: process.exitCode, artifacts };
}

test('hands out matrices, the plan as a file and an artifact, and a summary with a picture', async () => {
  const done = await step({ gpus: 'none cuda', releases: '24.11' });
  expect(done.code).toBeUndefined();
  expect(done.outputs).toMatchObject({ count: '2', empty: 'false', chunks: '1', stages: '2', skipped: '0' });
  const { include } = JSON.parse(done.outputs['matrix'] ?? '');
  expect(include.map((leg: { identifier: string }) => leg.identifier).sort()).toEqual([
    'slurm-24.11.6-glibc2.34-amd64',
    'slurm-24.11.6-glibc2.34-amd64-cuda',
  ]);
  expect(JSON.parse(done.outputs['stage-1'] ?? '').include).toHaveLength(1);
  const plan = JSON.parse(readFileSync(done.outputs['plan'] ?? '', 'utf8'));
  expect(plan).toMatchObject({ schema: 1, count: 2, legs: [{ contentKey: expect.any(String) }, {}] });
  expect(done.artifacts.uploads.map(({ name }) => name)).toEqual(['slurm-factory-plan.json']);
  expect(done.summary).toContain('\n\n```mermaid\ngraph LR\n');
  expect(done.summary).toContain('slurm-24.11.6-glibc2.34-amd64-cuda');
  expect(done.log).toContain('2 legs in 2 stages.');
});

test('reads slurm-factory.yml of the workspace, below its inputs', async () => {
  writeFileSync(
    join(workspace, 'slurm-factory.yml'),
    'releases: [24.05, 24.11]\ngpus: [none, cuda]\nexclude:\n  - {release: 24.05, gpu: cuda}\nruns-on: {cuda: [self-hosted, gpu]}\njobs: 2\n',
  );
  const done = await step({ releases: '24.05' });
  const { include } = JSON.parse(done.outputs['matrix'] ?? '');
  expect(include).toMatchObject([
    { identifier: 'slurm-24.05.8-glibc2.34-amd64', jobs: '2', 'runs-on': 'ubuntu-24.04' },
  ]);
});

test('reads the file that config names, which must be there', async () => {
  writeFileSync(join(workspace, 'other.yml'), 'gpus: cuda\ntoolchians: noble\n');
  const wrong = await step({ config: 'other.yml' });
  expect(wrong.code).toBe(1);
  expect(wrong.log).toContain('toolchians (');
  expect(wrong.log).toContain("Did you mean 'toolchains'?");
  const missing = await step({ config: 'missing.yml' });
  expect(missing.log).toContain('there is no such file.');
  expect(missing.outputs).toEqual({});
});

test('nothing to do is no failure, and later jobs can tell', async () => {
  const { contentKey, identifier } = JSON.parse(readFileSync((await step()).outputs['plan'] ?? '', 'utf8'))
    .legs[0];
  writeFileSync(join(folder, 'output'), '');
  writeFileSync(join(workspace, 'index.json'), JSON.stringify({ targets: [{ identifier, contentKey }] }));
  const done = await step({ releases: '24.11', 'skip-released': 'index.json' });
  expect(done.code).toBeUndefined();
  expect(done.outputs).toMatchObject({ empty: 'true', count: '0', skipped: '1', stages: '0' });
  expect(done.outputs['stage-0']).toBeUndefined();
  expect(done.summary).toContain('Nothing to do.');
});

test('the newest release of the repository is asked for by a token, and by nobody without one', async () => {
  const done = await step({ 'skip-released': 'latest' });
  expect(done).toMatchObject({ code: 1, outputs: {} });
  expect(done.log).toContain('github-token: skip-released: latest needs it, and a repository.');
});

test('a misspelt input is told with all that is wrong', async () => {
  const done = await step({ gpuss: 'none', sharing: 'some' });
  expect(done).toMatchObject({ code: 1, outputs: {} });
  expect(done.log).toMatch(/gpuss: no such input\. Did you mean 'gpus'\?/);
  expect(done.log).toContain('sharing: ');
});

test('an artifact service that fails is a warning', async () => {
  const artifacts = recordingArtifacts();
  artifacts.uploadFile = async () => {
    throw new Error('503');
  };
  const done = await step({}, artifacts);
  expect(done.code).toBeUndefined();
  expect(done.log).toMatch(/::warning::slurm-factory-plan.json could not be uploaded as an artifact \(503\)/);
});

test('every wrong input is told, and there are no outputs', async () => {
  const done = await step({ gpus: 'nvidia', toolchains: 'nobel' });
  expect(done).toMatchObject({ code: 1, outputs: {} });
  expect(done.log).toMatch(/::error::.*gpus: .*toolchains: |::error::.*toolchains: .*gpus: /);
});
