import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { InputError } from '../../../src/base/errors.js';
import type { RawInputs } from '../../../src/config/inputs.js';
import { type PlanPorts, type PlanRequest, planTargets } from '../../../src/pipeline/planning.js';
import type { Project } from '../../../src/pipeline/project.js';
import { resolveBuild } from '../../../src/pipeline/resolve.js';
import { publishedLock } from '../../../src/spack/lock-file.js';
import { asInputs, buildRequest } from '../../support/build.js';
import {
  brokenCache,
  fakePorts,
  fakeProject,
  fakeWeb,
  host,
  memoryCache,
  projectToolchain,
  recordingLogger,
  temporaryFolder,
} from '../../support/fakes.js';
import { fakeMachine, lockText } from '../../support/machine.js';
import { upstreamSlurm } from '../../support/slurm-source.js';

const support = [
  { series: '24.05', until: '2025-11', source: '' },
  { series: '24.11', until: '2026-05', source: '' },
];
const glibcs: Readonly<Record<string, string>> = { bookworm: '2.34', noble: '2.39', rockylinux9: '2.34' };
const project: Project = fakeProject({
  support,
  toolchains: Object.keys(glibcs),
  loadToolchain: async (id, arch) => {
    const own = projectToolchain();
    const lacking = id === 'rockylinux9' ? ['rsmi'] : [];
    const compiler = { ...own.compiler, oldestGlibc: glibcs[id] ?? '' };
    return { toolchain: { ...own, id, arch, compiler, lacking }, dockerfile: 'FROM scratch\n' };
  },
});

async function request(values: RawInputs, change: Partial<PlanRequest> = {}): Promise<PlanRequest> {
  const root = await temporaryFolder();
  return {
    layers: [asInputs(values)],
    ...{ project, cwd: root, workRoot: join(root, 'work'), transfer: join(root, 'transfer') },
    ...{ trigger: { event: 'push', ref: 'refs/heads/main', fromFork: false }, today: '2026-01-15' },
    ...change,
  };
}
const ports = () => fakePorts({ process: fakeMachine() });
const make = async (
  values: RawInputs,
  change: Partial<PlanRequest> = {},
  given: ReturnType<typeof ports> = ports(),
) => (await planTargets(await request(values, change), given)).plan;
const identifiers = async (values: RawInputs, change: Partial<PlanRequest> = {}) =>
  (await make(values, change)).legs.map(({ identifier }) => identifier);
const problemsOf = async (values: RawInputs) => {
  const error = await make(values).catch((thrown: unknown) => thrown);
  if (!(error instanceof InputError)) throw error;
  return error.problems.map(({ input, message }) => `${input}: ${message}`);
};

