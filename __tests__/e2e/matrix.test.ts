import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runCli } from '../support/cli.js';
import { makeSigningKey } from '../support/gpg.js';
import { ownContainers } from '../support/left.js';
import {
  docker,
  hostSystemTarget,
  hostTarget,
  isHere,
  prepareMachine,
  sourceMirror,
  temporaryFolder,
} from '../support/prepare.js';
import { expectSuccess, runWorkflow, type WorkflowRun } from '../support/runner/act.js';
import { factoryActions, factoryVariables, makeFactory } from '../support/runner/factory.js';
import { makeWorkspace } from '../support/runner/workspace.js';
import { type GitHubService, startGitHub } from '../support/services/github-releases.js';
import { type CacheService, registryLogin, startRegistry, tagsIn } from '../support/services/registry.js';
import { type ResultsService, startResultsService } from '../support/services/results-service.js';
import { makeCertificate, startTroubled, type Troubled, trusting } from '../support/services/troubled.js';

/*
 * A whole matrix from nothing to a release, by the reusable workflow: two releases of Slurm, both kinds of libraries,
 * with and without CUDA, over a registry that all share. The runner dies within the second compile; what comes after
 * it has no cache but the registry. SLURM_FACTORY_TEST_MATRIX=1 runs it: Slurm is compiled four times.
 */

const canRun =
  process.env['SLURM_FACTORY_TEST_MATRIX'] === '1' &&
  (await isHere('upstream', 'Docker Engine', 'act', 'Node 24', 'docker-registry'));
const minutes = 60_000;
const versions = ['24.11.6', '24.11.7'] as const;
const folder = temporaryFolder('matrix');
const factory = join(folder, 'factory');
const release = join(folder, 'release');
const secrets = {
  CACHE_SECRET: randomBytes(32).toString('hex'),
  GPG_PASSPHRASE: 'the phrase of the key',
  GITHUB_TOKEN: 'ghs_the_token_of_the_job',
  REGISTRY_USER: registryLogin.user,
  REGISTRY_PASSWORD: registryLogin.password,
};
const workflow = (registry: string) => `on: push
jobs:
  slurm:
    uses: OWNER/slurm-factory/.github/workflows/build-matrix.yml@v1
    with:
      releases: ${versions.join(' ')}
      dependency-kinds: system bundled
      gpus: none cuda
      build-cache: ${registry}
      skip-released: latest
      publish: true
      tag: v1
    secrets:
      cache-secret: \${{ secrets.CACHE_SECRET }}
      gpg-private-key: \${{ secrets.GPG_PRIVATE_KEY }}
      gpg-passphrase: \${{ secrets.GPG_PASSPHRASE }}
      build-cache-user: \${{ secrets.REGISTRY_USER }}
      build-cache-password: \${{ secrets.REGISTRY_PASSWORD }}
`;
const targets = versions
  .flatMap((version) => [
    hostTarget(version),
    hostTarget(version, 'cuda'),
    hostSystemTarget(version),
    `${hostSystemTarget(version)}-cuda`,
  ])
  .sort();
let services: ResultsService[] = [];
let registry: CacheService;
let front: Troubled;
let authorities: string;
let github: GitHubService;
let workspace: string;
let key: string;
let nodeDirectory: string;

beforeAll(async () => {
  if (!canRun) return;
  nodeDirectory = await prepareMachine();
  key = makeSigningKey(join(folder, 'gpg'), secrets.GPG_PASSPHRASE);
  registry = await startRegistry(join(folder, 'registry'));
  const tls = makeCertificate(join(folder, 'tls'));
  front = await startTroubled(registry.port, tls);
  authorities = trusting(tls, folder);
  github = await startGitHub({ token: secrets.GITHUB_TOKEN, immutable: true });
  makeFactory(factory, versions);
  workspace = makeWorkspace({
    directory: join(folder, 'workspace'),
    files: {
      '.github/workflows/slurm.yml': workflow(`oci://localhost:${front.port}/site/slurm-cache`),
      'slurm-factory.yml': `source-mirror: ${await sourceMirror(versions)}\n`,
    },
  });
}, 30 * minutes);

