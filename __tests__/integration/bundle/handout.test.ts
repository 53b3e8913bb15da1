import { mkdir, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { inspectHost } from '../../../src/base/host.js';
import { possibleNames } from '../../../src/bundle/catalogue.js';
import { verifyFolder } from '../../../src/bundle/verify.js';
import { CacheEntries } from '../../../src/cache/entries.js';
import { resultKey } from '../../../src/cache/keys.js';
import { nodeProcess } from '../../../src/local/process.js';
import { directoryCache } from '../../../src/local/stores.js';
import { openProject } from '../../../src/pipeline/project.js';
import { type ResolvedBuild, resolveBuild } from '../../../src/pipeline/resolve.js';
import { asInputs } from '../../support/build.js';
import { writeResult } from '../../support/bundle.js';
import { runCli, startCli } from '../../support/cli.js';
import { fakePorts, recordingLogger } from '../../support/fakes.js';
import { projectRoot } from '../../support/prepare.js';

/** The command line as it is in dist/, served from a cache that holds a result which nobody built. */

jest.setTimeout(180_000);

let root: string;
let cacheDir: string;
let plan: ResolvedBuild;
const args = (out: string) => [
  ...['build', '24.11.6', '--toolchain', 'bookworm', '--engine', 'docker'],
  ...['--cache-dir', cacheDir, '--output-dir', out],
];

beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'sf-handout-')));
  cacheDir = join(root, 'cache');
  const request = {
    layers: [asInputs({ 'slurm-version': '24.11.6', toolchain: 'bookworm', engine: 'docker' })],
    project: await openProject(projectRoot),
    host: await inspectHost(process.env),
    cwd: root,
    workRoot: cacheDir,
    transfer: join(root, 'transfer'),
    trigger: { event: undefined, ref: undefined, fromFork: false },
    env: {},
    runId: '1',
    installMissing: false,
  };
  plan = await resolveBuild(request, fakePorts({ process: nodeProcess }));
  const made = join(root, 'made');
  await mkdir(made);
  await writeResult(made, plan.identifier, { smoke: true, contentKey: plan.contentKey });
  const policy = { restore: false, save: true, scopes: ['open'] };
  const store = directoryCache(join(cacheDir, 'entries'));
  const entries = new CacheEntries(store, policy, recordingLogger(), request.transfer);
  await entries.save(resultKey(plan.identifier, plan.contentKey, []), made);
});
afterAll(() => rm(root, { recursive: true, force: true }));

const verify = (out: string) => verifyFolder(out, { env: {} }, nodeProcess);

test('20 processes at once into one output folder: all hits, one whole result, nothing beside it', async () => {
  const out = join(root, 'shared');
  const done = await Promise.all(Array.from({ length: 20 }, () => startCli(args(out)).ended));
  expect(done.map(({ exitCode }) => exitCode)).toEqual(done.map(() => 0));
  for (const { stdout, stderr } of done) {
    expect(stdout).toContain('result (nothing was built)');
    expect(stderr).not.toMatch(/fails its checks|warning: (?!Slurm)/i);
  }
  const report = await verify(out);
  expect((await readdir(out)).sort()).toEqual([...(report.targets[0]?.files ?? [])].sort());
});

test('killed again and again while it hands out, it ends whole, and nothing is left', async () => {
  const out = join(root, 'killed');
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const started = startCli(args(out));
    await started.line(/Target slurm/).catch(() => '');
    await new Promise((resolve) => setTimeout(resolve, attempt * 15));
    started.kill('SIGKILL');
    await started.ended;
  }
  expect(runCli(args(out)).exitCode).toBe(0);
  const report = await verify(out);
  expect((await readdir(out)).sort()).toEqual([...(report.targets[0]?.files ?? [])].sort());
});

describe('an output folder', () => {
  test('with planted links: they are replaced, and what they led to stays', async () => {
    const out = join(root, 'planted');
    await mkdir(out);
    await writeFile(join(root, 'precious'), 'precious');
    for (const name of possibleNames(plan.identifier)) {
      await symlink('../precious', join(out, name));
      await symlink('../precious', join(out, `${name}.partial`));
    }
    expect(runCli(args(out)).exitCode).toBe(0);
    expect(await readFile(join(root, 'precious'), 'utf8')).toBe('precious');
  });

  test('that is full is that error, and the cached result stays good', async () => {
    const small = join(root, 'small');
    await mkdir(small);
    const mount = await nodeProcess.run([
      'mount',
      '-t',
      'tmpfs',
      '-o',
      'size=12k,nr_inodes=100',
      'tmpfs',
      small,
    ]);
    if (mount.exitCode !== 0) {
      console.warn('skipped: this user may not mount a file system');
      return;
    }
    try {
      const full = runCli(args(small));
      expect(full.exitCode).toBe(6);
      expect(full.stderr).toMatch(/is full/);
      expect(full.stderr).not.toMatch(/fails its checks/);
      expect(await readdir(small)).toEqual([]);
      await nodeProcess.run(['mount', '-o', 'remount,ro', small]);
      const readOnly = runCli(args(small));
      expect(readOnly.exitCode).toBe(2);
      expect(readOnly.stderr).toMatch(/output-dir.*read-only/);
    } finally {
      await nodeProcess.run(['umount', small]);
    }
    expect(runCli(args(join(root, 'after'))).stdout).toContain('result (nothing was built)');
  });
});
