import { describe, expect, test } from '@jest/globals';
import { ContainerError } from '../../../src/base/errors.js';
import { withSignal } from '../../../src/base/signal.js';
import {
  type ContainerPlan,
  containerKinds,
  containerNameFor,
  execArguments,
  removeContainer,
  runArguments,
  startContainer,
} from '../../../src/container/container.js';
import { type Answer, fakePorts, fakeProcess, never } from '../../support/fakes.js';

const plan: ContainerPlan = {
  program: 'docker',
  image: 'an:image',
  kind: 'build',
  name: 'slurm-factory-abc',
  owner: 'builder~boot~1~2~3',
  user: { uid: 1001, gid: 121 },
  mounts: [{ source: '/srv/a,b', target: '/a', readOnly: true }],
  rights: (limits) => limits.map((limit) => `--${limit}=1`),
  fixed: { HOME: '/home' },
  env: {},
};
const removal = 'docker rm --force --volumes slurm-factory-abc';

test('each kind of container has a name of its own', () => {
  const names = containerKinds.map((kind) => containerNameFor('build-0123-7', kind));
  expect(names[0]).toBe('slurm-factory-build-0123-7');
  expect(new Set(names).size).toBe(containerKinds.length);
});

test('runArguments: labels, caller, init, rights, mounts, and a process that waits', () => {
  expect(runArguments({ ...plan, kind: 'smoke', env: { TOKEN: 'x' } }, ['pids'])).toEqual([
    ...['run', '--detach', '--init', '--name', 'slurm-factory-abc'],
    ...['--label', 'slurm-factory=smoke', '--label', 'slurm-factory.owner=builder~boot~1~2~3'],
    ...['--user', '1001:121', '--pids=1'],
    ...['--mount', 'type=bind,"source=/srv/a,b",target=/a,readonly'],
    ...['--env', 'HOME=/home', '--env', 'TOKEN'],
    ...['--entrypoint', 'sleep', 'an:image', 'infinity'],
  ]);
});

describe('execArguments', () => {
  test.each<[string, Parameters<typeof execArguments>, string[]]>([
    ['plain', ['name', ['true']], ['exec', 'name', 'true']],
    [
      'folder and variables',
      ['name', ['spack', 'install'], { cwd: '/a b', env: { A: '1 2', B: '$A' } }],
      ['exec', '--workdir', '/a b', '--env', 'A', '--env', 'B', 'name', 'spack', 'install'],
    ],
    [
      "the command's own options stay behind the name",
      ['name', ['tar', '--env', 'x; rm -rf /']],
      ['exec', 'name', 'tar', '--env', 'x; rm -rf /'],
    ],
  ])('%s', (_, given, expected) => {
    expect(execArguments(...given)).toEqual(expected);
  });
});

