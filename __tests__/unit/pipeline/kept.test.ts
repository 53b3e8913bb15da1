import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ContainerError } from '../../../src/base/errors.js';
import { keepForDebugging, listKept } from '../../../src/pipeline/kept.js';
import { describeKept, enterKept } from '../../../src/pipeline/shell.js';
import {
  fakePorts,
  fakeProcess,
  host,
  recordingLogger,
  temporaryFolder,
  writeFiles,
} from '../../support/fakes.js';
import { type MachineScript, onMachine } from '../../support/machine.js';
import { build, target } from '../../support/pipeline.js';
import { startedBuild } from '../../support/stages.js';

const stage = 'builder/spack-stage-slurm-24-11-6-1-sssssss';

/** A build whose Slurm fails to compile, in a stage as Spack leaves it. */
const failing: MachineScript = {
  answer: async (words, folders) => {
    if (!words.includes('install')) return undefined;
    await writeFiles(folders['stage'] ?? '', { [`${stage}/spack-src/a.c`]: '' });
    const lines = [
      '[ ] sssssss slurm@24-11-6-1 build (3s)',
      'a.c:7:1: error: no',
      '[x] sssssss slurm@24-11-6-1 failed (4s)',
    ];
    return { exitCode: 1, stdout: lines.join('\n') };
  },
};

const keep = async (script = failing) => {
  const { request, ports, record } = await build({ script, request: { keepContainer: true } });
  const kept = await listKept(request.workRoot);
  return { request, ports, kept, name: `slurm-factory-${basename(record?.buildFolder ?? '')}` };
};

test('a kept build tells which package failed, in which phase and folder', async () => {
  const { kept, request, ports } = await keep();
  expect(kept).toMatchObject([
    {
      identifier: target,
      engine: 'docker',
      failed: {
        ...{ name: 'slurm', version: '24-11-6-1', phase: 'build' },
        stage: `/opt/slurm-factory/stage/${stage}/spack-src`,
      },
    },
  ]);
  const [one] = kept;
  expect(one && describeKept(one)).toMatch(
    /^slurm-24\.11\.6-bookworm-amd64: slurm@24-11-6-1 failed in phase build \(20\d\d-.*, build-.*\)$/,
  );
  expect(ports.logger.of('notice').join()).toContain(`slurm-factory shell ${target}`);
  expect(await listKept(join(request.workRoot, 'no'))).toEqual([]);
});

test('a build that failed otherwise names no package', async () => {
  const { kept } = await keep({
    answer: (words) => (words.includes('concretize') ? { exitCode: 1 } : undefined),
  });
  expect(kept.map(({ failed }) => failed)).toEqual([undefined]);
});

test('what is no kept build is left out, and the newest comes first', async () => {
  const { request, kept } = await keep();
  const folder = (name: string) => join(request.workRoot, name);
  const [one] = kept;
  const { buildFolder: _, when: __, ...told } = one ?? {};
  await mkdir(folder('build-0123456789ab-1'));
  await mkdir(folder('build-0123456789ab-2'));
  await writeFile(join(folder('build-0123456789ab-2'), 'kept.json'), '{"schema":1}');
  await mkdir(folder('build-0123456789ab-3'));
  await writeFile(
    join(folder('build-0123456789ab-3'), 'kept.json'),
    JSON.stringify({ ...told, identifier: 'slurm-25.11.7-bookworm-amd64' }),
  );
  const found = await listKept(request.workRoot);
  expect(found.map(({ identifier }) => identifier)).toEqual(['slurm-25.11.7-bookworm-amd64', target]);
});

test('a folder with a space in its name is told as one word', async () => {
  const { context } = await startedBuild();
  const logger = recordingLogger();
  const folder = join(await temporaryFolder(), "it's here");
  await mkdir(folder);
  const { build: plan, recorder } = context;
  const session = { container: undefined, python: 'python3', layout: plan.hostLayout };
  const given = session as unknown as Parameters<typeof keepForDebugging>[1];
  await keepForDebugging({ ...plan, buildFolder: folder }, given, undefined, recorder, logger);
  const [start = ''] = folder.split("'");
  expect(logger.of('notice').join('')).toContain(`rm -rf '${start}'\\''s here'`);
  expect(recorder.current.kept).toBe(true);
});