describe('which legs there are', () => {
  test('without any word: the newest of each supported series, bundled, for CPUs, on amd64', async () => {
    expect(await identifiers({})).toEqual(['slurm-24.11.6-glibc2.34-amd64']);
    // Both were supported then.
    expect(await identifiers({}, { today: '2025-10-01' })).toEqual([
      'slurm-24.11.6-glibc2.34-amd64',
      'slurm-24.05.8-glibc2.34-amd64',
    ]);
  });

  test.each<[string, RawInputs, string[]]>([
    ['a series', { releases: '24.05' }, ['slurm-24.05.8-glibc2.34-amd64']],
    ['latest and the same by its name', { releases: 'latest 24.11.6' }, ['slurm-24.11.6-glibc2.34-amd64']],
    [
      'a pattern',
      { releases: '24.11.*' },
      ['slurm-24.11.6-glibc2.34-amd64', 'slurm-24.11.5-glibc2.34-amd64'],
    ],
    ["the build's own release", { 'slurm-version': '24.11.5' }, ['slurm-24.11.5-glibc2.34-amd64']],
    ['kinds of GPU', { gpus: 'none cuda', only: '*-cuda' }, ['slurm-24.11.6-glibc2.34-amd64-cuda']],
    [
      'architectures',
      { archs: 'amd64 arm64', toolchains: 'noble', 'dependency-kinds': 'system' },
      ['slurm-24.11.6-noble-amd64', 'slurm-24.11.6-noble-arm64'],
    ],
    [
      'features',
      { 'feature-choices': 'default; full -sview' },
      ['slurm-24.11.6-glibc2.34-amd64', 'slurm-24.11.6-glibc2.34-amd64-full-without-sview'],
    ],
    [
      'an included leg',
      { include: 'release=24.05,gpu=cuda' },
      ['slurm-24.11.6-glibc2.34-amd64', 'slurm-24.05.8-glibc2.34-amd64-cuda'],
    ],
  ])('%s', async (_, values, expected) => {
    const found = await identifiers(values);
    expect(found.sort()).toEqual([...expected].sort());
  });

  test('where only the one value of a build is given, a plan goes by it, wherever it stands', async () => {
    const layers = [
      {
        origin: 'config-file',
        values: { toolchain: 'noble', gpu: 'cuda', 'slurm-version': '24.05' },
      } as const,
      asInputs({ 'dependency-kinds': 'system' }),
    ];
    const { legs } = await make({}, { layers });
    expect(legs.map(({ identifier }) => identifier)).toEqual(['slurm-24.05.8-noble-amd64-cuda']);
  });

  test('what a distribution can not have is left out, and told with a count', async () => {
    const { legs, notices } = await make({ toolchains: 'rockylinux9', gpus: 'none rocm', releases: '24.11' });
    expect(legs).toHaveLength(1);
    expect(notices).toEqual(['rocm is not to be had for rockylinux9 on amd64. One leg is left out.']);
  });
});