afterAll(async () => {
  for (const service of services) await service.close();
  await front?.close();
  await registry?.close();
  await github?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** One run of the workflow. */
const run = (
  number: string,
  service: ResultsService,
  change: Partial<Parameters<typeof runWorkflow>[0]> = {},
): Promise<WorkflowRun> =>
  runWorkflow({
    workflow: '.github/workflows/slurm.yml',
    workspace,
    service: { url: service.url, token: service.tokenFor('job', number) },
    cache: 'v2',
    cacheServerPath: join(folder, 'cache-server'),
    nodeDirectory,
    labels: ['ubuntu-24.04'],
    repository: 'site/slurm',
    localActions: factoryActions(factory),
    secrets: { ...secrets, GPG_PRIVATE_KEY: key },
    env: {
      ...{ GITHUB_API_URL: github.api, GITHUB_SERVER_URL: 'http://github.localhost' },
      ...{ GITHUB_RUN_ID: number, GITHUB_RUN_NUMBER: number, SSL_CERT_FILE: authorities },
      ...factoryVariables(factory),
    },
    timeoutMs: 60 * minutes,
    ...change,
  });

/** A service that knows no cache entry: each run is on machines that have nothing but the registry. */
async function startService(name: string): Promise<ResultsService> {
  const service = await startResultsService({ directory: join(folder, name) });
  services = [...services, service];
  return service;
}

/** Slurm's builds in a run: of which releases, and how many came to their end. */
function compilesOf(done: WorkflowRun): { readonly begun: number; readonly ended: number } {
  const count = (pattern: RegExp) => done.log.match(pattern)?.length ?? 0;
  return {
    begun: count(/\bslurm@[\d-]+: configure$/gm),
    ended: count(/\bslurm@[\d-]+: install$/gm),
  };
}

const releaseFiles = () => new Map(github.releases[0]?.assets.map(({ name, bytes }) => [name, bytes]));

(canRun ? describe : describe.skip)('a matrix from nothing to a release', () => {
  let killed: WorkflowRun;
  let whole: WorkflowRun;
  let second: ResultsService;

  test(
    'the runner dies while the second Slurm is compiled: nothing is published, the first is in the registry',
    async () => {
      // The first stage compiles 24.11.7; the first compile of 24.11.6 is within the second one.
      const moment = { line: /\bslurm@24-11-6-1: build$/, signal: 'SIGKILL' } as const;
      killed = await run('1', await startService('first'), {
        runnerDirectory: join(folder, 'runner'),
        signalAfter: [
          { ...moment, to: 'step' },
          { ...moment, to: 'act' },
        ],
      });
      expect(killed.exitCode).toBeNull();
      const { begun, ended } = compilesOf(killed);
      expect(ended).toBeGreaterThan(0);
      expect(begun).toBe(ended + 1);
      expect(github.releases).toEqual([]);
      // What a runner's end removes with its machine.
      for (const container of ownContainers().split('\n').filter(Boolean)) docker('rm', '--force', container);
    },
    40 * minutes,
  );

  test(
    'run again on machines that have nothing: what the registry has is not compiled, and a release comes out',
    async () => {
      // A day as others.
      github.addRule({ match: /^POST .*\/assets$/, kind: '502' });
      github.addRule({ match: /^POST .*\/assets$/, kind: 'broken' });
      github.addRule({ match: /^POST .*\/releases$/, kind: 'secondary' });
      github.addRule({ match: /^PATCH /, kind: 'lost' });
      second = await startService('second');
      whole = await run('2', second);
      expectSuccess(whole);
      expect(whole.step('plan').outputs).toMatchObject({ count: '8', empty: 'false' });
      const left = 4 - compilesOf(killed).ended;
      expect(compilesOf(whole)).toEqual({ begun: left, ended: left });
      expect(github.releases).toHaveLength(1);
      expect(github.releases[0]).toMatchObject({ tag_name: 'v1', draft: false });
      const index = JSON.parse(String(releaseFiles().get('index.json')));
      expect(index.targets.map(({ identifier }: { identifier: string }) => identifier).sort()).toEqual(
        targets,
      );
      const logged = [killed, whole].map(({ log }) => log.replaceAll(/^::add-mask::.*$/gm, '')).join('\n');
      for (const secret of [secrets.CACHE_SECRET, secrets.GPG_PASSPHRASE, secrets.REGISTRY_PASSWORD])
        expect(logged).not.toContain(secret);
    },
    60 * minutes,
  );

  test('the build cache has an index of what all have pushed', async () => {
    const names = await tagsIn(registry, 'site/slurm-cache');
    expect(names).toContain('index.spack');
    expect(names.filter((name) => /^slurm-[\d-]+-\w{32}\.spack$/.test(name))).toHaveLength(4);
  });

  test(
    'the same release into a folder, out of the artifacts of the run',
    () => {
      const results = join(folder, 'results');
      mkdirSync(results);
      for (const { name, file } of second.artifacts()) {
        if (name.startsWith('slurm-24.11.')) copyFileSync(file, join(results, name));
      }
      const done = runCli(['publish', results, '--release-dir', release], { cwd: folder });
      expect({ exitCode: done.exitCode, told: done.exitCode === 0 ? '' : done.stderr }).toEqual({
        exitCode: 0,
        told: '',
      });
      const published = releaseFiles();
      const tarballs = readdirSync(release).filter((name) => name.endsWith('.tar.gz'));
      expect(tarballs).toHaveLength(2 * targets.length);
      for (const name of tarballs)
        expect(readFileSync(join(release, name)).equals(published.get(name) ?? Buffer.of())).toBe(true);
      execFileSync('sha256sum', ['--check', '--strict', '--quiet', 'SHA256SUMS'], { cwd: release });
    },
    5 * minutes,
  );

  test.each(targets)(
    '%s installs, and its cluster runs',
    (target) => {
      const words = ['smoke', join(release, `${target}-software.tar.gz`), '--engine', 'docker'];
      const done = runCli([...words, '--cache-dir', join(folder, 'smoke-cache')], { cwd: folder });
      expect({ exitCode: done.exitCode, told: done.exitCode === 0 ? '' : done.stderr.slice(-4000) }).toEqual({
        exitCode: 0,
        told: '',
      });
    },
    10 * minutes,
  );

  test(
    'nothing changed: the plan is empty, no build starts, the release is left as it is',
    async () => {
      const before = github.log.length;
      const done = await run('3', await startService('third'));
      expectSuccess(done);
      expect(done.step('plan').outputs).toMatchObject({ count: '0', empty: 'true', skipped: '8' });
      const ids = done.jobs.flatMap(({ steps }) => steps.map(({ id }) => id));
      expect(ids).not.toContain('publish');
      expect(compilesOf(done)).toEqual({ begun: 0, ended: 0 });
      expect(github.log.slice(before).filter((line) => !line.startsWith('GET'))).toEqual([]);
      expect(github.releases).toHaveLength(1);
    },
    5 * minutes,
  );
});
