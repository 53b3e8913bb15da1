import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { runCli } from '../support/cli.js';
import { makeSigningKey } from '../support/gpg.js';
import {
  containersCreatedSince,
  docker,
  hostSystemTarget,
  hostTarget,
  isHere,
  prepareMachine,
  projectRoot,
  sourceMirror,
  temporaryFolder,
} from '../support/prepare.js';
import { keepResult } from '../support/result.js';
import { expectSuccess, runWorkflow, type WorkflowRun } from '../support/runner/act.js';
import { makeActionWorkspace } from '../support/runner/workspace.js';
import { type ResultsService, startResultsService } from '../support/services/results-service.js';

const canRun = await isHere('upstream', 'Docker Engine', 'act', 'Node 24');
const e2e = canRun ? test : test.skip;

const minutes = 60_000;
const target = hostTarget('24.11.6');
const folder = temporaryFolder('e2e');
/** The signed build is served from what the others, with the same secret, have saved. */
const cacheSecret = randomBytes(32).toString('hex');
const outputs = join(folder, 'out');
let service: ResultsService;
let workspace: string;
let nodeDirectory: string;
let mirror: string;

beforeAll(async () => {
  if (!canRun) return;
  [nodeDirectory, mirror] = await Promise.all([prepareMachine(), sourceMirror(['24.11.6', '25.11.7'])]);
  service = await startResultsService({ directory: join(folder, 'service') });
  workspace = makeActionWorkspace(join(folder, 'workspace'));
}, 20 * minutes);

afterAll(async () => {
  await service?.close();
  rmSync(folder, { recursive: true, force: true });
});

const run = (
  workflow: string,
  run: string,
  change: Partial<Parameters<typeof runWorkflow>[0]> = {},
): Promise<WorkflowRun> =>
  runWorkflow({
    workflow: `__tests__/e2e/workflows/${workflow}.yml`,
    event: 'workflow_dispatch',
    workspace,
    service: { url: service.url, token: service.tokenFor('job', run) },
    cacheServerPath: join(folder, 'cache-server'),
    nodeDirectory,
    env: { SOURCE_MIRROR: mirror, OUTPUT_DIR: outputs, GITHUB_RUN_ID: run },
    timeoutMs: 30 * minutes,
    ...change,
    secrets: { CACHE_SECRET: cacheSecret, ...change.secrets },
  });

const artifactNames = (name: string): string[] =>
  [
    ...['software.tar.gz', 'modules.tar.gz', 'install.sh', 'sbom.spdx.json', 'spack.lock', 'manifest.json'],
    'SHA256SUMS',
  ].map((end) => `${name}-${end}`);

/** Unpacked over each other, the software and the debug tarball are what gdb looks for. */
function expectDebugFiles(name: string): void {
  const tree = join(folder, 'debug-tree');
  mkdirSync(tree);
  for (const part of ['software', 'debug']) {
    execFileSync('tar', ['-xzf', join(outputs, `${name}-${part}.tar.gz`), '-C', tree]);
  }
  const read = (file: string, ...words: string[]) =>
    execFileSync('readelf', [...words, join(tree, name, file)], { encoding: 'utf8' });
  const buildId = (file: string) => /Build ID: ([0-9a-f]{40})/.exec(read(file, '--notes'))?.[1];
  for (const [file, debug] of [
    ['sbin/slurmctld', 'sbin/.debug/slurmctld.debug'],
    ['lib/slurm/gpu_nvml.so', 'lib/slurm/.debug/gpu_nvml.so.debug'],
  ] as const) {
    expect(read(file, '--sections', '--wide')).not.toContain('.debug_info');
    expect(read(file, '--string-dump=.gnu_debuglink')).toContain(debug.split('/').at(-1));
    expect(read(debug, '--sections', '--wide')).toContain('.debug_info');
    expect(buildId(file)).toMatch(/^[0-9a-f]{40}$/);
    expect(buildId(debug)).toBe(buildId(file));
  }
}

const listTar = (name: string): string[] =>
  execFileSync('tar', ['-tzf', join(outputs, `${name}-software.tar.gz`)], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  }).split('\n');

