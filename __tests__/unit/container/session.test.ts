import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { MissingRequirementError } from '../../../src/base/errors.js';
import type { Network } from '../../../src/config/limit-inputs.js';
import type { Allowance, Limit } from '../../../src/container/confinement.js';
import { type ContainerPlan, runArguments } from '../../../src/container/container.js';
import { containerLayout, layoutBelow, places } from '../../../src/container/layout.js';
import {
  buildPlan,
  fetchPlan,
  machineSession,
  type SessionPlan,
  startFetcher,
  startSession,
  startShare,
} from '../../../src/container/session.js';
import { fakePorts, fakeProcess, host, temporaryFolder } from '../../support/fakes.js';

const plan: SessionPlan & { readonly kind: 'build' } = {
  program: 'docker',
  image: 'slurm-factory/builder:bookworm-0123',
  kind: 'build',
  name: 'slurm-factory-abc',
  host: host(),
};
const mounts = [{ source: '/srv/a,b', target: '/a', readOnly: true }];

/** The arguments of a container that builds, or that fetches. */
const wordsOf = (change: Partial<SessionPlan> = {}, fetches = false): string[] => {
  const given = { ...plan, ...change };
  const made: ContainerPlan = fetches ? fetchPlan(given, mounts) : buildPlan(given, mounts);
  return runArguments(made, ['cpu', 'memory', 'pids']);
};

/** Docker's own configuration may set proxies for every container; a build sees none of them. */
const noProxies = ['HTTP', 'HTTPS', 'FTP', 'NO', 'ALL']
  .flatMap((name) => [`${name}_PROXY`, `${name.toLowerCase()}_proxy`])
  .flatMap((name) => ['--env', `${name}=`]);

/** The words behind each occurrence of an option. */
const valuesOf = (words: readonly string[], option: string): (string | undefined)[] =>
  words.flatMap((word, index) => (word === option ? [words[index + 1]] : []));