describe('startContainer', () => {
  test('no value of a variable is in any argument; the engine has it in its environment', async () => {
    const ports = fakePorts({ env: { PATH: '/bin' } });
    const container = await startContainer({ ...plan, env: { MIRROR_LOGIN: 'secret-1' } }, ports);
    await container.exec(['spack', 'install'], { env: { AWS_SECRET_ACCESS_KEY: 'secret-2', EMPTY: '' } });
    const [run, exec] = ['run', 'exec'].map((verb) =>
      ports.process.calls.find(({ command }) => command[1] === verb),
    );
    expect(run?.options.env).toEqual({ PATH: '/bin', MIRROR_LOGIN: 'secret-1' });
    expect(exec?.options.env).toEqual({ PATH: '/bin', AWS_SECRET_ACCESS_KEY: 'secret-2', EMPTY: '' });
    for (const { command } of ports.process.calls) {
      expect(command.join(' ')).not.toContain('secret');
      const named = command.filter((_, index) => command[index - 1] === '--env');
      for (const variable of named) expect(variable).toMatch(/^(HOME=\/home|[A-Z_]+)$/);
    }
  });

  test('commands run in it, their lines and exit codes come back', async () => {
    const process = fakeProcess((command) =>
      command[1] === 'exec' ? { exitCode: 3, stdout: 'one\ntwo' } : { stdout: 'true\n' },
    );
    const container = await startContainer(plan, fakePorts({ process }));
    const lines: string[] = [];
    const result = await container.exec(['spack', 'find'], {
      env: { A: '1' },
      onLine: (line) => lines.push(line),
    });
    expect(result.exitCode).toBe(3);
    expect(lines).toEqual(['one', 'two']);
    expect(process.lines).toContain('docker exec --env A slurm-factory-abc spack find');
  });

  test("a command's output goes to a file of this machine where one is named", async () => {
    const ports = fakePorts({});
    const container = await startContainer(plan, ports);
    await container.exec(['tar', '--create'], { stdoutFile: '/srv/a.tar' });
    expect(ports.process.calls.at(-1)).toEqual({
      command: ['docker', 'exec', 'slurm-factory-abc', 'tar', '--create'],
      options: { stdoutFile: '/srv/a.tar' },
    });
  });

  test.each<[string, Answer]>([
    ['stopped', { stdout: 'false\n' }],
    ['without its engine', { exitCode: 1, stderr: 'Cannot connect to the Docker daemon' }],
    ['killed a moment ago, and called running', { stdout: 'true false 0\n' }],
  ])('a command that failed because the container was %s is not blamed', async (_, inspected) => {
    let asked = 0;
    const process = fakeProcess((command) => {
      if (command[1] === 'exec') return { exitCode: 137 };
      if (command[1] !== 'inspect') return {};
      asked += 1;
      return asked > 2 ? { stdout: 'false\n' } : inspected;
    });
    const container = await startContainer(plan, fakePorts({ process }));
    const attempt = container.exec(['spack', 'install']);
    await expect(attempt).rejects.toThrow(ContainerError);
    await expect(attempt).rejects.toThrow(/ended while a command ran in it/);
  });

  describe('memory that ran out', () => {
    const counted = 'low 0\noom_kill 2\n';
    /** A container of 64 MB, whose commands end with a code while the kernel has counted so much. */
    const running = (exitCode: number, counters: Answer, inspected = 'true false 64000000') =>
      fakeProcess((command) => {
        if (command.includes('cat')) return counters;
        if (command[1] === 'exec') return { exitCode };
        if (command[1] !== 'inspect') return {};
        return { stdout: command.includes('{{.HostConfig.Memory}}') ? '64000000\n' : `${inspected}\n` };
      });

    test.each<[string, Answer, number | undefined]>([
      ['cgroup v2', { exitCode: 1, stdout: counted }, 64e6],
      ['cgroup v1', { exitCode: 1, stdout: 'oom_kill_disable 0\nunder_oom 0\noom_kill 1\n' }, 64e6],
      ['nobody was ended', { stdout: 'oom_kill 0\n' }, undefined],
      ['nothing can be read', { exitCode: 1 }, undefined],
    ])('is told by the count of the kernel: %s', async (_, counters, limit) => {
      const process = running(0, counters);
      const container = await startContainer(plan, fakePorts({ process }));
      expect(await container.memoryExceeded()).toBe(limit);
    });

    test('is why a command was killed', async () => {
      const process = running(137, { stdout: counted });
      const attempt = (await startContainer(plan, fakePorts({ process }))).exec(['spack', 'concretize']);
      await expect(attempt).rejects.toThrow(ContainerError);
      await expect(attempt).rejects.toThrow(/took more memory than the 64(?:\.0)? MB that it may have/);
      await expect(attempt).rejects.toMatchObject({ hint: expect.stringMatching(/container-memory/) });
    });

    test.each([
      ['killed by somebody else', 137, 'oom_kill 0\n'],
      ['that failed for another reason', 2, counted],
    ])('is not blamed for a command %s', async (_, code, stdout) => {
      const container = await startContainer(plan, fakePorts({ process: running(code, { stdout }) }));
      expect(await container.exec(['make'])).toMatchObject({ exitCode: code });
    });

    test('is why the container ended', async () => {
      const process = running(137, {}, 'false true 64000000');
      const attempt = (await startContainer(plan, fakePorts({ process }))).exec(['make']);
      await expect(attempt).rejects.toThrow(/took more memory than the 64/);
    });
  });

  test('one that does not start is removed, and the error says what the engine said', async () => {
    const process = fakeProcess((command) =>
      command[1] === 'run' ? { exitCode: 125, stderr: 'no space left on device\n' } : {},
    );
    const attempt = startContainer(plan, fakePorts({ process }));
    await expect(attempt).rejects.toThrow(ContainerError);
    await expect(attempt).rejects.toThrow(/no space left on device/);
    expect(process.lines.at(-1)).toBe(removal);
  });

  test.each([
    ['["cpu","memory","pids"]', ['--cpu=1', '--memory=1', '--pids=1']],
    ['["memory"]', ['--memory=1']],
    ['[]', []],
    ['null', []],
    ['Error: no', []],
  ])('Podman limits what systemd lets it: %s', async (stdout, expected) => {
    const process = fakeProcess((command) => (command[1] === 'info' ? { stdout } : {}));
    await startContainer({ ...plan, program: 'podman' }, fakePorts({ process }));
    const started = process.calls.find(({ command }) => command[1] === 'run')?.command ?? [];
    expect(started.filter((word) => word.endsWith('=1'))).toEqual(expected);
  });
});