e2e(
  'a workflow builds 24.11.6 for bookworm and uploads its files',
  async () => {
    const done = await run('single', '101');
    expectSuccess(done);
    const step = done.step('slurm');
    expect(step.outputs).toMatchObject({
      'slurm-version': '24.11.6',
      target,
      'cache-hit': 'none',
      'software-tarball': join(outputs, `${target}-software.tar.gz`),
      'modules-tarball': join(outputs, `${target}-modules.tar.gz`),
      manifest: join(outputs, `${target}-manifest.json`),
    });
    expect(step.outputs['content-key']).toMatch(/^[0-9a-f]{64}$/);
    expect(step.outputs['artifact-ids']?.split(',')).toHaveLength(8);
    expect(step.outputs['artifact-urls']?.split('\n')).toHaveLength(8);
    const uploaded = service.artifacts();
    expect(uploaded.map((artifact) => artifact.name).sort()).toEqual(
      [...artifactNames(target), `${target}-smoke.xml`].sort(),
    );
    // sha256sum itself judges what the artifact service holds.
    execFileSync('sha256sum', ['--check', '--strict', `${target}-SHA256SUMS`], {
      cwd: join(folder, 'service', 'artifacts'),
    });
    const software = uploaded.find((artifact) => artifact.name.endsWith('-software.tar.gz'));
    // The promise of one that brings its libraries.
    expect(software?.size).toBeLessThanOrEqual(16_000_000);
    expect(step.summary).toContain('Slurm 24.11.6');
    // A cluster ran from the tarball, in a container without compilers and at another prefix.
    for (const check of ['no-compilers', 'srun', 'rest', 'module-lmod', 'module-tcl', 'slurmdbd']) {
      expect(step.summary).toContain(check);
    }
    await keepResult(outputs, target, step.outputs['content-key'] ?? '');
  },
  20 * minutes,
);

e2e('the tarball holds what a cluster needs, and nothing that it must not', () => {
  const files = listTar(target);
  for (const plugin of [
    'auth_munge',
    'auth_jwt',
    'accounting_storage_mysql',
    'mpi_pmix',
    'mpi_pmi2',
    'cgroup_v2',
    'job_submit_lua',
    'task_affinity',
  ]) {
    expect(files).toContain(`${target}/lib/slurm/${plugin}.so`);
  }
  for (const file of [
    'sbin/slurmctld',
    'sbin/slurmd',
    'sbin/slurmdbd',
    'sbin/slurmrestd',
    'lib/security/pam_slurm_adopt.so',
    'lib/libpmi2.so',
    'include/slurm/spank.h',
  ]) {
    expect(files).toContain(`${target}/${file}`);
  }
  expect(files.filter((file) => /\.(a|la)$|\/\.spack|libnvidia-ml/.test(file))).toEqual([]);
  const manifest = JSON.parse(readFileSync(join(outputs, `${target}-manifest.json`), 'utf8'));
  expect(manifest.runtimePackages).toEqual(['libc6', 'libdbus-1-3', 'libpam0g', 'libpmix2', 'libudev1']);
  const libraries = manifest.libraries.map(({ soname }: { soname: string }) => soname);
  expect(libraries).toEqual(expect.arrayContaining(['libcrypto.so.3', 'libmariadb.so.3', 'libmunge.so.2']));
  for (const { name, package: from } of manifest.libraries) {
    expect(files).toContain(`${target}/lib/bundled/${name}`);
    expect(files).toContain(`${target}/share/licenses/${from}/copyright`);
  }
  expect(files).toContain(`${target}/share/licenses/slurm/COPYING`);
  expect(manifest.specs.map((spec: { name: string }) => spec.name)).toContain('slurm');
});

e2e(
  'a second run of the same workflow takes the result from the cache and starts no container',
  async () => {
    const before = readFileSync(join(outputs, `${target}-SHA256SUMS`), 'utf8');
    rmSync(outputs, { recursive: true });
    const since = Math.floor(Date.now() / 1000);
    const done = await run('single', '102');
    expectSuccess(done);
    expect(done.step('slurm').outputs['cache-hit']).toBe('result');
    expect(containersCreatedSince(since)).toEqual([]);
    expect(readFileSync(join(outputs, `${target}-SHA256SUMS`), 'utf8')).toBe(before);
    expect(existsSync(join(outputs, `${target}-software.tar.gz`))).toBe(true);
  },
  5 * minutes,
);