describe('a leg', () => {
  test.each<[string, RawInputs, RawInputs]>([
    ['system', { 'dependency-kinds': 'system' }, { dependencies: 'system' }],
    ['bundled with a GPU', { gpus: 'cuda' }, { dependencies: 'bundled', gpu: 'cuda' }],
    ['self-contained', { 'dependency-kinds': 'self-contained' }, { dependencies: 'self-contained' }],
    ['features', { 'feature-choices': 'minimal' }, { dependencies: 'bundled', features: 'minimal' }],
    [
      'another image and commit',
      { 'container-image': 'debian:x', 'spack-ref': 'a'.repeat(40) },
      {
        ...{ dependencies: 'bundled', 'container-image': 'debian:x', 'spack-ref': 'a'.repeat(40) },
      },
    ],
    [
      'debug files, without a container',
      { debug: 'true', engine: 'none' },
      {
        ...{ dependencies: 'bundled', debug: 'true', engine: 'none' },
      },
    ],
  ])('has the content key that its build will have: %s', async (_, planned, built) => {
    const { legs } = await make(planned);
    const options = { layers: [{ ...built, 'slurm-version': '24.11.6' }], project } as const;
    const os = { id: 'debian', version: '12' };
    const build = await resolveBuild(await buildRequest({ ...options, host: host({ os }) }), ports());
    expect(legs).toHaveLength(1);
    expect(legs[0]).toMatchObject({ identifier: build.identifier, contentKey: build.contentKey });
  });

  test.each<[string, RawInputs]>([
    ['spec and packages', { spec: 'cflags=-O3 ^lz4@1.9', packages: 'lua lz4' }],
    ['packages and their layout', { packages: 'lua', 'module-layout': 'hierarchical' }],
    ['an environment and a repository', { 'spack-yaml': 'own.yaml', repos: 'site' }],
    ['tests of packages', { 'spack-test': 'all' }],
  ])("has it with what is said in Spack's own words, and hands that on: %s", async (_, values) => {
    const cwd = await temporaryFolder({
      'own.yaml': 'packages:\n  lz4:\n    require: "@1.9"\n',
      'site/repo.yaml': 'repo:\n  namespace: site\n',
      'site/packages/tool/package.py': 'class Tool: pass\n',
    });
    const layers = [asInputs({ ...values, 'dependency-kinds': 'bundled system' })];
    const { legs, notices } = await make({}, { cwd, layers });
    const plain = await make({ 'dependency-kinds': 'bundled system' });
    expect(legs).toHaveLength(2);
    for (const leg of legs) {
      const built = await resolveBuild(await buildRequest({ cwd, layers: [leg.inputs], project }), ports());
      expect(leg).toMatchObject({ identifier: built.identifier, contentKey: built.contentKey });
      expect(leg.inputs).toMatchObject(values);
      expect(plain.legs.map(({ contentKey }) => contentKey)).not.toContain(leg.contentKey);
    }
    const other = "Minutes and packages are those of builds without anything in Spack's own words.";
    expect(notices.includes(other)).toBe(values['spack-test'] === undefined);
  });

  test('takes a lock only where there is one compile', async () => {
    const origin = { spack: 'a', packages: 'b', recipes: 'c', specs: ['slurm'] };
    const cwd = await temporaryFolder({ 'spack.lock': publishedLock(lockText, origin) });
    const planned = (values: RawInputs) =>
      make({}, { cwd, layers: [asInputs({ 'spack-lock': 'spack.lock', ...values })] });
    await expect(planned({ gpus: 'none cuda' })).rejects.toThrow('this is a plan of 2');
    await expect(planned({ 'dependency-kinds': 'bundled self-contained' })).rejects.toThrow('plan of 2');
    // They have a lock in common; what was made of it is no result of a build without.
    const { legs } = await planned({ 'dependency-kinds': 'bundled system' });
    const plain = await make({ 'dependency-kinds': 'bundled system' });
    expect(legs).toHaveLength(2);
    for (const leg of legs) {
      const built = await resolveBuild(await buildRequest({ cwd, layers: [leg.inputs], project }), ports());
      expect(leg).toMatchObject({ identifier: built.identifier, contentKey: built.contentKey });
      expect(plain.legs.map(({ contentKey }) => contentKey)).not.toContain(built.contentKey);
      expect(built.identifier).toMatch(/^slurm-24\.11\.6\.e[0-9a-f]{12}-/);
    }
  });

  test('has it for another architecture too, as a build there', async () => {
    const { legs } = await make({ archs: 'arm64' });
    const there = { layers: [{ dependencies: 'bundled' }], project, host: host({ arch: 'arm64' }) } as const;
    const build = await resolveBuild(await buildRequest(there), ports());
    expect(legs[0]).toMatchObject({ identifier: build.identifier, contentKey: build.contentKey });
  });

  test('has exact inputs, and what the file of settings says for all builds; no secret, nothing of the machine', async () => {
    const values = {
      jobs: '3',
      'output-dir': 'out',
      'smoke-test': 'false',
      toolchain: 'noble',
      externals: 'munge',
    };
    const secret = 's'.repeat(40);
    const own = asInputs({
      gpus: 'cuda',
      'cache-secret': secret,
      'dependency-kinds': 'self-contained system',
    });
    const plan = await make({}, { layers: [{ origin: 'config-file', values }, own] });
    const inputs = plan.legs.map((leg) => leg.inputs);
    const common = { toolchain: 'noble', gpu: 'cuda', features: 'default', jobs: '3', 'smoke-test': 'false' };
    expect(inputs).toContainEqual({ 'slurm-version': '24.11.6', dependencies: 'system', ...common });
    expect(inputs).toContainEqual({
      ...{ 'slurm-version': '24.11.6', dependencies: 'self-contained', externals: 'munge', ...common },
    });
    expect(JSON.stringify(plan)).not.toContain(secret);
  });

  test('runs where the last rule that fits it says', async () => {
    const { legs } = await make({
      ...{ archs: 'amd64 arm64', gpus: 'none cuda' },
      'runs-on': 'cuda=self-hosted+gpu *-arm64-*-cuda=arm-gpu',
    });
    const labels = Object.fromEntries(legs.map(({ identifier, runsOn }) => [identifier, runsOn]));
    expect(labels).toEqual({
      'slurm-24.11.6-glibc2.34-amd64': ['ubuntu-24.04'],
      'slurm-24.11.6-glibc2.34-arm64': ['ubuntu-24.04-arm'],
      'slurm-24.11.6-glibc2.34-amd64-cuda': ['self-hosted', 'gpu'],
      'slurm-24.11.6-glibc2.34-arm64-cuda': ['arm-gpu'],
    });
  });
});

