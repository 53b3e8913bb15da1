import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { actionsCache } from '../../src/action/stores.js';
import type { Manifest } from '../../src/bundle/manifest.js';
import { CacheEntries } from '../../src/cache/entries.js';
import { makeSeal, type Seal } from '../../src/cache/seal.js';
import { runCli } from '../support/cli.js';
import { recordingLogger } from '../support/fakes.js';
import { makeSigningKey } from '../support/gpg.js';
import {
  gitConfiguration,
  hostSystemTarget,
  hostTarget,
  isHere,
  prepareMachine,
  projectRoot,
  sourceMirror,
  temporaryFolder,
} from '../support/prepare.js';
import { builtResult, saveResult } from '../support/result.js';
import { expectSuccess, runWorkflow, type WorkflowRun } from '../support/runner/act.js';
import { factoryActions, factoryVariables, makeFactory } from '../support/runner/factory.js';
import { makeWorkspace } from '../support/runner/workspace.js';
import { type GitHubService, startGitHub } from '../support/services/github-releases.js';
import { type ResultsService, startResultsService } from '../support/services/results-service.js';
import { slurmRepository } from '../support/sources.js';

/*
 * The workflows of docs/examples, as they stand there, with a slurm-factory that knows one release of Slurm, whose
 * results are in the cache already: what is seen here is how their jobs hang together.
 */

const canRun = await isHere('upstream', 'Docker Engine', 'act', 'Node 24');
const e2e = canRun ? test : test.skip;
/** The release that is new upstream is compiled: two to three minutes. */
const compiles = canRun && process.env['SLURM_FACTORY_TEST_SOURCES'] === '1' ? test : test.skip;

const minutes = 60_000;
const version = '24.11.6';
const folder = temporaryFolder('examples');
const factory = join(folder, 'factory');
const upstream = join(folder, 'slurm.git');
const gitConfig = join(folder, 'gitconfig');
const examples = readdirSync(join(projectRoot, 'docs', 'examples'));
const withPages = `on: push
jobs:
  slurm:
    uses: OWNER/slurm-factory/.github/workflows/build-matrix.yml@v1
    with:
      publish: true
      tag: pages-1
      pages: true
    secrets:
      cache-secret: \${{ secrets.CACHE_SECRET }}
`;
/** What does not go together. */
const wrong = `on: push
jobs:
  slurm:
    uses: OWNER/slurm-factory/.github/workflows/build-matrix.yml@v1
    with:
      publish: true
      skip-cached: true
`;
const phrase = 'the phrase of the key';
const secrets = {
  CACHE_SECRET: randomBytes(32).toString('hex'),
  GPG_PASSPHRASE: phrase,
  GITHUB_TOKEN: 'ghs_the_token_of_the_job',
};
const targets = [hostTarget(version), hostTarget(version, 'cuda')];
let key: string;
let service: ResultsService;
let github: GitHubService;
let workspace: string;
let nodeDirectory: string;

beforeAll(async () => {
  if (!canRun) return;
  nodeDirectory = await prepareMachine();
  key = makeSigningKey(join(folder, 'gpg'), phrase);
  service = await startResultsService({ directory: join(folder, 'service') });
  github = await startGitHub({ token: secrets.GITHUB_TOKEN, immutable: true });
  makeFactory(factory, [version]);
  makeUpstream();
  const files = examples.map((name) => [
    `.github/workflows/${name}`,
    readFileSync(join(projectRoot, 'docs', 'examples', name), 'utf8'),
  ]);
  workspace = makeWorkspace({
    directory: join(folder, 'workspace'),
    files: {
      ...Object.fromEntries(files),
      '.github/workflows/wrong.yml': wrong,
      '.github/workflows/pages.yml': withPages,
      'slurm-factory.yml': `source-mirror: ${await sourceMirror([version, '24.11.7'])}\n`,
    },
  });
  await fillCache();
}, 30 * minutes);