e2e(
  'with dependencies: system the same release is packed from the same packages, and nothing is compiled',
  async () => {
    const other = hostSystemTarget('24.11.6');
    const apart = join(folder, 'out-system');
    const done = await run('single', '108', {
      env: { SOURCE_MIRROR: mirror, OUTPUT_DIR: apart, GITHUB_RUN_ID: '108', DEPENDENCIES: 'system' },
    });
    expectSuccess(done);
    const { outputs: given } = done.step('slurm');
    expect(given).toMatchObject({ target: other, 'cache-hit': 'build-cache' });
    const software = statSync(join(apart, `${other}-software.tar.gz`));
    expect(software.size).toBeLessThanOrEqual(10_000_000);
    const manifest = JSON.parse(readFileSync(join(apart, `${other}-manifest.json`), 'utf8'));
    expect(manifest.runtimePackages).toEqual(
      expect.arrayContaining(['libmunge2', 'libpmix2', 'libmariadb3', 'libc6']),
    );
    expect(manifest.libraries).toBeUndefined();
    await keepResult(apart, other, given['content-key'] ?? '');
  },
  5 * minutes,
);

e2e(
  'with a key the files are signed, and nothing of the key gets out of the job',
  async () => {
    const passphrase = 'correct horse $staple';
    const privateKey = makeSigningKey(join(folder, 'gpg'), passphrase);
    const done = await run('signed', '107', {
      secrets: { GPG_PRIVATE_KEY: privateKey, GPG_PASSPHRASE: passphrase },
    });
    expectSuccess(done);
    expect(done.step('slurm').outputs['cache-hit']).toBe('result');
    const signed = ['software.tar.gz', 'modules.tar.gz', 'SHA256SUMS', 'signing-key'].map(
      (end) => `${target}-${end}.asc`,
    );
    expect(service.artifacts().map((artifact) => artifact.name)).toEqual(expect.arrayContaining(signed));
    const publicKey = join(outputs, `${target}-signing-key.asc`);
    const verified = runCli(['verify', outputs, '--public-key', publicKey]);
    expect({ exitCode: verified.exitCode, stderr: verified.stderr }).toEqual({ exitCode: 0, stderr: '' });
    // A job that may not write id tokens is told what provenance takes, and goes on.
    expect(done.log).toContain('attestations: write');
    const secrets = [passphrase, cacheSecret, ...privateKey.split('\n').filter((line) => line.length > 40)];
    // By add-mask the runner is told what to hide; it shows these lines to nobody.
    const shown = done.lines.filter((line) => line.command !== 'add-mask').map((line) => line.text);
    expect(secrets.filter((secret) => shown.some((text) => text.includes(secret)))).toEqual([]);
    for (const secret of secrets) {
      const found = spawnSync('grep', ['-rlF', '--', secret, folder], { encoding: 'utf8' });
      expect(found.stdout).toBe('');
    }
  },
  5 * minutes,
);

e2e(
  'a matrix over releases and GPUs shares dependencies and caches',
  async () => {
    const done = await run('matrix', '103');
    expectSuccess(done);
    expect(done.jobs).toHaveLength(3);
    const given = done.jobs.map(
      ({ steps }) => steps.find(({ id, stage }) => id === 'slurm' && stage === 'Main')?.outputs ?? {},
    );
    const hits = given.map((leg) => [leg['target'], leg['cache-hit']]);
    expect(Object.fromEntries(hits)).toEqual({
      [target]: 'result',
      [`${target}-cuda`]: 'none',
      [hostTarget('25.11.7', 'cuda')]: 'none',
    });
    // What the legs share came from the first run's cache: only Slurm, and NVML for CUDA, was compiled.
    const row = /<td>package (\S+) \w+<\/td><td>[^<]*<\/td><td>saved<\/td>/g;
    const saved = done.jobs.flatMap(({ summary }) => [...summary.matchAll(row)].map(([, name]) => name));
    // Both legs need NVML at the same time, so either may have made it.
    expect(saved.filter((name) => name === 'slurm')).toHaveLength(2);
    expect([...new Set(saved)].sort()).toEqual(['nvml', 'slurm']);
    for (const name of [`${target}-cuda`, hostTarget('25.11.7', 'cuda')]) {
      const files = listTar(name);
      expect(files).toContain(`${name}/lib/slurm/gpu_nvml.so`);
      expect(files.filter((file) => file.includes('libnvidia-ml'))).toEqual([]);
    }
    expectDebugFiles(hostTarget('25.11.7', 'cuda'));
    const cuda = given.find((leg) => leg['target'] === `${target}-cuda`);
    await keepResult(outputs, `${target}-cuda`, cuda?.['content-key'] ?? '');
  },
  30 * minutes,
);

