import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ContainerError } from '../../../src/base/errors.js';
import { containerLayout, layoutBelow, places } from '../../../src/container/layout.js';
import {
  type ContainerPlan,
  execArguments,
  machineSession,
  removeContainer,
  runArguments,
  startContainer,
  startFetcher,
} from '../../../src/container/session.js';
import { type Answer, fakeProcess, host, temporaryFolder } from '../../support/fakes.js';

const plan: ContainerPlan = {
  program: 'docker',
  image: 'slurm-factory/builder:bookworm-0123',
  name: 'slurm-factory-abc',
  host: host(),
  mounts: [{ source: '/srv/a,b', target: '/a', readOnly: true }],
  fetches: false,
  limits: ['memory', 'pids'],
};

/** Docker's own configuration may set proxies for every container; a build sees none of them. */
const noProxies = ['HTTP', 'HTTPS', 'FTP', 'NO', 'ALL']
  .flatMap((name) => [`${name}_PROXY`, `${name.toLowerCase()}_proxy`])
  .flatMap((name) => ['--env', `${name}=`]);

/** The words behind each occurrence of an option. */
const valuesOf = (words: readonly string[], option: string): (string | undefined)[] =>
  words.flatMap((word, index) => (word === option ? [words[index + 1]] : []));

describe('runArguments', () => {
  test('the plain container: caller, init, limits, mounts, home, and a process that waits', () => {
    expect(runArguments(plan)).toEqual([
      'run',
      '--detach',
      '--init',
      '--name',
      'slurm-factory-abc',
      '--label',
      'slurm-factory=build',
      '--label',
      'slurm-factory.owner=builder~boot~1~2~3',
      '--user',
      '1001:121',
      '--cap-drop',
      'ALL',
      '--security-opt',
      'no-new-privileges',
      '--read-only',
      '--tmpfs',
      '/tmp:rw,exec,nosuid,nodev,mode=1777,size=2g',
      '--hostname',
      'builder',
      '--network',
      'none',
      '--pids-limit',
      '4096',
      '--memory',
      '7200000000',
      '--mount',
      'type=bind,"source=/srv/a,b",target=/a,readonly',
      '--env',
      'HOME=/opt/slurm-factory/home',
      ...noProxies,
      '--entrypoint',
      'sleep',
      'slurm-factory/builder:bookworm-0123',
      'infinity',
    ]);
  });

  test.each<[string, Partial<ContainerPlan>, boolean]>([
    ['Docker', { program: 'docker' }, false],
    ['Podman as a user', { program: 'podman' }, true],
    ['Podman as root', { program: 'podman', host: host({ uid: 0, gid: 0 }) }, false],
  ])("%s: files are the caller's own", (_, change, keepId) => {
    const words = runArguments({ ...plan, ...change });
    expect(valuesOf(words, '--userns')).toEqual(keepId ? ['keep-id'] : []);
    const { uid, gid } = { ...plan, ...change }.host;
    expect(valuesOf(words, '--user')).toEqual([`${uid}:${gid}`]);
  });

  const rich = host({
    devices: ['/dev/nvidiactl'],
    caBundle: '/etc/ssl/my,ca.crt',
    proxy: { https_proxy: 'http://user:p ss@proxy:3128', no_proxy: 'localhost,127.0.0.1' },
  });

  test.each(['docker', 'podman'] as const)(
    'with %s a build gets no network and no proxy setting',
    (program) => {
      const words = runArguments({ ...plan, program, host: rich });
      expect(valuesOf(words, '--network')).toEqual(['none']);
      expect(words.join(' ')).not.toMatch(/proxy:3128|127\.0\.0\.1|ca\.crt/);
      for (const setting of valuesOf(words, '--env'))
        expect(setting).toMatch(/^(HOME=.+|\w+_(PROXY|proxy)=)$/);
      // Podman hands its own on, unless it is told not to.
      expect(words.includes('--http-proxy=false')).toBe(program === 'podman');
    },
  );

  test.each(['docker', 'podman'] as const)(
    'with %s what fetches gets the network, and the proxy settings without their values',
    (program) => {
      const words = runArguments({ ...plan, program, host: rich, fetches: true });
      expect(valuesOf(words, '--network')).toEqual([]);
      expect(valuesOf(words, '--env')).toEqual([
        'HOME=/opt/slurm-factory/home',
        ...['SSL_CERT_FILE', 'CURL_CA_BUNDLE', 'GIT_SSL_CAINFO'].map(
          (name) => `${name}=/etc/slurm-factory/ca-bundle.crt`,
        ),
        'https_proxy',
        'no_proxy',
      ]);
      expect(words.join(' ')).not.toContain('p ss');
      expect(valuesOf(words, '--mount').at(-1)).toBe(
        'type=bind,"source=/etc/ssl/my,ca.crt",target=/etc/slurm-factory/ca-bundle.crt,readonly',
      );
    },
  );

  test.each([true, false])(
    'whether it fetches (%s) or not, it has no rights and no root of its own',
    (fetches) => {
      const words = runArguments({ ...plan, host: rich, fetches });
      expect(valuesOf(words, '--cap-drop')).toEqual(['ALL']);
      expect(valuesOf(words, '--security-opt')).toEqual(['no-new-privileges']);
      expect(words).toContain('--read-only');
      expect(valuesOf(words, '--pids-limit')).toEqual(['4096']);
      expect(valuesOf(words, '--memory')).toEqual(['7200000000']);
    },
  );

  test.each(['--privileged', '--pid', '--cap-add', '--volume', '-v', '--device', '--gpus', '--ipc'])(
    '%s is never there',
    (word) => {
      for (const program of ['docker', 'podman'] as const) {
        for (const fetches of [true, false]) {
          expect(runArguments({ ...plan, program, host: rich, fetches })).not.toContain(word);
        }
      }
    },
  );
});