afterAll(async () => {
  await service?.close();
  await github?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** SchedMD's repository, with the tag of that release alone. */
function makeUpstream(): void {
  gitConfiguration(gitConfig);
  const others = readFileSync(gitConfig, 'utf8')
    .split(/^(?=\[)/m)
    .filter((section) => !section.includes(slurmRepository));
  writeFileSync(gitConfig, others.join(''));
  execFileSync('git', ['init', '--quiet', '--bare', upstream]);
  addTag('slurm-24-11-6-1');
  appendFileSync(gitConfig, `[url "file://${upstream}"]\n\tinsteadOf = ${slurmRepository}\n`);
}

const addTag = (tag: string): void => {
  const ref = `refs/tags/${tag}:refs/tags/${tag}`;
  execFileSync('git', [
    '-C',
    upstream,
    'fetch',
    '--quiet',
    '--depth',
    '1',
    '--no-tags',
    slurmRepository,
    ref,
  ]);
};

/** The cache has the results, sealed and not. */
async function fillCache(): Promise<void> {
  const seed = join(folder, 'seed');
  Object.assign(process.env, {
    ...{
      ACTIONS_CACHE_SERVICE_V2: 'true',
      ACTIONS_RESULTS_URL: service.url,
      ACTIONS_RUNTIME_TOKEN: service.token,
    },
    GITHUB_WORKSPACE: seed,
  });
  mkdirSync(seed);
  const built = [
    [hostTarget(version), await builtResult(version)],
    [hostTarget(version, 'cuda'), await builtResult(version, 'bundled', 'cuda')],
    [hostSystemTarget(version), await builtResult(version, 'system')],
  ] as const;
  const before = process.cwd();
  // The service's client takes relative paths from here.
  process.chdir(seed);
  for (const seal of [undefined, makeSeal(secrets.CACHE_SECRET)]) {
    const entries = entriesOf(seed, seal);
    for (const [target, from = ''] of built) {
      const manifest: Manifest = JSON.parse(readFileSync(join(from, `${target}-manifest.json`), 'utf8'));
      await saveResult(entries, from, target, manifest.contentKey);
    }
  }
  process.chdir(before);
}

const entriesOf = (seed: string, seal: Seal | undefined): CacheEntries =>
  new CacheEntries(
    actionsCache(seed),
    { restore: false, save: true, scopes: [seal?.scope ?? 'open'] },
    recordingLogger(),
    join(seed, '.slurm-factory', 'transfer'),
    { seal },
  );

const run = (
  name: string,
  number: string,
  change: Partial<Parameters<typeof runWorkflow>[0]> = {},
): Promise<WorkflowRun> =>
  runWorkflow({
    workflow: `.github/workflows/${name}.yml`,
    workspace,
    service: { url: service.url, token: service.tokenFor('job', number) },
    cache: 'v2',
    cacheServerPath: join(folder, 'cache-server'),
    nodeDirectory,
    labels: ['ubuntu-24.04', 'ubuntu-24.04-arm'],
    repository: 'site/slurm',
    localActions: factoryActions(factory),
    secrets: { ...secrets, GPG_PRIVATE_KEY: key },
    env: {
      ...{ GITHUB_API_URL: github.api, GITHUB_SERVER_URL: 'http://github.localhost' },
      ...{ GITHUB_RUN_ID: number, GITHUB_RUN_NUMBER: number, GIT_CONFIG_GLOBAL: gitConfig },
      ...factoryVariables(factory),
    },
    timeoutMs: 20 * minutes,
    ...change,
  });

const uploaded = (number: string): string[] =>
  service
    .artifacts()
    .filter((artifact) => artifact.run === number && artifact.name.endsWith('-software.tar.gz'))
    .map((artifact) => artifact.name.replace('-software.tar.gz', ''))
    .sort();

e2e(
  'one build',
  async () => {
    const done = await run('one-build', '1');
    expectSuccess(done);
    expect(done.step('slurm').outputs).toMatchObject({ target: hostTarget(version), 'cache-hit': 'result' });
    expect(uploaded('1')).toEqual([hostTarget(version)]);
    expect(done.log).toContain(`${hostTarget(version)}/sbin/slurmctld`);
  },
  10 * minutes,
);

e2e(
  'a matrix: a plan, a job for each leg, and no release',
  async () => {
    const done = await run('matrix', '2');
    expectSuccess(done);
    expect(done.step('plan').outputs).toMatchObject({ count: '3', empty: 'false', stages: '3' });
    expect(uploaded('2')).toEqual([...targets, hostSystemTarget(version)].sort());
    expect(hitsOf(done)).toEqual(['result', 'result', 'result']);
    expect(github.log.filter((line) => !line.startsWith('GET'))).toEqual([]);
    expect(stepsOf(done)).not.toContain('publish');
  },
  10 * minutes,
);

e2e(
  'a release on a tag: signed, published, with a page, and whoever gets it can check it',
  async () => {
    const done = await run('release', '3', { payload: { ref: 'refs/tags/v1' } });
    expectSuccess(done);
    expect(hitsOf(done)).toEqual(['result', 'result']);
    const [release] = github.releases;
    expect(release).toMatchObject({ tag_name: 'v1', draft: false });
    const files = join(folder, 'release');
    mkdirSync(files);
    for (const { name, bytes } of release?.assets ?? []) writeFileSync(join(files, name), bytes);
    const names = readdirSync(files);
    expect(names).toEqual(expect.arrayContaining(['index.html', 'index.json', 'get.sh', 'SHA256SUMS.asc']));
    const index = JSON.parse(readFileSync(join(files, 'index.json'), 'utf8'));
    expect(index.targets.map(({ identifier }: { identifier: string }) => identifier).sort()).toEqual(targets);
    const { fingerprint } = index.signing;
    const words = [
      'get',
      '24.11',
      '--from',
      files,
      '--fingerprint',
      fingerprint,
      '--output-dir',
      join(folder, 'got'),
    ];
    const got = runCli(words);
    expect({ exitCode: got.exitCode, told: got.exitCode === 0 ? '' : got.stderr }).toEqual({
      exitCode: 0,
      told: '',
    });
    expect(got.stdout).toContain(`signed with ${fingerprint}\n`);
    // It was public only when it was whole.
    expect(github.log.filter((line) => line.startsWith('PATCH'))).toHaveLength(1);
    const logged = done.log.replaceAll(/^::add-mask::.*$/gm, '');
    for (const secret of [secrets.CACHE_SECRET, phrase]) expect(logged).not.toContain(secret);
  },
  10 * minutes,
);

e2e(
  'a nightly watch that finds nothing new: the plan is empty, no build starts, the release is left as it is',
  async () => {
    const before = github.log.length;
    const done = await run('nightly', '4', { event: 'schedule' });
    expectSuccess(done);
    expect(done.step('plan').outputs).toMatchObject({ count: '0', empty: 'true', skipped: '2' });
    expect(stepsOf(done).filter((id) => /slurm$|publish/.test(id))).toEqual([]);
    expect(uploaded('4')).toEqual([]);
    expect(github.log.slice(before).filter((line) => !line.startsWith('GET'))).toEqual([]);
    expect(github.releases).toHaveLength(1);
  },
  5 * minutes,
);

e2e(
  'a nightly watch that finds one target that the release lacks: it alone is built, the rest is taken over',
  async () => {
    const [release] = github.releases;
    const index = release?.assets.find(({ name }) => name === 'index.json');
    if (index === undefined) throw new Error('there is no release');
    const [kept, missing] = targets;
    const { targets: all, ...rest } = JSON.parse(index.bytes.toString());
    const left = all.filter(({ identifier }: { identifier: string }) => identifier === kept);
    index.bytes = Buffer.from(JSON.stringify({ ...rest, targets: left }));
    const done = await run('nightly', '5', { event: 'schedule' });
    expectSuccess(done);
    expect(done.step('plan').outputs).toMatchObject({ count: '1', skipped: '1' });
    expect(uploaded('5')).toEqual([missing]);
    const made = github.releases.find(({ tag_name }) => tag_name === 'builds-5');
    expect(made?.draft).toBe(false);
    const bytesOf = (name: string, of = made) => of?.assets.find((asset) => asset.name === name)?.bytes;
    expect(JSON.parse(String(bytesOf('index.json'))).targets).toHaveLength(2);
    const software = `${kept}-software.tar.gz`;
    expect(bytesOf(software)?.equals(bytesOf(software, release) ?? Buffer.of())).toBe(true);
  },
  10 * minutes,
);

e2e('one tag more upstream is one release more in the plan, and only that', () => {
  addTag('slurm-24-11-7-1');
  addTag('slurm-24-11-5-1');
  const words = [
    '--releases',
    'upstream',
    '--gpus',
    'none cuda',
    '--skip-released',
    join(folder, 'release', 'index.json'),
  ];
  const done = runCli(['plan', ...words, '--json'], {
    ...{ root: factory, cwd: folder },
    env: { GIT_CONFIG_GLOBAL: gitConfig },
  });
  expect({ exitCode: done.exitCode, told: done.exitCode === 0 ? '' : done.stderr }).toEqual({
    exitCode: 0,
    told: '',
  });
  const { legs, skipped, released } = JSON.parse(done.stdout);
  // 24.11.6 is the newest of its series no more.
  const built = legs.map(({ inputs }: { inputs: Record<string, string> }) => [
    inputs['slurm-version'],
    inputs['gpu'],
  ]);
  expect(built.sort()).toEqual([
    ['24.11.7', 'cuda'],
    ['24.11.7', 'none'],
  ]);
  expect({ skipped: skipped.released, released }).toEqual({ skipped: 0, released: [] });
});

compiles(
  'a nightly watch that finds a release: it is built, and a new release has it',
  async () => {
    const done = await run('nightly', '6', { event: 'schedule' });
    expectSuccess(done);
    const made = github.releases.find(({ tag_name }) => tag_name === 'builds-6');
    const names = made?.assets.map(({ name }) => name) ?? [];
    expect(names.filter((name) => /^slurm-24\.11\.7\.p.*-software\.tar\.gz$/.test(name))).toHaveLength(2);
  },
  20 * minutes,
);

e2e(
  'a release from any run by the tag that is given, unsigned, and its page for GitHub Pages',
  async () => {
    const done = await run('pages', '8');
    expectSuccess(done);
    const release = github.releases.find(({ tag_name }) => tag_name === 'pages-1');
    expect(release).toMatchObject({ draft: false });
    expect(release?.assets.map(({ name }) => name)).not.toContain('SHA256SUMS.asc');
    const shown = [...done.log.matchAll(/^pages: (.*)$/gm)].map(([, name]) => name);
    expect(shown).toEqual(['SHA256SUMS', 'get.sh', 'index.html', 'index.json']);
  },
  10 * minutes,
);

e2e(
  'what does not go together is told at once, and nothing is planned',
  async () => {
    const done = await run('wrong', '7');
    expect(done.exitCode).toBe(1);
    const errors = done.jobs.flatMap(({ steps }) => steps.flatMap(({ annotations }) => annotations));
    expect(errors.map(({ text }) => text.replace(/:.*/, ''))).toEqual(['publish', 'skip-cached']);
    expect(stepsOf(done)).not.toContain('plan');
  },
  2 * minutes,
);

/** What each leg's build says of the cache. */
const hitsOf = (done: WorkflowRun): string[] =>
  done.jobs.flatMap(({ steps }) =>
    steps.flatMap(({ outputs, stage }) => (stage === 'Main' ? (outputs['cache-hit'] ?? []) : [])),
  );

const stepsOf = (done: WorkflowRun): string[] => done.jobs.flatMap(({ steps }) => steps.map(({ id }) => id));
