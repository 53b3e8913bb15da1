import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { runMain, runPost } from '../../../src/action/build.js';
import type { Runner } from '../../../src/action/ports.js';
import { processOwner } from '../../../src/base/owner.js';
import {
  fakePorts,
  fakeProject,
  host,
  memoryCache,
  recordingArtifacts,
  writeFiles,
} from '../../support/fakes.js';
import { fakeMachine, type MachineScript } from '../../support/machine.js';

// Some builds each, on a machine that may do other things too.
jest.setTimeout(30_000);

const target = 'slurm-24.11.6-glibc2.34-amd64';
// The toolkit keeps the path of the summary: all tests have the same files.
const folder = mkdtempSync(join(tmpdir(), 'slurm-factory-action-'));
const files = { GITHUB_OUTPUT: 'output', GITHUB_STEP_SUMMARY: 'summary' };
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let before: NodeJS.ProcessEnv;
beforeEach(() => {
  before = { ...process.env };
  for (const name of Object.keys(process.env))
    if (/^(GITHUB|RUNNER|INPUT|STATE|ACTIONS)_/.test(name)) delete process.env[name];
  process.env['GITHUB_WORKSPACE'] = mkdtempSync(join(folder, 'workspace-'));
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

/** A runner that is faked at its ports; the record passes from main to post as the runner passes it. */
function runner(script: MachineScript = {}, cache = memoryCache()) {
  const fake = fakeMachine(script);
  const artifacts = recordingArtifacts();
  const tokens: string[] = [];
  let state = '';
  const given: Runner = {
    inspectHost: async () => host({ owner: processOwner() }),
    openProject: async () =>
      fakeProject({ overlay: join(process.env['GITHUB_WORKSPACE'] ?? '', 'spack-repo') }),
    ports: (_, token) => {
      tokens.push(token);
      const save = (record: unknown) => {
        state = JSON.stringify(record);
      };
      return fakePorts({ process: fake, cache, artifacts, state: { save } });
    },
  };
  /** Runs a step with inputs; gives what it wrote to its log and its files. */
  const step = async (body: (runner: Runner) => Promise<void>, inputs: Record<string, string> = {}) => {
    for (const [name, value] of Object.entries(inputs)) process.env[`INPUT_${name.toUpperCase()}`] = value;
    if (state !== '') process.env['STATE_build'] = state;
    const written: string[] = [];
    const spy = jest.spyOn(process.stdout, 'write').mockImplementation((text) => {
      written.push(String(text));
      return true;
    });
    try {
      await body(given);
    } finally {
      spy.mockRestore();
    }
    const read = (name: string) => readFileSync(join(folder, name), 'utf8');
    return {
      log: written.join(''),
      output: read('output'),
      summary: read('summary'),
      code: process.exitCode,
    };
  };
  return {
    fake,
    cache,
    artifacts,
    tokens,
    main: (inputs?: Record<string, string>) => step((ports) => runMain('/project', ports), inputs),
    post: () => step(runPost),
  };
}

describe('main', () => {
  test('hands out the outputs, the artifacts and a summary', async () => {
    const { main, artifacts, tokens } = runner();
    const done = await main({ 'slurm-version': '24.11', 'github-token': 'ghs_token' });
    expect(done.code).toBeUndefined();
    expect(done.output).toMatch(new RegExp(`^target<<(\\S+)\\n${target}\\n\\1$`, 'm'));
    expect(done.output).toContain(`${target}-software.tar.gz`);
    expect(done.summary).toContain('Slurm 24.11.6');
    expect(artifacts.uploads.map(({ name }) => name)).toContain(`${target}-software.tar.gz`);
    expect(tokens).toEqual(['ghs_token']);
  });

  test('fails the step with every wrong input, and has no outputs', async () => {
    const { main, fake } = runner();
    const done = await main({ gpu: 'nvidia', 'slurm-version': '24.1', debug: 'yes' });
    expect(done).toMatchObject({ code: 1, output: '', summary: '' });
    const [, annotation = ''] = /^::error::(.*)$/m.exec(done.log) ?? [];
    expect(annotation).toMatch(/slurm-version: .*%0Agpu: .*'cuda'.*%0Adebug: must be true or false/);
    expect(fake.lines).toEqual([]);
  });

  test('names the package that failed in an annotation of its own', async () => {
    const log = '/opt/slurm-factory/stage/builder/spack-stage-slurm-1-sss/spack-build-out.txt';
    const answer: MachineScript['answer'] = async (words, folders) => {
      if (!words.includes('install')) return undefined;
      await writeFiles(folders['stage'] ?? '', {
        'builder/spack-stage-slurm-1-sss/spack-build-out.txt': 'configure: error: no munge\n',
      });
      const lines = [
        '[ ] sssssss slurm@24-11-6-1 configure (3s)',
        `[x] sssssss slurm@24-11-6-1 failed: ${log} (4s)`,
      ];
      return { exitCode: 1, stdout: lines.join('\n') };
    };
    const done = await runner({ answer }).main();
    expect(done).toMatchObject({ code: 1, output: '' });
    expect(done.log).toContain(
      '::error title=slurm@24-11-6-1 failed in phase configure::configure: error: no munge',
    );
  });
});

describe('post', () => {
  test('saves what main left to save, and tells it; a second run finds the result', async () => {
    const first = runner();
    await first.main({ cache: 'true' });
    expect([...first.cache.entries.keys()].some((key) => key.includes('-result-'))).toBe(false);
    const done = await first.post();
    expect(done.code).toBeUndefined();
    expect([...first.cache.entries.keys()].some((key) => key.includes('-result-'))).toBe(true);
    expect(done.summary).toContain('Caches');
    const second = await runner({}, first.cache).main({ cache: 'true' });
    expect(second.output).toMatch(/^cache-hit<<(\S+)\nresult\n\1$/m);
  });

  test('has nothing to do where main did not come to a build', async () => {
    const { main, post, fake } = runner();
    await main({ gpu: 'nvidia' });
    process.exitCode = undefined;
    const done = await post();
    expect(done.log).toContain('The main step left nothing to do.');
    expect(done.code).toBeUndefined();
    expect(fake.lines).toEqual([]);
  });

  test('a record that is none is a warning, not a failure', async () => {
    const { post, fake } = runner();
    process.env['STATE_build'] = '{"version":2,"build":"../../etc"}';
    const done = await post();
    expect(done.log).toMatch(/^::warning::The post step could not finish: /m);
    expect(done.code).toBeUndefined();
    expect(fake.lines).toEqual([]);
  });

  test('takes the secrets out of the environment, too', async () => {
    process.env['INPUT_GPG-PASSPHRASE'] = 'hunter2';
    await runner().post();
    expect(JSON.stringify(process.env)).not.toContain('hunter2');
  });
});