e2e(
  'an artifact service that is down costs a warning; the files stay in the output folder',
  async () => {
    rmSync(outputs, { recursive: true, force: true });
    service.addFault({ match: { operation: 'CreateArtifact' }, kind: 'down', times: 100 });
    const done = await run('single', '105');
    service.clearFaults();
    expectSuccess(done);
    expect(done.step('slurm').outputs['artifact-ids']).toBe('');
    const warnings = done.step('slurm').annotations.map((annotation) => annotation.text);
    for (const name of artifactNames(target)) {
      expect(warnings).toContainEqual(expect.stringContaining(`${name} could not be uploaded`));
    }
    execFileSync('sha256sum', ['--check', '--strict', `${target}-SHA256SUMS`], { cwd: outputs });
  },
  5 * minutes,
);

e2e(
  'a failing package is annotated, its logs are uploaded, and a cache service that is down is a warning',
  async () => {
    const recipe = 'spack-repo/spack_repo/slurm_factory/packages/slurm/package.py';
    const text = readFileSync(join(projectRoot, recipe), 'utf8');
    const broken = makeActionWorkspace(join(folder, 'broken'), {
      [recipe]: text.replace('CFLAGS={self._optimization}', 'CFLAGS=-fno-such-flag'),
    });
    service.addFault({ match: { operation: 'GetCacheEntryDownloadURL' }, kind: 'down', times: 100 });
    service.addFault({ match: { operation: 'CreateCacheEntry' }, kind: 'down', times: 100 });
    const done = await run('failing', '106', { workspace: broken, cache: 'v2' });
    service.clearFaults();
    expect(done.exitCode).not.toBe(0);
    const { annotations } = done.step('slurm');
    expect(annotations).toContainEqual(
      expect.objectContaining({ text: expect.stringContaining('C compiler cannot create executables') }),
    );
    expect(done.log).toMatch(/slurm@24-11-6-1 failed in phase configure/);
    expect(done.log).toMatch(/Failed to restore|The cache service failed/);
    expect(service.artifacts().map((artifact) => artifact.name)).toContain(`${target}-logs`);
    expect(docker('ps', '--all', '--quiet', '--filter', 'label=slurm-factory.owner').trim()).toBe('');
  },
  15 * minutes,
);

e2e(
  'wrong inputs are reported all at once, with the nearest names',
  async () => {
    const done = await run('invalid', '104');
    expect(done.exitCode).not.toBe(0);
    const text = done.log;
    for (const part of [
      "Did you mean 'bookworm'?",
      "Did you mean 'cuda'?",
      'slurm-version',
      'jobs',
      'whole number from 1 to 1024',
    ]) {
      expect(text).toContain(part);
    }
    // Names, too, of whichever action.
    const errorsOf = (id: string) =>
      done
        .step(id)
        .annotations.filter(({ level }) => level === 'error')
        .map((annotation) => annotation.text)
        .join('\n');
    expect(errorsOf('slurm')).toContain("feature: no such input. Did you mean 'features'?");
    expect(errorsOf('slurm')).toContain("gpg_private_key: no such input. Did you mean 'gpg-private-key'?");
    expect(errorsOf('slurm')).toContain('gpu: ');
    expect(errorsOf('slurm')).not.toContain('empty: ');
    expect(errorsOf('plan')).toMatch(/gpuss: no such input\. Did you mean 'gpus'\?/);
    expect(errorsOf('plan')).toContain('sharing: ');
    expect(errorsOf('publish')).toContain("allow_missing: no such input. Did you mean 'allow-missing'?");
    expect(errorsOf('publish')).toContain('tag: ');
  },
  2 * minutes,
);
