import { mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ChecksumError, InputError, SourceError } from '../../../src/base/errors.js';
import { sha256 } from '../../../src/base/files.js';
import { manifestSchema } from '../../../src/bundle/manifest.js';
import { resolveBuild } from '../../../src/pipeline/resolve.js';
import { addSource, copyRecipes, type RecipeAddition } from '../../../src/pipeline/source.js';
import { resolve } from '../../../src/pipeline/stages/resolve.js';
import { buildRequest, type RequestChange } from '../../support/build.js';
import {
  fakePorts,
  fakeProject,
  fakeWeb,
  memoryCache,
  pins,
  readFiles,
  release,
  temporaryFolder,
} from '../../support/fakes.js';
import { fakeMachine } from '../../support/machine.js';
import { build } from '../../support/pipeline.js';
import { sourceArchive, upstreamSlurm } from '../../support/slurm-source.js';

const commit = 'd'.repeat(40);
const patch = '--- a/NEWS\n+++ b/NEWS\n@@ -1 +1 @@\n-a\n+b\n';
const other = patch.replace('+b', '+c');
const sum = sha256(sourceArchive('24.11.6'));
const tags = { 'slurm-24-11-6-1': commit, 'slurm-24-11-9-1': commit, 'slurm-24-11-9-2': 'e'.repeat(40) };

/** A plan in a workspace that has patches, an archive and a folder. */
async function plan(inputs: Record<string, string>, version = '24.11.6', change: RequestChange = {}) {
  const cwd = await temporaryFolder({
    'fixes/one.patch': patch,
    'fixes/two.patch': other,
    'slurm.tar.gz': sourceArchive(version),
    'page.html': '<html>',
  });
  await mkdir(join(cwd, 'fork'));
  await symlink('one.patch', join(cwd, 'fixes', 'link.patch'));
  const process = fakeMachine({ answer: upstreamSlurm(version, tags) });
  const request = await buildRequest({ cwd, layers: [inputs], ...change });
  const web = fakeWeb(sourceArchive(version));
  const planned = await resolveBuild(request, fakePorts({ process, web }));
  const asked = [...process.lines.filter((line) => /^git /.test(line)), ...web.asked];
  return { build: planned, asked, cwd, request };
}

describe('a known release without anything of its own', () => {
  test('asks nobody, is named as ever and built with our recipes as they are', async () => {
    const { build, asked, request } = await plan({ 'slurm-version': '24.11.5' });
    expect(asked).toEqual([]);
    expect(build.identifier).toBe('slurm-24.11.5-bookworm-amd64');
    expect(build.release).toEqual(release('24.11.5'));
    expect(build.addition).toBeUndefined();
    expect(build.overlayDigest).toBe('digest of spack-repo');
    expect(build.hostLayout.overlay).toBe(request.project.overlay);
  });

  test('of a series is of the data, whatever upstream has', async () => {
    const { build, asked } = await plan({ 'slurm-version': '24.11' });
    expect([build.release.version, asked]).toEqual(['24.11.6', []]);
  });
});