describe('its end', () => {
  test('stop removes it once, and a container that is gone is no error', async () => {
    const process = fakeProcess((command) => (command[1] === 'rm' ? { exitCode: 1 } : {}));
    const container = await startContainer(plan, fakePorts({ process }));
    await container.stop();
    await container.stop();
    expect(process.lines.filter((line) => line === removal)).toHaveLength(1);
  });

  test('who stops it learns that the engine could not be asked', async () => {
    const process = fakeProcess((command) =>
      command[1] === 'rm' ? Promise.reject(new Error('EAGAIN')) : undefined,
    );
    const container = await startContainer(plan, fakePorts({ process }));
    await expect(container.stop()).rejects.toThrow('EAGAIN');
  });

  test('one that is kept stays, and what enters and removes it is told', async () => {
    const process = fakeProcess();
    const container = await startContainer({ ...plan, mayStay: true }, fakePorts({ process }));
    expect(process.lines[0]).toContain('--label slurm-factory.keep=1');
    expect(container.keep()).toEqual({ enter: 'docker exec -it slurm-factory-abc bash', remove: removal });
    await container.stop();
    expect(process.lines).not.toContain(removal);
  });

  /** Ports as a build has them, and their abort. */
  function cancellable(waits: string) {
    const controller = new AbortController();
    const process = fakeProcess((command) => (command[1] === waits ? never : undefined));
    const ports = fakePorts({ process: withSignal(process, controller.signal), signal: controller.signal });
    const abort = () => controller.abort(new Error('cancelled'));
    return { process, ports, abort };
  }

  test('an abort removes it at once, and ends the command that runs in it', async () => {
    const { process, ports, abort } = cancellable('exec');
    const container = await startContainer(plan, ports);
    const attempt = container.exec(['spack', 'install']);
    setImmediate(abort);
    await expect(attempt).rejects.toThrow('cancelled');
    expect(process.lines.at(-1)).toBe(removal);
    await container.stop();
    expect(process.lines.filter((line) => line === removal)).toHaveLength(1);
  });

  test('an abort removes it when nothing runs in it, too', async () => {
    const { process, ports, abort } = cancellable('none');
    await startContainer(plan, ports);
    abort();
    expect(process.lines.at(-1)).toBe(removal);
  });

  test('an abort while it starts leaves nothing of it', async () => {
    const { process, ports, abort } = cancellable('run');
    setImmediate(abort);
    await expect(startContainer(plan, ports)).rejects.toThrow('cancelled');
    expect(process.lines.at(-1)).toBe(removal);
  });

  test('after an abort none is started', async () => {
    const { process, ports, abort } = cancellable('none');
    abort();
    await expect(startContainer(plan, ports)).rejects.toThrow('cancelled');
    expect(process.calls).toEqual([]);
  });
});

test('removeContainer forgives a container that nobody knows, and runs after a cancel', async () => {
  const process = fakeProcess(() => ({ exitCode: 1, stderr: 'No such container' }));
  await removeContainer('docker', 'gone', withSignal(process, AbortSignal.abort()));
  expect(process.lines).toEqual(['docker rm --force --volumes gone']);
});
