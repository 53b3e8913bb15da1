import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { inputsOfAction } from '../../src/config/inputs.js';

// The workflow that others call: what it hands on, and how its jobs hang together. That it runs is seen in e2e/examples.

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, string>>;
}
interface Job {
  readonly needs?: string | readonly string[];
  readonly if?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly strategy?: { readonly 'fail-fast': boolean; readonly matrix: string };
  readonly steps: readonly Step[];
}

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const text = read('.github/workflows/build-matrix.yml');
const workflow = parse(text);
const jobs: Readonly<Record<string, Job>> = workflow.jobs;
const { inputs, secrets } = workflow.on.workflow_call;
const stages = Object.entries(jobs).filter(([id]) => id.startsWith('stage-'));
const given = (job: string, end: string) =>
  jobs[job]?.steps.find(({ uses }) => uses?.endsWith(`/workflow${end}`))?.with ?? {};

describe('what it hands on', () => {
  /** All that a step may be given, but for what nobody has to say in a workflow. */
  const all = (action: Parameters<typeof inputsOfAction>[0], without: readonly string[]) =>
    inputsOfAction(action).filter((name) => !without.includes(name));
  const signing = ['gpg-private-key', 'gpg-passphrase'];

  test('to the plan: its inputs, but those that all builds have and its file says', () => {
    const common = ['engine', 'container-image', 'spack-ref', 'packages-ref'];
    expect(Object.keys(given('plan', '/plan')).sort()).toEqual(
      all('plan', [...common, ...signing, 'github-token']).sort(),
    );
  });

  test('to a build: all that its leg may have', () => {
    const step = given('stage-0', '');
    const own = ['build-cache', 'build-cache-login', 'build-cache-endpoint'];
    const wanted = all('build', [...signing, 'github-token', 'output-dir', 'upload']);
    expect(Object.keys(step).filter((name) => !own.includes(name))).toEqual(
      wanted.filter((name) => !own.includes(name)),
    );
    for (const [name, value] of Object.entries(step)) {
      if (!own.includes(name) && name !== 'cache-secret') expect(value).toContain(`matrix.${name} }}`);
    }
  });

  test('each of its inputs and secrets, once at least, and in the docs', () => {
    const used = (kind: string, name: string) => text.split(`${kind}.${name}`).length > 1;
    expect(Object.keys(inputs).filter((name) => !used('inputs', name))).toEqual([]);
    expect(Object.keys(secrets).filter((name) => !used('secrets', name))).toEqual([]);
    const docs = read('docs/plan.md');
    const planned: readonly string[] = inputsOfAction('plan');
    const named = [...Object.keys(inputs).filter((name) => !planned.includes(name)), ...Object.keys(secrets)];
    expect(named.filter((name) => !docs.includes(`\`${name}\``))).toEqual([]);
  });

  test('the signing key to nobody but who publishes', () => {
    const jobsWith = (word: string) =>
      Object.entries(jobs).flatMap(([id, job]) => (JSON.stringify(job).includes(word) ? [id] : []));
    expect(jobsWith('secrets.gpg-')).toEqual(['publish']);
  });
});

describe('its jobs', () => {
  test('that build differ in their stage alone', () => {
    expect(stages.map(([id]) => id)).toEqual(['stage-0', 'stage-1', 'stage-2', 'stage-3']);
    const [[, first]] = stages as [[string, Job]];
    for (const [id, { needs: _, if: condition, strategy, ...rest }] of stages) {
      const { needs: __, if: ___, strategy: ____, ...same } = first;
      expect(rest).toEqual(same);
      expect(strategy?.['fail-fast']).toBe(false);
      expect([condition, strategy?.matrix].every((part) => part?.includes(`outputs.${id} `))).toBe(true);
    }
    expect(stages.map(([, { needs }]) => needs)).toEqual([
      'plan',
      ...['stage-0', 'stage-1', 'stage-2'].map((before) => ['plan', before]),
    ]);
  });

  test('may read, and the one that publishes has what its caller grants', () => {
    for (const [id, { permissions }] of Object.entries(jobs)) {
      expect([id, permissions]).toEqual([id, id === 'publish' ? undefined : { contents: 'read' }]);
    }
    expect(workflow.permissions).toBeUndefined();
  });

  test('put no value into the text of a shell, and pin what is not ours', () => {
    const steps = Object.values(jobs).flatMap((job) => job.steps);
    for (const { run = '' } of steps) expect(run).not.toContain('${{');
    for (const { uses } of steps) {
      if (uses !== undefined) expect(uses).toMatch(/^\.\/\.slurm-factory\/workflow|@[0-9a-f]{40}$/);
    }
  });

  test('of one ref run one behind the other', () => {
    expect(workflow.concurrency).toMatchObject({ 'cancel-in-progress': false });
  });
});

test('a release is at most fifteen lines of workflow', () => {
  expect(read('docs/examples/release.yml').trimEnd().split('\n').length).toBeLessThanOrEqual(15);
});