describe('a source of its own', () => {
  test.each<[string, Record<string, string>, object]>([
    [
      'a release that is not in the data',
      { 'slurm-version': '24.11.9' },
      { repository: pins.slurm.git, tag: 'slurm-24-11-9-2', commit: 'e'.repeat(40), patches: [] },
    ],
    ['a commit', { 'slurm-version': commit }, { repository: pins.slurm.git, commit, patches: [] }],
    [
      "a release of a fork's",
      { 'slurm-version': '24.11', source: 'https://git.test/fork.git' },
      { repository: 'https://git.test/fork.git', tag: 'slurm-24-11-6-1', commit, patches: [] },
    ],
    ['a commit of a folder', { 'slurm-version': commit, source: 'fork' }, { commit, patches: [] }],
    [
      'an archive of this machine',
      { 'slurm-version': './slurm.tar.gz', 'slurm-sha256': sum },
      { sha256: sum, patches: [] },
    ],
    [
      'an archive elsewhere',
      { 'slurm-version': 'https://h.test/slurm.tar.gz', 'slurm-sha256': sum },
      { archive: 'https://h.test/slurm.tar.gz', sha256: sum, patches: [] },
    ],
    [
      'a known release with patches',
      { 'slurm-version': '24.11.6', patches: 'fixes/two.patch\n  fixes/one.patch\n' },
      {
        ...{ repository: pins.slurm.git, tag: 'slurm-24-11-6-1', commit: 'c'.repeat(40) },
        sha256: 'a'.repeat(64),
        patches: [
          { name: 'two.patch', sha256: sha256(other) },
          { name: 'one.patch', sha256: sha256(patch) },
        ],
      },
    ],
  ])('%s is in name, recipe and content key', async (_, inputs, source) => {
    const version = inputs['slurm-version'] === '24.11.9' ? '24.11.9' : '24.11.6';
    const { build } = await plan(inputs, version);
    expect(build.release).toMatchObject({ version, source });
    expect(build.identifier).toMatch(
      new RegExp(`^slurm-${version.replaceAll('.', '\\.')}\\.p[0-9a-f]{12}-bookworm-amd64$`),
    );
    expect(build.release.spack).toBe(version === '24.11.9' ? '24-11-9-2' : '24-11-6-1');
    expect(build.addition).toMatchObject({ version: build.release.spack });
    expect(build.overlayDigest).not.toBe('digest of spack-repo');
    expect(build.hostLayout.overlay).toBe(join(build.buildFolder, 'overlay'));
    const plain = await plan({});
    expect(build.contentKey).not.toBe(plain.build.contentKey);
    expect((await plan(inputs, version)).build.contentKey).toBe(build.contentKey);
  });

  test('of a folder of this machine is the same wherever that lies, and is told of nowhere', async () => {
    const inputs = { 'slurm-version': commit, source: 'fork' };
    const [one, two] = [await plan(inputs), await plan(inputs)];
    expect(one.build.contentKey).toBe(two.build.contentKey);
    expect(one.asked.join('\n')).toContain(`-- ${join(one.cwd, 'fork')} ${commit}`);
    expect(JSON.stringify(one.build.release)).not.toContain(one.cwd);
  });

  test('is fetched by the container only where the recipe knows the address', async () => {
    const known = await plan({ 'slurm-version': '24.11.6', patches: 'fixes/one.patch' });
    expect(known.asked).toEqual([]);
    expect(known.build.addition).toMatchObject({
      url: 'https://git.test/slurm/archive/slurm-24-11-6-1.tar.gz',
      sha256: 'a'.repeat(64),
    });
    expect((await plan({ 'slurm-version': commit })).build.addition).toMatchObject({
      file: expect.stringMatching(/\/clones\/d+-d+\.tar\.gz$/),
      sha256: sum,
    });
  });

  test('that is another version than its tag says is an error', async () => {
    const attempt = plan({ 'slurm-version': '24.11.9' }, '24.11.8');
    await expect(attempt).rejects.toThrow(SourceError);
    await expect(attempt).rejects.toThrow(
      'what the tag slurm-24-11-9-2 names is Slurm 24.11.8, not 24.11.9.',
    );
  });

  test('has what is known against its version', async () => {
    const project = fakeProject({
      advisories: [{ ids: ['CVE-2030-1234'], mended: ['24.11.7'], source: '' }],
    });
    const { build } = await plan({ 'slurm-version': commit }, '24.11.6', { project });
    expect(build.vulnerability).toContain('CVE-2030-1234');
  });
});

