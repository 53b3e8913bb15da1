import { readFile } from 'node:fs/promises';
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
} from '../../../src/container/session.js';
import { type Answer, fakeProcess, host, temporaryFolder } from '../../support/fakes.js';

const plan: ContainerPlan = {
  program: 'docker',
  image: 'slurm-factory/builder:bookworm-0123',
  name: 'slurm-factory-abc',
  host: host(),
  mounts: [{ source: '/srv/a,b', target: '/a', readOnly: true }],
  gpu: false,
};

/** The words behind each occurrence of an option. */
const valuesOf = (words: readonly string[], option: string): (string | undefined)[] =>
  words.flatMap((word, index) => (word === option ? [words[index + 1]] : []));

describe('runArguments', () => {
  test('the plain container: caller, init, mounts, home, and a process that waits', () => {
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
      '--mount',
      'type=bind,"source=/srv/a,b",target=/a,readonly',
      '--env',
      'HOME=/opt/slurm-factory/home',
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

  test.each([true, false])('GPU wanted: %s', (gpu) => {
    expect(valuesOf(runArguments({ ...plan, gpu }), '--gpus')).toEqual(gpu ? ['all'] : []);
  });

  test('a machine with a GPU alone gives none to the container', () => {
    expect(runArguments({ ...plan, host: host({ hasGpu: true }) })).toEqual(runArguments(plan));
  });

  test('the proxy settings of the host go in, one word each', () => {
    const proxy = { https_proxy: 'http://user:p ss@proxy:3128', no_proxy: 'localhost,127.0.0.1' };
    expect(valuesOf(runArguments({ ...plan, host: host({ proxy }) }), '--env')).toEqual([
      'HOME=/opt/slurm-factory/home',
      'https_proxy=http://user:p ss@proxy:3128',
      'no_proxy=localhost,127.0.0.1',
    ]);
  });

  test("the host's CA bundle is mounted read-only, and the programs that fetch are told", () => {
    const words = runArguments({ ...plan, host: host({ caBundle: '/etc/ssl/my,ca.crt' }) });
    const inside = '/etc/slurm-factory/ca-bundle.crt';
    expect(valuesOf(words, '--mount').at(-1)).toBe(
      `type=bind,"source=/etc/ssl/my,ca.crt",target=${inside},readonly`,
    );
    for (const name of ['SSL_CERT_FILE', 'CURL_CA_BUNDLE', 'GIT_SSL_CAINFO']) {
      expect(valuesOf(words, '--env')).toContain(`${name}=${inside}`);
    }
  });

  test.each(['--privileged', '--network', '--pid', '--cap-add', '--volume', '-v'])(
    '%s is never there',
    (word) => {
      const rich = host({ hasGpu: true, caBundle: '/ca.crt', proxy: { http_proxy: 'http://p' } });
      for (const program of ['docker', 'podman'] as const) {
        expect(runArguments({ ...plan, program, gpu: true, host: rich })).not.toContain(word);
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
  const { mounts: _, ...request } = plan;

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

test('removeContainer forgives a container that nobody knows', async () => {
  const process = fakeProcess(() => ({ exitCode: 1, stderr: 'No such container' }));
  await removeContainer('docker', 'gone', process);
  expect(process.lines).toEqual(['docker rm --force --volumes gone']);
});

describe('machineSession', () => {
  const layout = layoutBelow('/srv/build-1');

  test('runs commands as they are, with a home of its own', async () => {
    const process = fakeProcess(() => ({ stdout: 'done' }));
    const session = machineSession(layout, '/py/bin/python3', process, {
      PATH: '/bin',
      HOME: '/root',
      A: '0',
    });
    expect((await session.exec(['spack', 'find'], { cwd: '/tmp', env: { A: '1' } })).stdout).toBe('done');
    expect(process.calls).toEqual([
      {
        command: ['setpriv', '--pdeathsig', 'TERM', 'spack', 'find'],
        options: expect.objectContaining({ cwd: '/tmp', env: { PATH: '/bin', HOME: layout.home, A: '1' } }),
      },
    ]);
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
