import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { runCli } from '../support/cli.js';
import { isHere, prepareMachine, projectRoot, temporaryFolder } from '../support/prepare.js';
import { type RunWorkflowOptions, runWorkflow, type WorkflowRun } from '../support/runner/act.js';
import { makeWorkspace } from '../support/runner/workspace.js';
import { type ResultsService, startResultsService } from '../support/services/results-service.js';

/** The action plan, whose matrices later jobs run; nothing is built. */

const canRun = await isHere('act', 'Node 24');
const e2e = canRun ? test : test.skip;
const minutes = 60_000;
const folder = temporaryFolder('plan');
const settings = `releases: 24.11.6
runs-on: {cuda: gpu-runner}
jobs: 3
`;
let service: ResultsService;
let workspace: string;
let nodeDirectory: string;

beforeAll(async () => {
  if (!canRun) return;
  nodeDirectory = await prepareMachine();
  service = await startResultsService({ directory: join(folder, 'service') });
  const parts = ['plan', 'dist', 'data', 'toolchains', 'templates', 'spack-repo', 'scripts'];
  workspace = makeWorkspace({
    directory: join(folder, 'workspace'),
    copy: [...parts, '__tests__/e2e/workflows'],
    files: { 'slurm-factory.yml': settings },
  });
}, 20 * minutes);

afterAll(async () => {
  await service?.close();
  rmSync(folder, { recursive: true, force: true });
});

const run = (name: string, change: Partial<RunWorkflowOptions> = {}): Promise<WorkflowRun> =>
  runWorkflow({
    workflow: '__tests__/e2e/workflows/plan.yml',
    event: 'workflow_dispatch',
    workspace,
    service: { url: service.url, token: service.tokenFor('job', name) },
    cache: 'v2',
    cacheServerPath: join(folder, 'cache-server'),
    nodeDirectory,
    labels: ['ubuntu-24.04', 'gpu-runner'],
    ...change,
  });

interface Entry {
  readonly identifier: string;
  readonly 'content-key': string;
}
const entriesOf = (done: WorkflowRun): Entry[] =>
  JSON.parse(done.step('plan').outputs['matrix'] ?? '').include;

/** What the jobs of the matrices were given, a text each. */
const built = (done: WorkflowRun): string[] =>
  done.jobs.flatMap((job) => job.steps.flatMap(({ outputs }) => outputs['leg'] ?? [])).sort();

e2e(
  'a plan becomes the jobs of its stages, and where nothing is left to build none is started',
  async () => {
    const first = await run('first');
    expect(first.exitCode).toBe(0);
    const { outputs, summary } = first.step('plan');
    expect(outputs).toMatchObject({ count: '2', empty: 'false', chunks: '1', stages: '2' });
    const [plain, cuda] = ['slurm-24.11.6-glibc2.34-amd64', 'slurm-24.11.6-glibc2.34-amd64-cuda'];
    // The file of settings is read, and the inputs stand above it.
    expect(built(first)).toEqual([`${plain} 24.11.6 none 3`, `${cuda} 24.11.6 cuda 3`].sort());
    expect(summary).toContain('```mermaid\ngraph LR');
    expect(first.jobs.map(({ id }) => id)).not.toContain('nothing');

    // The command line makes the same of it.
    writeFileSync(join(folder, 'slurm-factory.yml'), settings);
    const local = runCli(['plan', '--gpus', 'none cuda', '--json'], { cwd: folder });
    expect(local.exitCode).toBe(0);
    const legs: { identifier: string; contentKey: string }[] = JSON.parse(local.stdout).legs;
    expect(entriesOf(first).map((entry) => [entry.identifier, entry['content-key']])).toEqual(
      legs.map(({ identifier, contentKey }) => [identifier, contentKey]),
    );

    const index = join(folder, 'released');
    mkdirSync(index);
    writeFileSync(join(index, 'index.json'), JSON.stringify({ targets: legs }));
    const second = await run('second', { env: { RELEASED: join(index, 'index.json') } });
    expect(second.exitCode).toBe(0);
    expect(second.step('plan').outputs).toMatchObject({ count: '0', empty: 'true', skipped: '2' });
    expect(second.step('plan').summary).toContain('Nothing to do.');
    expect(built(second)).toEqual([]);
    expect(second.step('say').outputs['said']).toBe('nothing to do');
  },
  5 * minutes,
);

test('the command line in dist/: wrong words, and a plan of nothing', () => {
  const wrong = runCli(['plan', '--toolchains', 'nobel', '--only', '*-cuda'], { cwd: projectRoot });
  expect(wrong).toMatchObject({ exitCode: 2, stdout: '' });
  expect(wrong.stderr).toContain("Did you mean 'noble'?");
});