describe('a shell in a kept build', () => {
  const running = (state: string) => (words: readonly string[]) =>
    words[1] === 'inspect' ? { stdout: `${state}\n` } : undefined;

  test("runs in Spack's build environment of the package, in its folder, with the terminal", async () => {
    const { kept, name } = await keep();
    const process = fakeProcess(running('true'));
    const ports = { process, env: { PATH: '/bin', TERM: 'xterm', TOKEN: 'x' } };
    const [one] = kept;
    if (one === undefined) throw new Error('nothing was kept');
    expect(await enterKept(one, { terminal: true }, ports)).toBe(0);
    const call = process.calls.at(-1);
    const line = call?.command.join(' ') ?? '';
    expect(line).toContain(
      `docker exec --interactive --tty --workdir /opt/slurm-factory/stage/${stage}/spack-src `,
    );
    expect(line).toContain(
      ` ${name} /opt/slurm-factory/python/bin/python3 /opt/slurm-factory/spack/bin/spack `,
    );
    expect(line).toMatch(/ --env-dir \/opt\/slurm-factory\/environment build-env slurm -- bash$/);
    expect(call?.options.interactive).toBe(true);
    expect(call?.options.env).toMatchObject({ SPACK_DISABLE_LOCAL_CONFIG: '1', TERM: 'xterm' });
  });

  test('runs a command instead, word by word, and has its exit code', async () => {
    const { kept } = await keep();
    const process = fakeProcess((words) => running('true')(words) ?? { exitCode: 7 });
    const [one] = kept;
    if (one === undefined) throw new Error('nothing was kept');
    const code = await enterKept(
      one,
      { command: ['make', '-n', '$(id)'], terminal: false },
      fakePorts({ process }),
    );
    expect(code).toBe(7);
    expect(process.calls.at(-1)?.command.slice(-4)).toEqual(['--', 'make', '-n', '$(id)']);
    expect(process.lines.at(-1)).not.toContain('--tty');
  });

  test('starts a container that has stopped; one that is gone is an error that says what to do', async () => {
    const { kept, name } = await keep();
    const [one] = kept;
    if (one === undefined) throw new Error('nothing was kept');
    const stopped = fakeProcess(running('false'));
    await enterKept(one, { terminal: false }, fakePorts({ process: stopped }));
    expect(stopped.lines[1]).toBe(`docker start ${name}`);
    const gone = fakeProcess((words) =>
      words[1] === 'exec' ? {} : { exitCode: 1, stderr: 'No such container' },
    );
    const failed = enterKept(one, { terminal: false }, fakePorts({ process: gone }));
    await expect(failed).rejects.toThrow(ContainerError);
    await expect(failed).rejects.toThrow(/gone or can't be started: No such container/);
  });

  test('of a build on the machine itself runs there, with what a build sees of the environment', async () => {
    const { request } = await build({
      script: { answer: onMachine },
      request: {
        keepContainer: true,
        layers: [{ engine: 'none' }],
        host: host({ os: { id: 'debian', version: '12' } }),
      },
    });
    const [one] = await listKept(request.workRoot);
    if (one === undefined) throw new Error('nothing was kept');
    const process = fakeProcess();
    await enterKept(one, { terminal: true }, { process, env: { PATH: '/bin', TOKEN: 'x', TERM: 'xterm' } });
    const [call] = process.calls;
    expect(call?.command).toEqual(['bash']);
    expect(call?.options).toMatchObject({ interactive: true, cwd: one.layout.environment });
    expect(call?.options.env).toMatchObject({ PATH: '/bin', TERM: 'xterm', HOME: one.layout.home });
    expect(call?.options.env).not.toHaveProperty('TOKEN');
  });
});