test('legs are in stages, with what sharing saves', async () => {
  const plan = await make({ 'dependency-kinds': 'bundled system', gpus: 'none cuda' });
  expect(plan).toMatchObject({
    ...{ schema: 1, count: 4, empty: false },
    packageBuilds: { alone: { compiles: 4 }, shared: { compiles: 2 } },
  });
  const apart = await make({ 'dependency-kinds': 'bundled system', sharing: 'none' });
  expect(apart).toMatchObject({ stages: 1, packageBuilds: { shared: { compiles: 2 } } });
});

describe('all that is wrong is told at once', () => {
  test('values and names', async () => {
    expect(
      await problemsOf({
        ...{ releases: 'lates 24.12 23.02.*', toolchains: 'nobel', gpus: 'nvidia', archs: 'x86' },
        ...{ 'dependency-kinds': 'static' },
      }),
    ).toEqual([
      expect.stringMatching(/^releases: 'lates' is not a known word for releases\. Did you mean 'latest'\?/),
      expect.stringMatching(/^releases: '24\.12' is not a known Slurm release\./),
      "releases: '23.02.*' matches none of the 3 releases.",
      expect.stringMatching(/^toolchains: 'nobel' .*Did you mean 'noble'\?/),
      expect.stringMatching(/^dependency-kinds: 'static' .*Choose one of: system, bundled, self-contained\./),
      expect.stringMatching(/^gpus: 'nvidia' /),
      expect.stringMatching(/^archs: 'x86' /),
    ]);
    const others = await problemsOf({
      sharing: 'al',
      'feature-choices': 'fulll',
      'runs-on': 'a=b;c',
      debug: 'yes',
    });
    expect(others).toHaveLength(4);
    for (const line of [
      /^debug: must/,
      /^feature-choices: 'fulll'/,
      /^runs-on: 'a=b;c'/,
      /^sharing: .*'all'\?/,
    ]) {
      expect(others).toContainEqual(expect.stringMatching(line));
    }
  });

  test("files in Spack's own words", async () => {
    expect(await problemsOf({ 'spack-yaml': 'none.yaml', repos: 'none' })).toEqual([
      "spack-yaml: 'none.yaml' is missing.",
      "repos: 'none' has no repo.yaml, nor one below its spack_repo.",
    ]);
  });

  test('selectors, legs that are there twice, labels and files', async () => {
    expect(
      await problemsOf({
        ...{ toolchains: 'bookworm rockylinux9', exclude: '*-jammy-*', only: 'gpu=none *-cuda' },
        ...{ 'runs-on': '*-arm65-*=x', debug: 'yes' },
      }),
    ).toEqual([
      expect.stringMatching(/^debug: /),
      "exclude: '*-jammy-*' matches none of the 2 legs.",
      expect.stringMatching(/^only: '\*-cuda' matches none of the 2 legs\./),
      expect.stringMatching(
        /^toolchains: slurm-24\.11\.6-glibc2\.34-amd64 would be built twice, by bookworm and rockylinux9\./,
      ),
      expect.stringMatching(/^runs-on: '\*-arm65-\*' matches none of the 2 legs\./),
    ]);
  });

  test('features that a release can not have, once', async () => {
    // Told of each release, not of each of the eight legs.
    const lists = { releases: '24.11 24.05', archs: 'amd64 arm64', gpus: 'none cuda' };
    expect(await problemsOf({ 'feature-choices': '+s2n', ...lists })).toEqual([
      'features: s2n came with Slurm 25.05; this is 24.11.6.',
      'features: s2n came with Slurm 25.05; this is 24.05.8.',
    ]);
  });
});

