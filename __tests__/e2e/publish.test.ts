import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { actionsArtifacts } from '../../src/action/stores.js';
import { listFiles } from '../../src/base/files.js';
import { runCli } from '../support/cli.js';
import { makeSigningKey } from '../support/gpg.js';
import { hostTarget, isHere, projectRoot, temporaryFolder } from '../support/prepare.js';
import { matrixTargets, writeResults } from '../support/release.js';
import { builtResult } from '../support/result.js';
import { type GitHubService, startGitHub } from '../support/services/github-releases.js';
import { type ResultsService, startResultsService } from '../support/services/results-service.js';

/** Publishing as users do it: the action in a workflow's last job, the command line, and what comes out of both. */

const folder = temporaryFolder('publish-e2e');
const phrase = 'the phrase of the key';
let key: string;

beforeAll(() => {
  key = makeSigningKey(join(folder, 'gpg'), phrase);
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Ran {
  readonly exitCode: number;
  readonly output: string;
}

/** Not synchronous: the services are in this process. */
const run = (program: string, words: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Ran> =>
  new Promise((done) => {
    execFile(program, [...words], { env, maxBuffer: 1 << 26, cwd: folder }, (error, stdout, stderr) => {
      done({ exitCode: error === null ? 0 : Number(error.code), output: stdout + stderr });
    });
  });

describe('the action', () => {
  const [target] = matrixTargets;
  const token = 'ghs_the_token_of_the_job';
  /** The toolkit takes any other host than GitHub's for a server that has no artifacts. */
  const server = 'http://github.localhost';
  let github: GitHubService;
  let artifacts: ResultsService;

  beforeAll(async () => {
    github = await startGitHub({ token, immutable: true });
    artifacts = await startResultsService({ directory: join(folder, 'service') });
    await writeResults(join(folder, 'results'), [target]);
    process.env['ACTIONS_RESULTS_URL'] = artifacts.url;
    process.env['ACTIONS_RUNTIME_TOKEN'] = artifacts.token;
    const store = actionsArtifacts(() => '');
    for (const name of await listFiles(join(folder, 'results'))) {
      await store.uploadFile?.(join(folder, 'results', name), undefined);
    }
    mkdirSync(join(folder, 'other'));
    writeFileSync(join(folder, 'other', 'build.log'), 'a log, which is no file of a result');
    await store.uploadFolder('logs', join(folder, 'other'), undefined);
  });

  afterAll(async () => {
    await github.close();
    await artifacts.close();
  });

  async function step(inputs: Readonly<Record<string, string>>) {
    const files = Object.fromEntries(
      ['GITHUB_OUTPUT', 'GITHUB_STEP_SUMMARY', 'GITHUB_STATE'].map((name) => [name, join(folder, name)]),
    );
    for (const file of Object.values(files)) writeFileSync(file, '');
    const env = {
      ...{ PATH: process.env['PATH'], HOME: folder, RUNNER_TEMP: join(folder, 'temp') },
      ...{ GITHUB_WORKSPACE: join(folder, 'workspace'), GITHUB_REPOSITORY: 'site/slurm' },
      ...{ GITHUB_API_URL: github.api, GITHUB_SERVER_URL: server, GITHUB_SHA: 'c'.repeat(40) },
      ...{ ACTIONS_RESULTS_URL: artifacts.url, ACTIONS_RUNTIME_TOKEN: artifacts.token },
      ...files,
      ...Object.fromEntries(
        Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value]),
      ),
    };
    mkdirSync(env.GITHUB_WORKSPACE, { recursive: true });
    mkdirSync(env.RUNNER_TEMP, { recursive: true });
    const done = await run(process.execPath, [join(projectRoot, 'dist', 'publish', 'index.js')], env);
    const read = (name: string) => readFileSync(files[name] ?? '', 'utf8');
    return { ...done, outputs: read('GITHUB_OUTPUT'), summary: read('GITHUB_STEP_SUMMARY') };
  }

  const inputs = {
    ...{ tag: 'v1', repository: 'site/slurm', 'github-token': token },
    plan: JSON.stringify({ legs: [{ identifier: target, contentKey: 'f'.repeat(64) }] }),
  };

  test('makes a release of the artifacts of its run, signed, and tells no secret', async () => {
    const done = await step({ ...inputs, 'gpg-private-key': key, 'gpg-passphrase': phrase });
    expect(done).toMatchObject({ exitCode: 0 });
    const [release] = github.releases;
    expect(release).toMatchObject({ draft: false, target_commitish: 'c'.repeat(40) });
    expect(release?.assets.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['SHA256SUMS.asc', 'get.sh', `${target}-software.tar.gz`]),
    );
    expect(done.outputs).toContain(`${github.server}/site/slurm/releases/tag/v1`);
    expect(done.outputs).toContain(target);
    expect(done.summary).toContain('26.05.3');
    const logged = done.output.replaceAll(/^::add-mask::.*$/gm, '');
    for (const secret of [token, phrase, ...key.split('\n').filter((line) => line.length > 30)]) {
      expect(logged).not.toContain(secret);
    }
  }, 300_000);

  test('again: all is as it was', async () => {
    const before = github.log.filter((line) => !line.startsWith('GET')).length;
    const done = await step({ ...inputs, 'gpg-private-key': key, 'gpg-passphrase': phrase });
    expect(done).toMatchObject({ exitCode: 0 });
    expect(done.output).toContain('v1 is published already, with these files');
    expect(github.log.filter((line) => !line.startsWith('GET'))).toHaveLength(before);
  }, 300_000);

  test('a plan that is not done fails the step, and says what is missing', async () => {
    const legs = [...matrixTargets].map((identifier) => ({ identifier }));
    const done = await step({ ...inputs, tag: 'v2', plan: JSON.stringify({ legs }) });
    expect(done).toMatchObject({ exitCode: 1 });
    expect(done.output).toMatch(/::error::.*slurm-26\.05\.3-glibc2\.34-arm64 is planned, and missing/);
    expect(github.releases).toHaveLength(1);
  });
});