describe('a container', () => {
  test('the plain container: caller, init, limits, mounts, home, and a process that waits', () => {
    expect(wordsOf()).toEqual([
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

  test.each<[string, Partial<SessionPlan>, boolean]>([
    ['Docker', { program: 'docker' }, false],
    ['Podman as a user', { program: 'podman' }, true],
    ['Podman as root', { program: 'podman', host: host({ uid: 0, gid: 0 }) }, false],
  ])("%s: files are the caller's own", (_, change, keepId) => {
    const words = wordsOf(change);
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
      const words = wordsOf({ program, host: rich });
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
      const words = wordsOf({ program, host: rich }, true);
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
      const words = wordsOf({ host: rich }, fetches);
      expect(valuesOf(words, '--cap-drop')).toEqual(['ALL']);
      expect(valuesOf(words, '--security-opt')).toEqual(['no-new-privileges']);
      expect(words).toContain('--read-only');
      expect(valuesOf(words, '--pids-limit')).toEqual(['4096']);
      expect(valuesOf(words, '--memory')).toEqual(['7200000000']);
    },
  );

  const cpus = (words: readonly string[]) => valuesOf(words, '--cpus');
  const memory = (words: readonly string[]) => [
    ...valuesOf(words, '--memory'),
    ...valuesOf(words, '--memory-swap'),
  ];

  test.each<[string, Allowance, string[], string[]]>([
    ['nothing', {}, [], ['7200000000']],
    ['all', { cpus: 2.5, memory: 2e9, swap: 1e9 }, ['2.5'], ['2000000000', '3000000000']],
    ['no swap', { swap: 0 }, [], ['7200000000', '7200000000']],
    ['more than there is', { cpus: 64, memory: 64e9 }, ['4'], ['7200000000']],
    ['a bit', { cpus: 0.001, memory: 64e6 }, ['0.01'], ['64000000']],
  ])('inputs that say %s limit what builds and what fetches', (_, allowance, wantedCpus, wantedMemory) => {
    for (const fetches of [true, false]) {
      const words = wordsOf({ allowance }, fetches);
      expect(cpus(words)).toEqual(wantedCpus);
      expect(memory(words)).toEqual(wantedMemory);
    }
  });

  test.each<[Network | undefined, boolean, boolean]>([
    [undefined, false, true],
    ['fetch', false, true],
    ['build', true, true],
    ['none', false, false],
  ])('with network: %s a build has it: %s, what fetches has it: %s', (network, builds, fetches) => {
    const allowance = network === undefined ? {} : { network };
    for (const [fetch, online] of [
      [false, builds],
      [true, fetches],
    ] as const) {
      const words = wordsOf({ host: rich, allowance }, fetch);
      expect(valuesOf(words, '--network')).toEqual(online ? [] : ['none']);
      expect(valuesOf(words, '--env').includes('https_proxy')).toBe(online);
      expect(words.join(' ').includes('SSL_CERT_FILE')).toBe(online);
      expect(words.join(' ')).not.toContain('p ss');
    }
    const audit = buildPlan({ ...plan, kind: 'audit', allowance }, mounts);
    expect(valuesOf(runArguments(audit, ['memory']), '--network')).toEqual(['none']);
  });

  test.each<[string, Allowance, Limit[], RegExp | undefined]>([
    ['none asked for', {}, [], undefined],
    ['all', { cpus: 1, memory: 1e9, swap: 0 }, ['cpu', 'memory', 'pids'], undefined],
    ['processors', { cpus: 1 }, ['memory', 'pids'], /container-cpu: podman can't limit that here: .* 'cpu'/],
    ['memory', { memory: 1e9 }, ['cpu'], /container-memory: .* 'memory'/],
    ['swap', { swap: 0 }, ['cpu'], /container-swap: .* 'memory'/],
  ])(
    'a limit that the engine can not hold is refused, not forgotten: %s',
    (_, allowance, limits, refusal) => {
      const made = () =>
        runArguments(buildPlan({ ...plan, program: 'podman', allowance }, mounts), limits).length;
      if (refusal === undefined) expect(made()).toBeGreaterThan(0);
      else {
        expect(made).toThrow(MissingRequirementError);
        expect(made).toThrow(refusal);
      }
    },
  );

  test.each(['--privileged', '--pid', '--cap-add', '--volume', '-v', '--device', '--gpus', '--ipc'])(
    '%s is never there',
    (word) => {
      for (const program of ['docker', 'podman'] as const) {
        for (const fetches of [true, false]) {
          expect(wordsOf({ program, host: rich }, fetches)).not.toContain(word);
        }
      }
    },
  );
});

describe('startSession', () => {
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
    const ports = fakePorts({});
    await startSession({ ...plan, host: host({ uid, gid }) }, layoutBelow(root), ports);
    const mounted = valuesOf(ports.process.calls[0]?.command ?? [], '--mount');
    const sourceOf = (target: string) =>
      /source=([^,]+)/.exec(mounted.find((mount) => mount?.includes(`target=${target},readonly`)) ?? '')?.[1];
    expect(await readFile(sourceOf('/etc/passwd') ?? '', 'utf8')).toBe(passwd);
    expect(await readFile(sourceOf('/etc/group') ?? '', 'utf8')).toBe(group);
  });

  test("brings the host's folders to the container's places", async () => {
    const root = await temporaryFolder();
    const ports = fakePorts({});
    const session = await startSession(plan, layoutBelow(root), ports);
    expect(session.layout).toEqual(containerLayout);
    expect(session.container?.name).toBe(plan.name);
    const mounted = valuesOf(ports.process.calls[0]?.command ?? [], '--mount').join('\n');
    for (const place of places) {
      expect(mounted).toContain(`source=${layoutBelow(root)[place]},target=${containerLayout[place]}`);
    }
  });
});

describe('startFetcher', () => {
  test('the engine has the proxy settings in its environment, on no command line', async () => {
    const root = await temporaryFolder();
    const proxy = { https_proxy: 'http://me:secret@proxy:3128' };
    const ports = fakePorts({ env: { PATH: '/bin', HOME: undefined } });
    const session = await startFetcher(
      { ...plan, host: host({ proxy }) },
      layoutBelow(root),
      join(root, 'x'),
      ports,
    );
    expect(ports.process.calls[0]?.options.env).toEqual({ PATH: '/bin', ...proxy });
    await session.exec(['spack', 'fetch']);
    await session.stop();
    expect(ports.process.lines.join('\n')).not.toContain('secret');
    expect(ports.process.lines.at(-1)).toBe('docker rm --force --volumes slurm-factory-abc');
  });

  test('sees neither what is built nor what is handed out', async () => {
    const root = await temporaryFolder();
    const ports = fakePorts({});
    await startFetcher(plan, layoutBelow(root), join(root, 'fetch-stage'), ports);
    const mounted = valuesOf(ports.process.calls[0]?.command ?? [], '--mount').join('\n');
    for (const place of ['store', 'buildCache', 'userCache', 'home', 'output', 'buildStage'] as const) {
      expect(mounted).not.toContain(`source=${layoutBelow(root)[place]},`);
    }
  });
});

describe('what works with a build cache that machines share', () => {
  async function wordsOfShare(network: boolean | 'host', change: Partial<SessionPlan> = {}) {
    const root = await temporaryFolder();
    const ports = fakePorts({});
    const own = join(root, 'share');
    const given = { ...plan, ...change, host: host({ proxy: { https_proxy: 'http://me:canary@proxy' } }) };
    await startShare(given, layoutBelow(root), { own, mounts, network }, ports);
    const words = ports.process.calls[0]?.command ?? [];
    return { root, words, mounted: valuesOf(words, '--mount') };
  }

  test('writes to the store and to folders of its own', async () => {
    const { root, mounted } = await wordsOfShare(true);
    const written = mounted.filter((mount) => !mount?.endsWith('readonly'));
    expect(written.map((mount) => /source=([^,]+)/.exec(mount ?? '')?.[1])).toEqual([
      layoutBelow(root).store,
      join(root, 'share', 'stage'),
      join(root, 'share', 'environment'),
    ]);
    expect(mounted.join()).not.toContain(`source=${layoutBelow(root).environment},`);
  });

  test.each([
    [true, []],
    [false, ['none']],
    ['host', ['host']],
  ] as const)('with the network %s', async (network, expected) => {
    const { words } = await wordsOfShare(network);
    expect(valuesOf(words, '--network')).toEqual(expected);
    expect(words).toEqual(expect.arrayContaining(['--cap-drop', 'ALL', '--read-only']));
    // By its name only, and not at all without a network.
    expect(words.includes('https_proxy')).toBe(network !== false);
    expect(words.join(' ')).not.toContain('canary');
  });
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
    const fetcher = machineSession(...([layout, '/py', process, { PATH: '/bin', X: '1' }] as const), {
      proxy,
      caBundle: '/etc/authorities.crt',
    });
    await fetcher.exec(['spack']);
    expect(fetcher.caBundle).toBe('/etc/authorities.crt');
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