describe('upstream', () => {
  const commits = (...tags: string[]) => Object.fromEntries(tags.map((tag) => [tag, 'c'.repeat(40)]));
  const planned = async (values: RawInputs, version: string, tags: Readonly<Record<string, string>>) => {
    const process = fakeMachine({ answer: upstreamSlurm(version, tags) });
    const plan = await make({ releases: 'upstream', ...values }, {}, fakePorts({ process }) as never);
    return {
      process,
      found: plan.legs.map(({ identifier, inputs }) => [inputs['slurm-version'], identifier]),
    };
  };

  test('is the newest of each supported series, by tags that data/ lacks, too', async () => {
    // 24.05 is supported no more, and of a series that nobody knows of nothing speaks against it.
    const tags = commits('slurm-24-11-7-1', 'slurm-24-05-9-1', 'slurm-24-11-2-1', 'slurm-25-05-0-0rc1');
    const { found, process } = await planned({}, '24.11.7', tags);
    expect(found).toEqual([
      ['24.11.7', expect.stringMatching(/^slurm-24\.11\.7\.p[0-9a-f]{12}-glibc2\.34-amd64$/)],
    ]);
    expect(process.lines.filter((line) => line.includes('ls-remote'))).toEqual([
      expect.stringMatching(/ls-remote -- https:\S+ refs\/tags\/slurm-\*$/),
      expect.stringMatching(/ls-remote -- https:\S+ refs\/tags\/slurm-24-11-7-\*$/),
    ]);
  });

  test('is what data/ has where no tag is newer, and a release that is named beside it is there once', async () => {
    const { found } = await planned({ releases: 'upstream 24.11.6' }, '', commits('slurm-24-11-5-1'));
    expect(found).toEqual([['24.11.6', 'slurm-24.11.6-glibc2.34-amd64']]);
  });

  test('asks the repository of a fork for its own', async () => {
    const source = 'https://example.test/slurm.git';
    const tags = commits('slurm-24-11-5-2', 'slurm-24-05-9-1', 'slurm-21-08-8-1');
    const { found, process } = await planned({ source }, '24.11.5', tags);
    expect(found).toEqual([['24.11.5', expect.stringMatching(/^slurm-24\.11\.5\.p/)]]);
    expect(process.lines[0]).toContain(`ls-remote -- ${source} `);
  });

  test('that has nothing is an error, and so is one that does not answer', async () => {
    const source = 'https://example.test/slurm.git';
    await expect(planned({ source }, '', {})).rejects.toThrow(
      "releases: 'upstream': there is no tag of a supported release.",
    );
    const process = fakeMachine({
      answer: (words) => (words.includes('ls-remote') ? { exitCode: 128, stderr: 'no route' } : undefined),
    });
    await expect(make({ releases: 'upstream' }, {}, fakePorts({ process }) as never)).rejects.toThrow(
      /can't be had from .*: no route/,
    );
  });

  test('is not asked where something else is wrong already', async () => {
    const process = fakeMachine();
    const wrong = make({ releases: 'upstream', sharing: 'some' }, {}, fakePorts({ process }) as never);
    await expect(wrong).rejects.toThrow(InputError);
    expect(process.lines).toEqual([]);
  });
});