const release = '24.11.6';
const built = (await isHere('Debian 13')) ? await builtResult(release) : undefined;
const real = built === undefined ? describe.skip : describe;

real('the command line, with what was really built', () => {
  const target = hostTarget(release);

  test('makes a release that get.sh installs from on bare machines without a network', async () => {
    cpSync(built ?? '', join(folder, 'built'), { recursive: true });
    const secrets = { key: join(folder, 'key.asc'), phrase: join(folder, 'phrase') };
    writeFileSync(secrets.key, key, { mode: 0o600 });
    writeFileSync(secrets.phrase, phrase, { mode: 0o600 });
    const words = ['--gpg-private-key-file', secrets.key, '--gpg-passphrase-file', secrets.phrase, '--json'];
    const made = runCli(['publish', 'built', '--release-dir', 'release', ...words], { cwd: folder });
    expect({ exitCode: made.exitCode, told: made.exitCode === 0 ? '' : made.stderr }).toEqual({
      exitCode: 0,
      told: '',
    });
    const { fingerprint, targets } = JSON.parse(made.stdout);
    expect(targets).toEqual([target]);
    const got = runCli(
      ['get', '24.11', '--from', 'release', '--fingerprint', fingerprint, '--output-dir', 'got'],
      { cwd: folder },
    );
    expect(got).toMatchObject({ exitCode: 0 });
    expect(got.stdout).toContain(`signed with ${fingerprint}\n`);
    for (const image of ['debian:bookworm', 'debian:trixie']) {
      const mount = `type=bind,source=${join(folder, 'release')},target=/release,readonly`;
      const script =
        'cd /tmp && sh /release/get.sh 24.11 --prefix /opt/slurm && /opt/slurm/sbin/slurmctld -V';
      const container = ['run', '--rm', '--network', 'none', '--mount', mount, image, 'sh', '-c', script];
      const done = await run('docker', container);
      expect(done).toMatchObject({ exitCode: 0, output: expect.stringContaining(`slurm ${release}`) });
    }
  });
});