describe('execArguments', () => {
  test.each<[string, Parameters<typeof execArguments>, string[]]>([
    ['plain', ['name', ['true']], ['exec', 'name', 'true']],
    [
      'folder and variables',
      ['name', ['spack', 'install'], { cwd: '/a b', env: { A: '1 2', B: '$A' } }],
      ['exec', '--workdir', '/a b', '--env', 'A=1 2', '--env', 'B=$A', 'name', 'spack', 'install'],
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
  const { mounts: _, fetches: __, limits: ___, ...request } = plan;

  test.each<[string, number, number, string, string]>([
    [
      'a user',
      1001,
      121,
      'root:x:0:0:root:/root:/bin/sh\nbuilder:x:1001:121:builder:/opt/slurm-factory/home:/bin/sh\n',
      'root:x:0:\nbuilder:x:121:\n',
    ],
    ['root', 0, 0, 'root:x:0:0:root:/root:/bin/sh\n', 'root:x:0:\n'],
  ])('%s has an entry in passwd and group: Spack asks for it', async (_name, uid, gid, passwd, group) => {
    const root = await temporaryFolder();
    const process = fakeProcess();
    await startContainer({ ...request, host: host({ uid, gid }) }, layoutBelow(root), process);
    const mounts = valuesOf(process.calls[0]?.command ?? [], '--mount');
    const sourceOf = (target: string) =>
      /source=([^,]+)/.exec(mounts.find((mount) => mount?.includes(`target=${target},readonly`)) ?? '')?.[1];
    expect(await readFile(sourceOf('/etc/passwd') ?? '', 'utf8')).toBe(passwd);
    expect(await readFile(sourceOf('/etc/group') ?? '', 'utf8')).toBe(group);
  });

  test("brings the host's folders to the container's places", async () => {
    const root = await temporaryFolder();
    const process = fakeProcess();
    const session = await startContainer(request, layoutBelow(root), process);
    expect(session.layout).toEqual(containerLayout);
    expect(session.container).toBe(plan.name);
    const mounts = valuesOf(process.calls[0]?.command ?? [], '--mount').join('\n');
    for (const place of places) {
      expect(mounts).toContain(`source=${layoutBelow(root)[place]},target=${containerLayout[place]}`);
    }
  });

  test('commands run in the container, their lines and exit codes come back', async () => {
    const process = fakeProcess((command) =>
      command[1] === 'exec' ? { exitCode: 3, stdout: 'one\ntwo' } : { stdout: 'true\n' },
    );
    const session = await startContainer(request, layoutBelow(await temporaryFolder()), process);
    const lines: string[] = [];
    const result = await session.exec(['spack', 'find'], {
      env: { A: '1' },
      onLine: (line) => lines.push(line),
    });
    expect(result.exitCode).toBe(3);
    expect(lines).toEqual(['one', 'two']);
    expect(process.lines).toContain('docker exec --env A=1 slurm-factory-abc spack find');
  });

  test.each<[string, Answer]>([
    ['stopped', { stdout: 'false\n' }],
    ['without its engine', { exitCode: 1, stderr: 'Cannot connect to the Docker daemon' }],
  ])('a command that failed because the container was %s is not blamed', async (_, inspected) => {
    const process = fakeProcess((command) => {
      if (command[1] === 'exec') return { exitCode: 137 };
      return command[1] === 'inspect' ? inspected : {};
    });
    const session = await startContainer(request, layoutBelow(await temporaryFolder()), process);
    const attempt = session.exec(['spack', 'install']);
    await expect(attempt).rejects.toThrow(ContainerError);
    await expect(attempt).rejects.toThrow(/ended while a command ran in it/);
  });

  test('one that does not start is removed, and the error says what the engine said', async () => {
    const process = fakeProcess((command) =>
      command[1] === 'run' ? { exitCode: 125, stderr: 'no space left on device\n' } : {},
    );
    const attempt = startContainer(request, layoutBelow(await temporaryFolder()), process);
    await expect(attempt).rejects.toThrow(ContainerError);
    await expect(attempt).rejects.toThrow(/no space left on device/);
    expect(process.lines.at(-1)).toBe('docker rm --force --volumes slurm-factory-abc');
  });

  test.each([
    ['["cpu","memory","pids"]', ['--pids-limit', '--memory']],
    ['["memory"]', ['--memory']],
    ['[]', []],
    ['null', []],
    ['Error: no', []],
  ])('Podman limits what systemd lets it: %s', async (stdout, expected) => {
    const process = fakeProcess((command) => (command[1] === 'info' ? { stdout } : {}));
    const given = { ...request, program: 'podman' as const };
    await startContainer(given, layoutBelow(await temporaryFolder()), process);
    const started = process.calls.find(({ command }) => command[1] === 'run')?.command ?? [];
    expect(started.filter((word) => ['--pids-limit', '--memory'].includes(word))).toEqual(expected);
  });

  test("a command's output goes to a file of this machine where one is named", async () => {
    const process = fakeProcess();
    const session = await startContainer(request, layoutBelow(await temporaryFolder()), process);
    await session.exec(['tar', '--create'], { stdoutFile: '/srv/a.tar' });
    expect(process.calls.at(-1)).toEqual({
      command: ['docker', 'exec', 'slurm-factory-abc', 'tar', '--create'],
      options: { stdoutFile: '/srv/a.tar' },
    });
  });

  test('stop removes it, and a container that is gone is no error', async () => {
    const process = fakeProcess((command) => (command[1] === 'rm' ? { exitCode: 1 } : {}));
    const session = await startContainer(
      { ...request, program: 'podman' },
      layoutBelow(await temporaryFolder()),
      process,
    );
    await session.stop();
    await session.stop();
    const removals = process.lines.filter((line) => line === 'podman rm --force --volumes slurm-factory-abc');
    expect(removals).toHaveLength(2);
  });
});

describe('startFetcher', () => {
  const { mounts: _, fetches: __, limits: ___, ...request } = plan;

  test('the engine has the proxy settings in its environment, on no command line', async () => {
    const root = await temporaryFolder();
    const process = fakeProcess();
    const proxy = { https_proxy: 'http://me:secret@proxy:3128' };
    const env = { PATH: '/bin', HOME: undefined };
    const given = { ...request, host: host({ proxy }) };
    const session = await startFetcher(given, layoutBelow(root), join(root, 'x'), process, env);
    expect(process.calls[0]?.options.env).toEqual({ PATH: '/bin', ...proxy });
    await session.exec(['spack', 'fetch']);
    await session.stop();
    expect(process.lines.join('\n')).not.toContain('secret');
    expect(process.lines.at(-1)).toBe('docker rm --force --volumes slurm-factory-abc');
  });

  test('sees neither what is built nor what is handed out', async () => {
    const root = await temporaryFolder();
    const process = fakeProcess();
    await startFetcher(request, layoutBelow(root), join(root, 'fetch-stage'), process, {});
    const mounts = valuesOf(process.calls[0]?.command ?? [], '--mount').join('\n');
    for (const place of ['store', 'buildCache', 'userCache', 'home', 'output', 'stage'] as const) {
      expect(mounts).not.toContain(`source=${layoutBelow(root)[place]},`);
    }
  });
});

test('removeContainer forgives a container that nobody knows', async () => {
  const process = fakeProcess(() => ({ exitCode: 1, stderr: 'No such container' }));
  await removeContainer('docker', 'gone', process);
  expect(process.lines).toEqual(['docker rm --force --volumes gone']);
});

describe('machineSession', () => {
  const layout = layoutBelow('/srv/build-1');

  test('runs commands as they are, with a home of its own and nothing of what the caller keeps', async () => {
    const process = fakeProcess(() => ({ stdout: 'done' }));
    const session = machineSession(layout, '/py/bin/python3', process, {
      PATH: '/bin',
      HOME: '/root',
      AWS_SECRET_ACCESS_KEY: 'canary',
      https_proxy: 'http://me:canary@proxy',
    });
    expect((await session.exec(['spack', 'find'], { cwd: '/tmp', env: { A: '1' } })).stdout).toBe('done');
    expect(process.calls).toEqual([
      {
        command: ['setpriv', '--pdeathsig', 'TERM', 'spack', 'find'],
        options: expect.objectContaining({ cwd: '/tmp', env: { PATH: '/bin', HOME: layout.home, A: '1' } }),
      },
    ]);
  });

  test('what fetches has the proxy settings as well', async () => {
    const process = fakeProcess();
    const proxy = { https_proxy: 'http://me:secret@proxy' };
    await machineSession(layout, '/py', process, { PATH: '/bin', X: '1' }, proxy).exec(['spack']);
    expect(process.calls[0]?.options.env).toEqual({ PATH: '/bin', HOME: layout.home, ...proxy });
  });

  test('has no container, and its end ends nothing', async () => {
    const process = fakeProcess();
    const session = machineSession(layout, '/py', process, {});
    await session.stop();
    expect(session.container).toBeUndefined();
    expect(session.layout).toEqual(layout);
    expect(process.calls).toEqual([]);
  });
});