describe('refused', () => {
  test.each<[string, Record<string, string>, string]>([
    [
      'a release that nobody has',
      { 'slurm-version': '24.11.8' },
      '24.11.5, 24.11.6. https://git.test/slurm.git has no tag of Slurm 24.11.8.',
    ],
    [
      'a release that a fork lacks',
      { 'slurm-version': '24.05', source: 'https://git.test/fork.git' },
      'https://git.test/fork.git has no tag of Slurm 24.05.8.',
    ],
  ])('%s is a wrong input', async (_, inputs, message) => {
    const attempt = plan(inputs);
    await expect(attempt).rejects.toThrow(InputError);
    await expect(attempt).rejects.toThrow(message);
  });

  test('a release that is not listed, where nobody can be asked: with what is', async () => {
    const process = fakeMachine({
      answer: (words) => (words.includes('ls-remote') ? { exitCode: 128, stderr: 'no route' } : undefined),
    });
    const request = await buildRequest({ layers: [{ 'slurm-version': '24.11.16' }] });
    const attempt = resolveBuild(request, fakePorts({ process }));
    await expect(attempt).rejects.toThrow(SourceError);
    await expect(attempt).rejects.toThrow(/Did you mean '24\.11\.6'\?.* can't be had from .*: no route/);
  });

  test('a commit that is older than all that can be built', async () => {
    await expect(plan({ 'slurm-version': commit }, '23.02.1')).rejects.toThrow(
      'slurm-version: Slurm 23.02.1 is older than 24.05',
    );
  });

  test('an archive with another sum, before anything is built', async () => {
    const attempt = plan({ 'slurm-version': './slurm.tar.gz', 'slurm-sha256': 'f'.repeat(64) });
    await expect(attempt).rejects.toThrow(ChecksumError);
  });

  const problems = async (inputs: Record<string, string>) => {
    const error = await plan(inputs).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    return error instanceof InputError
      ? error.problems.map(({ input, message }) => `${input}: ${message}`)
      : error;
  };

  test('all wrong ones at once, before anybody is asked', async () => {
    const inputs = {
      ...{ 'slurm-version': 'no.tar.gz', 'slurm-sha256': 'abc', source: 'no-fork', jobs: 'x' },
      ...{
        patches: 'fixes/one.patch no.patch fixes page.html fixes/link.patch',
        'source-mirror': 'no-mirror',
      },
    };
    expect(await problems(inputs)).toEqual([
      expect.stringContaining("slurm-sha256: 'abc' is not a sha256"),
      expect.stringContaining('jobs: '),
      'source: an archive comes from no repository. Leave one of them out.',
      "slurm-version: 'no.tar.gz' is missing.",
      "source: the directory 'no-fork' does not exist.",
      "patches: 'no.patch' is missing.",
      "patches: 'fixes' is a folder.",
      "patches: 'page.html' is no patch: it changes no file.",
      "patches: 'fixes/link.patch' is a symbolic link.",
      "source-mirror: the directory 'no-mirror' does not exist.",
    ]);
  });

  test.each<[string, Record<string, string>, string]>([
    ['an archive alone', { 'slurm-version': 'slurm.tar.gz' }, 'slurm-sha256: slurm.tar.gz needs its sha256.'],
    [
      'a sum without an archive',
      { 'slurm-version': '24.11', 'slurm-sha256': sum },
      'slurm-sha256: slurm-version is no archive. Leave it out.',
    ],
    [
      'a login',
      { source: 'https://me:word@git.test/x.git' },
      "source: 'https://git.test/x.git' is neither an address",
    ],
    [
      'a name for a shell',
      { patches: 'fixes/$(id).patch' },
      "patches: 'fixes/$(id).patch' has a name with other characters",
    ],
    [
      'too many patches',
      { patches: Array(101).fill('fixes/one.patch').join(' ') },
      'patches: more than 100.',
    ],
  ])('%s', async (_, inputs, message) => {
    const told = await problems(inputs);
    expect(told).toEqual([expect.stringContaining(message)]);
    expect(JSON.stringify(told)).not.toContain('word');
  });
});

test('what it is built from, and that its series is supported no more, is told', async () => {
  const cwd = await temporaryFolder({ 'one.patch': patch });
  const support = [
    { series: '24.11', until: '2020-05', source: '' },
    { series: '26.05', until: '2999-05', source: '' },
  ];
  const request = await buildRequest({
    cwd,
    layers: [{ 'slurm-version': commit, patches: 'one.patch' }],
    project: fakeProject({ support }),
  });
  const ports = fakePorts({ process: fakeMachine({ answer: upstreamSlurm('24.11.6') }) });
  await resolve(request, ports);
  expect(ports.logger.of('info')).toContain(
    `Source of Slurm: ${pins.slurm.git}, commit ${commit}; patch one.patch`,
  );
  expect(ports.logger.of('notice')).toContain(
    "SchedMD's support of Slurm 24.11 ended in 2020-05; the newest supported series is 26.05.",
  );
});

describe("a build's own copy of our recipes", () => {
  const recipe = 'spack_repo/slurm_factory/packages/slurm';
  const ours = {
    [`${recipe}/package.py`]: 'class Slurm',
    [`${recipe}/__pycache__/x.pyc`]: 'x',
    'spack_repo/repo.yaml': 'repo',
  };
  const bytes = Buffer.from(patch);
  const patches = ['one.patch', 'one.patch'].map((name) => ({ name, sha256: sha256(bytes), bytes }));
  const made = async (addition: RecipeAddition) => {
    const [from, to] = [await temporaryFolder(ours), join(await temporaryFolder(), 'overlay')];
    await copyRecipes(from, to);
    await addSource(to, addition);
    return readFiles(to);
  };

  test('has the archive of this machine and the patches in their order', async () => {
    const folder = await temporaryFolder({ 'slurm-0.tar.bz2': 'archive' });
    const files = await made({
      version: '24-11-6-1',
      sha256: sum,
      file: join(folder, 'slurm-0.tar.bz2'),
      patches,
    });
    expect(JSON.parse(files[`${recipe}/source.json`] ?? '')).toEqual({
      version: '24-11-6-1',
      sha256: sum,
      archive: 'source.tar.bz2',
      patches: ['patches/001-one.patch', 'patches/002-one.patch'],
    });
    expect(Object.keys(files).sort()).toEqual(
      [
        ...['package.py', 'source.json', 'source.tar.bz2'].map((name) => `${recipe}/${name}`),
        ...['001', '002'].map((number) => `${recipe}/patches/${number}-one.patch`),
        'spack_repo/repo.yaml',
      ].sort(),
    );
    expect(files[`${recipe}/patches/002-one.patch`]).toBe(patch);
  });

  test('has the address of what is fetched', async () => {
    const files = await made({
      version: '24-11-6-1',
      sha256: sum,
      url: 'https://h.test/x.tar.gz',
      patches: [],
    });
    expect(JSON.parse(files[`${recipe}/source.json`] ?? '')).toEqual({
      ...{ version: '24-11-6-1', sha256: sum, url: 'https://h.test/x.tar.gz', patches: [] },
    });
  });
});

test('a whole build of a commit: its files are named and described by it, and the next one is from the cache', async () => {
  const overlay = await temporaryFolder({ 'spack_repo/slurm_factory/packages/slurm/package.py': 'recipe' });
  const cwd = await temporaryFolder({ 'one.patch': patch });
  const cache = memoryCache();
  let copied: Record<string, string> = {};
  const run = () =>
    build({
      cache,
      request: {
        cwd,
        layers: [{ 'slurm-version': commit, patches: 'one.patch' }],
        project: fakeProject({ overlay }),
      },
      script: {
        answer: async (words, folders) => {
          if (words.includes('install') && folders['overlay'] !== undefined)
            copied = await readFiles(folders['overlay']);
          return upstreamSlurm('24.11.6')(words);
        },
      },
    });
  const { report, error } = await run();
  expect(error).toBeUndefined();
  expect(report?.identifier).toMatch(/^slurm-24\.11\.6\.p[0-9a-f]{12}-bookworm-amd64$/);
  expect(report?.slurmVersion).toBe('24.11.6');
  expect(
    Object.keys(copied)
      .filter((name) => name.includes('/slurm/'))
      .sort(),
  ).toEqual(
    ['package.py', 'patches/001-one.patch', 'source.json', 'source.tar.gz'].map(
      (name) => `spack_repo/slurm_factory/packages/slurm/${name}`,
    ),
  );
  const manifest = manifestSchema.parse(JSON.parse(await readFile(report?.files.manifest ?? '', 'utf8')));
  expect(manifest.source).toEqual({
    ...{ repository: pins.slurm.git, commit },
    patches: [{ name: 'one.patch', sha256: sha256(patch) }],
  });
  expect(await readFile(report?.files.sbom ?? '', 'utf8')).toContain(`git+${pins.slurm.git}@${commit}`);
  const again = await run();
  expect(again.report).toMatchObject({ cacheHit: 'result', identifier: report?.identifier });
});
