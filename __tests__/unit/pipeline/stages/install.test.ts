import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { PackageBuildError, PackagingError } from '../../../../src/base/errors.js';
import type { ProgressEvent } from '../../../../src/base/ports.js';
import { saveOf } from '../../../../src/pipeline/record.js';
import { installStage } from '../../../../src/pipeline/stages/install.js';
import { lockStage } from '../../../../src/pipeline/stages/lock.js';
import { hashes, type MachineScript, slurmPrefix } from '../../../support/machine.js';
import { startedBuild } from '../../../support/stages.js';

async function installing(script: MachineScript = {}, events: ProgressEvent[] = []) {
  const started = await startedBuild({ script });
  const { context, builder, session } = started;
  const { lock } = await lockStage.run(context, { session });
  const told = {
    ...context,
    ports: { ...context.ports, progress: (event: ProgressEvent) => events.push(event) },
  };
  return { ...started, run: () => installStage.run(told, { builder, session, lock }) };
}

test('what nobody had is compiled, after its sources were fetched, and is known to the post step', async () => {
  const { run, context, process } = await installing();
  expect((await run()).installed).toEqual({
    prefix: slurmPrefix,
    built: [],
    further: [],
    packages: { external: 1, fromCache: 0, compiled: 2 },
    rootFromCache: false,
  });
  expect(saveOf(context.recorder.current, 'packages')).toMatchObject({
    restored: [],
    wanted: expect.arrayContaining([hashes.slurm, hashes.nvml]),
  });
  const verbs = process.lines.flatMap((line) => / (fetch \/|install )/.exec(line)?.[1]?.trim() ?? []);
  expect(verbs).toEqual(['fetch /', 'install']);
  await context.saver.settled();
});

test('how far it is, is told: what is to be installed, and the phase that each package is in', async () => {
  const events: ProgressEvent[] = [];
  const lines = [
    '[ ] sssssss slurm@24-11-6-1 configure (1s)',
    'checking',
    '[ ] sssssss slurm@24-11-6-1 build (3s)',
  ];
  const answer: MachineScript['answer'] = (words) =>
    words.includes('install') ? { exitCode: 1, stdout: lines.join('\n') } : undefined;
  const { run, context } = await installing({ answer }, events);
  await expect(run()).rejects.toThrow(PackageBuildError);
  const slurm = { what: 'package', name: 'slurm', version: '24-11-6-1' };
  expect(events).toEqual([
    { what: 'packages', total: 2, cached: 0, compilesRoot: true },
    { ...slurm, phase: 'configure' },
    { ...slurm, phase: 'build' },
  ]);
  await context.saver.settled();
});

describe('what came from a build cache is told by Spack', () => {
  test.each([
    ['the root alone', [slurmPrefix], { fromCache: 1, compiled: 1 }, true],
    ['all of it', [slurmPrefix, slurmPrefix.replace(/slurm$/, 'nvml')], { fromCache: 2, compiled: 0 }, true],
  ])('%s', async (_, prefixes, counts, rootFromCache) => {
    let again = false;
    const { run, context } = await installing({
      answer: (words) => (again && words.includes('install') ? {} : undefined),
    });
    // As of a build cache that this machine knows nothing of.
    const store = context.build.hostLayout.store;
    const { installed: before } = await run();
    expect(before.rootFromCache).toBe(false);
    again = true;
    for (const prefix of prefixes) {
      const folder = join(store, prefix.replace('/opt/slurm-factory/store/', ''), '.spack');
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, 'binary_distribution'), '{}');
    }
    const { installed } = await run();
    expect(installed.packages).toMatchObject(counts);
    expect(installed.rootFromCache).toBe(rootFromCache);
    await context.saver.settled();
  });
});

test('a package that fails is named with its phase and the first error', async () => {
  const { run, context } = await installing({
    answer: (words) =>
      words.includes('install')
        ? {
            exitCode: 1,
            stdout: [
              '[ ] sssssss slurm@24-11-6-1 build (3s)',
              'a.c:7:1: error: no such thing',
              '[x] sssssss slurm@24-11-6-1 failed: /opt/slurm-factory/stage/x/spack-build-out.txt',
            ].join('\n'),
          }
        : undefined,
  });
  const failed = run();
  await expect(failed).rejects.toThrow(PackageBuildError);
  await expect(failed).rejects.toThrow(/slurm@24-11-6-1 failed in phase build: a\.c:7:1: error: no such/);
  await context.saver.settled();
});

describe('memory that ran out', () => {
  const output = [
    '[ ] sssssss slurm@24-11-6-1 build (3s)',
    'gcc: fatal error: Killed signal terminated program cc1',
    '[x] sssssss slurm@24-11-6-1 failed',
  ].join('\n');
  const failing = (count: number) =>
    installing({
      answer: (words) => {
        if (words.includes('install')) return { exitCode: 1, stdout: output };
        if (words[0] === 'cat') return { stdout: `oom_kill ${count}\n` };
        return words[1] === 'inspect' && words.includes('{{.HostConfig.Memory}}')
          ? { stdout: '64000000\n' }
          : undefined;
      },
    });

  test.each([
    [
      1,
      /slurm@24-11-6-1 failed in phase build: it took more memory than the 64.* MB that the container may have: gcc: fatal/,
    ],
    [0, /slurm@24-11-6-1 failed in phase build: gcc: fatal error: Killed signal/],
  ])('is said where the kernel ended %d processes for it', async (count, message) => {
    const { run, context } = await failing(count);
    const failed = run();
    await expect(failed).rejects.toThrow(message);
    const hint = await failed.catch((error: PackageBuildError) => error.hint);
    expect(/container-memory/.test(String(hint))).toBe(count > 0);
    await context.saver.settled();
  });
});

test('an install that its database does not know of is refused', async () => {
  const { run, context } = await installing({
    answer: async (words, folders) => {
      if (!words.includes('install')) return undefined;
      await rm(join(folders['store'] ?? '/nowhere', '__spack_path_placeholder__'), {
        ...{ recursive: true, force: true },
      });
      return {};
    },
  });
  await expect(run()).rejects.toThrow(PackagingError);
  await context.saver.settled();
});