describe('legs whose result is there', () => {
  const released = async (place: string, web = fakeWeb()) =>
    make({ 'skip-released': place, gpus: 'none cuda' }, {}, fakePorts({ process: fakeMachine(), web }));

  test('are left out by the index of an earlier release, where the content key is the same', async () => {
    const all = await make({ gpus: 'none cuda' });
    const targets = all.legs.map(({ identifier, contentKey }) => ({ identifier, contentKey, files: [] }));
    const [first] = targets;
    const web = (list: unknown) => fakeWeb(new TextEncoder().encode(JSON.stringify({ targets: list })));
    const address = 'https://example.test/index.json';
    expect(await released(address, web(targets))).toMatchObject({
      ...{ count: 0, empty: true, stages: 0 },
      skipped: { deselected: 0, cached: 0, released: 2 },
    });
    expect(await released(address, web([first]))).toMatchObject({ count: 1, skipped: { released: 1 } });
    const other = { ...first, contentKey: '0'.repeat(64) };
    expect(await released(address, web([other]))).toMatchObject({ count: 2, skipped: { released: 0 } });
  });

  test('are told with their keys, for publish to take them over', async () => {
    const { legs } = await make({ gpus: 'none cuda' });
    const [{ identifier, contentKey }] = legs as [(typeof legs)[0]];
    const web = fakeWeb(new TextEncoder().encode(JSON.stringify({ targets: [{ identifier, contentKey }] })));
    const plan = await released('https://example.test/index.json', web);
    expect(plan.released).toEqual([{ identifier, contentKey }]);
    expect(plan.legs.map((leg) => leg.identifier)).not.toContain(identifier);
    expect((await make({})).released).toEqual([]);
  });

  test('are left out by the newest release of the repository, where there is one', async () => {
    const [leg] = (await make({})).legs;
    const by = async (latestRelease?: PlanPorts['latestRelease']) => {
      const given = { ...ports(), ...(latestRelease === undefined ? {} : { latestRelease }) };
      return (await planTargets(await request({ 'skip-released': 'latest' }), given)).plan;
    };
    expect(await by(async () => ({ targets: [leg as never] }))).toMatchObject({ count: 0, empty: true });
    expect(await by(async () => undefined)).toMatchObject({ count: 1, skipped: { released: 0 } });
    await expect(by()).rejects.toThrow("skip-released: latest: only a workflow's repository has one.");
  });

  test('by a file, too; one that is none is an error', async () => {
    const root = await temporaryFolder({ 'index.json': '{"targets": []}', 'other.json': '{"legs": []}' });
    await mkdir(join(root, 'folder'));
    const use = async (name: string) =>
      planTargets({ ...(await request({ 'skip-released': name })), cwd: root }, ports());
    expect((await use('index.json')).plan.count).toBe(1);
    await writeFile(join(root, 'broken.json'), '{');
    for (const name of ['other.json', 'broken.json', 'folder', 'missing.json']) {
      await expect(use(name)).rejects.toThrow(
        new RegExp(`^skip-released: ${name}: it (?:is no|can't be read)`),
      );
    }
    await expect(released('https://example.test/x', fakeWeb(new Error('503')))).rejects.toThrow(
      "skip-released: https://example.test/x: it can't be read (503).",
    );
  });

  test('are left out where the cache has it, in whichever scope counts, by look-up only', async () => {
    const { legs } = await make({ 'dependency-kinds': 'bundled system' });
    const cache = memoryCache();
    const asked: string[] = [];
    const looking = {
      ...cache,
      find: async (...words: Parameters<typeof cache.find>) => {
        asked.push(words[0]);
        return cache.find(...words);
      },
      restore: async () => {
        throw new Error('nothing is to be brought');
      },
    };
    const given = fakePorts({ process: fakeMachine(), cache: looking });
    const skip = (values: RawInputs = {}) =>
      make({ 'dependency-kinds': 'bundled system', 'skip-cached': 'true', ...values }, {}, given as never);
    expect(await skip()).toMatchObject({ count: 2 });
    expect(asked).toHaveLength(2);
    for (const { identifier, contentKey } of legs) {
      const end = identifier.includes('glibc') ? `-${'a'.repeat(16)}` : '';
      cache.entries.set(`slurm-factory-v4-open-result-${identifier}-${contentKey}${end}`, new Map());
    }
    expect(await skip()).toMatchObject({ count: 0, empty: true, skipped: { cached: 2 } });
    // Entries without its seal are not believed by who has a secret, and cache: false asks for none.
    expect(await skip({ 'cache-secret': 's'.repeat(40) })).toMatchObject({ count: 2 });
    expect(await skip({ cache: 'false' })).toMatchObject({ count: 2 });
  });

  test('a cache that is down is a warning, and all is built', async () => {
    const logger = recordingLogger();
    const given = fakePorts({ process: fakeMachine(), cache: brokenCache, logger });
    expect(await make({ 'skip-cached': 'true' }, {}, given as never)).toMatchObject({ count: 1 });
    expect(logger.of('warning')[0]).toMatch(/failed to look for .*503/);
  });

  test('are there where everything is asked for', async () => {
    const cache = memoryCache();
    const given = fakePorts({ process: fakeMachine(), cache });
    const [leg] = (await make({})).legs;
    cache.entries.set(`slurm-factory-v4-open-result-${leg?.identifier}-${leg?.contentKey}-x`, new Map());
    expect(await make({ 'skip-cached': 'true' }, {}, given as never)).toMatchObject({ count: 0 });
    expect(await make({ 'skip-cached': 'true' }, { everything: true }, given as never)).toMatchObject({
      count: 1,
    });
  });
});
