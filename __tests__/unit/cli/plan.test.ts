import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { machine } from '../../support/cli-machine.js';
import { readFiles } from '../../support/fakes.js';

// Some builds each, on a machine that may do other things too.
jest.setTimeout(30_000);

const target = 'slurm-24.11.6-glibc2.34-amd64';

describe('plan', () => {
  test('shows a table and what sharing saves; the same as JSON', async () => {
    const { run } = await machine();
    const words = [
      'plan',
      '--releases',
      '24.11',
      '--gpus',
      'none cuda',
      '--dependency-kinds',
      'bundled system',
    ];
    const done = await run(words);
    expect(done).toMatchObject({ exitCode: 0, err: '' });
    expect(done.out).toMatch(/^Stage {2}Target +Toolchain +Runs on +Builds +Minutes +Content key$/m);
    expect(done.out).toMatch(/^0 {6}slurm-24\.11\.6-bookworm-amd64-cuda .* nvml slurm /m);
    expect(done.out).toContain('4 legs in 3 stages.');
    const plan = JSON.parse((await run([...words, '--json'])).out);
    expect(plan).toMatchObject({ schema: 1, count: 4, stages: 3, empty: false });
  });

  test('simulates numbers of runners', async () => {
    const { run } = await machine();
    const done = await run(['plan', '--simulate', '--runners', '1,7', '--gpus', 'none cuda']);
    expect(done.out).toMatch(/^Runners +Without sharing +least/m);
    expect(done.out).toMatch(/^7 +\d/m);
    const { simulation } = JSON.parse((await run(['plan', '--simulate', '--json'])).out);
    expect(simulation.shared.map((row: { runners: number }) => row.runners)).toEqual([1, 5, 20, 60]);
  });

  test('reads the file of settings of the folder', async () => {
    const { cwd, run } = await machine();
    await writeFile(join(cwd, 'slurm-factory.yml'), 'releases: [24.05, 24.11]\nexclude: ["*-24.05.*"]\n');
    expect((await run(['plan'])).out).toContain('1 leg in 1 stage.\nLeft out: 1 not selected.');
  });

  test('leaves out what is in the cache of this machine, and says so', async () => {
    const { run } = await machine();
    const plan = ['plan', '--skip-cached', '--releases', '24.11'];
    expect((await run(plan)).out).toContain('1 leg in 1 stage.');
    expect((await run(['build', '24.11'])).exitCode).toBe(0);
    expect(await run(plan)).toMatchObject({
      exitCode: 0,
      out: 'Nothing to do.\nLeft out: 1 in the result cache.\n',
    });
  });

  test('tells all that is wrong at once, with the code of wrong arguments', async () => {
    const { run } = await machine();
    const done = await run([
      'plan',
      '24.11',
      '--gpus',
      'nvidia',
      '--runners',
      '0',
      '--exlude=x',
      '--sharing',
      'al',
    ]);
    expect(done).toMatchObject({ exitCode: 2, out: '' });
    for (const line of [
      /24\.11: plan takes no word\./,
      /sharing: 'al' is not a known kind of sharing\. Did you mean 'all'\?/,
      /gpus: 'nvidia' is not a known kind of GPU support/,
      /runners: '0' is not a whole number from 1 to 99999/,
      /--exlude: no such option\. Did you mean '--exclude'\?/,
    ]) {
      expect(done.err).toMatch(line);
    }
  });
});

describe('build --only', () => {
  const settings = 'releases: 24.11\ngpus: [none, cuda]\njobs: 3\n';

  test('builds the leg that the plan has, with its content key, wherever it was skipped', async () => {
    const { cwd, run } = await machine();
    await writeFile(join(cwd, 'slurm-factory.yml'), `${settings}skip-cached: true\n`);
    const { legs } = JSON.parse((await run(['plan', '--json'])).out);
    const leg = legs.find(({ identifier }: { identifier: string }) => identifier === `${target}-cuda`);
    const words = ['build', '--only', `${target}-cuda`, '--output-dir', 'out', '--report', 'report.json'];
    expect((await run(words)).exitCode).toBe(0);
    const report = JSON.parse((await readFiles(cwd))['report.json'] ?? '');
    expect(report).toMatchObject({ identifier: `${target}-cuda`, contentKey: leg.contentKey });
    // It is in the cache now, and may be asked for by the leg's other name.
    expect((await run(['plan'])).out).toContain('Left out: 1 in the result cache.');
    expect((await run(['build', '--only', 'slurm-24.11.6-bookworm-amd64-bundled-cuda'])).out).toContain(
      'result',
    );
  });

  test.each<[string, string[], RegExp]>([
    [
      'a leg that is none',
      ['--only', `${target}-cudaa`],
      /^error: only: the plan has no leg .* Did you mean .*-cuda'\?/,
    ],
    [
      'a leg, and something else',
      ['24.11.5', '--only', target],
      /slurm-version: --only says what is built\./,
    ],
    ['a leg, and a GPU', ['--gpu', '--only', target], /gpu: --only says what is built\./],
    [
      'a leg of another architecture',
      ['--only', 'slurm-24.11.6-glibc2.34-arm64', '--config', 'arm.yml'],
      /slurm-24\.11\.6-glibc2\.34-arm64 is built on arm64; this machine is amd64\./,
    ],
  ])('%s', async (_, words, message) => {
    const { cwd, run } = await machine();
    await writeFile(join(cwd, 'slurm-factory.yml'), settings);
    await writeFile(join(cwd, 'arm.yml'), 'archs: arm64\nreleases: 24.11\n');
    const done = await run(['build', ...words]);
    expect(done).toMatchObject({ exitCode: 2, out: '' });
    expect(done.err).toMatch(message);
  });
});
