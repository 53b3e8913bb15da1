import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { ChecksumError, ConfigurationError, ContainerError } from '../../../src/base/errors.js';
import { sha256 } from '../../../src/base/files.js';
import { emptyIndex, loadImage, type MirrorIndex, openMirror, pinsIn } from '../../../src/pipeline/mirror.js';
import { machine } from '../../support/cli-machine.js';
import {
  fakeProcess,
  pins as projectPins,
  readFiles,
  recordingLogger,
  temporaryFolder,
  writeFiles,
} from '../../support/fakes.js';

const [spackCommit, packagesCommit] = [projectPins.spack.commit, projectPins.packages.commit];
const archive = '_source-cache/archive/aa/aaaa.tar.gz';
const tag = 'slurm-factory/builder:bookworm-0123';

/** A command line on a machine whose Spack fetches one archive, and whose engine saves images. */
async function connected() {
  const made = await machine({
    answer: async (words, folders) => {
      if (words[0] === 'docker' && words[1] === 'save') {
        await writeFile(words[3] ?? '', `layers of ${words[4]}`);
        return {};
      }
      if (words.includes('fetch') && words.some((word) => word.endsWith('/bin/spack'))) {
        await writeFiles(folders['fetched'] ?? '', {
          [archive]: 'the source',
          'security/x.deb': 'an update',
        });
        return {};
      }
      return undefined;
    },
  });
  const mirror = join(made.cwd, 'mirror');
  const index = async (): Promise<MirrorIndex> =>
    JSON.parse(await readFile(join(mirror, 'mirror.json'), 'utf8'));
  return { ...made, mirror, index };
}

describe('mirror create', () => {
  test('gathers sources, Spack, its packages and both images, each with its sum', async () => {
    const { run, mirror, index, process } = await connected();
    const done = await run(['mirror', 'create', 'mirror', '24.11.6']);
    expect(done.exitCode).toBe(0);
    expect(done.out).toMatch(/^slurm-24\.11\.6-glibc2\.34-amd64 {2}3 files came, /);
    const { targets, sources, git, images } = await index();
    expect(targets).toMatchObject([{ identifier: 'slurm-24.11.6-glibc2.34-amd64' }]);
    expect(sources).toEqual([{ path: archive, size: 10, sha256: sha256('the source') }]);
    expect(git).toEqual({ spack: [spackCommit], packages: [packagesCommit] });
    expect(images.map((image) => image.tag.replace(/-[0-9a-f]{16}$/, ''))).toEqual([
      'slurm-factory/builder:bookworm',
      'slurm-factory/smoke:bookworm',
    ]);
    for (const image of images) {
      const packed = await readFile(join(mirror, image.path));
      expect(gunzipSync(packed).toString()).toBe(`layers of ${image.tag}`);
      expect(sha256(packed)).toBe(image.sha256);
    }
    const fetched = process.lines.filter((line) => line.includes(`${spackCommit}:refs/pins/${spackCommit}`));
    expect(fetched).toEqual([
      expect.stringMatching(/--git-dir \S+mirror\/git\/spack\.git fetch --quiet --depth 1/),
    ]);
    expect(Object.keys(await readFiles(mirror)).filter((path) => /partial|security|lock/.test(path))).toEqual(
      [],
    );
  });

  test('a second target adds only what lacks, and a second run nothing', async () => {
    const { run, index, process } = await connected();
    await run(['mirror', 'create', 'mirror', '24.11.6']);
    const before = process.lines.length;
    const more = await run(['mirror', 'create', 'mirror', '24.11.6', '24.11.5', '--json']);
    expect(JSON.parse(more.out).targets).toEqual([
      { identifier: 'slurm-24.11.6-glibc2.34-amd64', files: 0, bytes: 0 },
      { identifier: 'slurm-24.11.5-glibc2.34-amd64', files: 0, bytes: 0 },
    ]);
    expect((await index()).targets).toHaveLength(2);
    const later = process.lines.slice(before);
    expect(later.filter((line) => /docker save|git\/spack\.git fetch/.test(line))).toEqual([]);
  });

  test('a source that needs a network is refused, and says what to do', async () => {
    const { run } = await connected();
    const both = await run(['mirror', 'create', 'mirror', '24.11.6', '--slurm-version', '24.11.5']);
    expect(both).toMatchObject({ exitCode: 2, err: expect.stringContaining('stand behind the directory') });
    expect(await run(['mirror', 'make', 'x'])).toMatchObject({ exitCode: 2 });
  });
});

test('a build takes clones from the mirror, and images that the engine lacks', async () => {
  const { run, mirror, index } = await connected();
  await run(['mirror', 'create', 'mirror', '24.11.6']);
  const builder = (await index()).images[0];
  const bare = await machine({
    answer: (words) => {
      if (words[0] !== 'docker') return undefined;
      // The engine has the image once it was loaded.
      const has = bare.process.lines.some((line) => line.startsWith('docker load'));
      return words[1] === 'image' && words.includes(builder?.tag ?? '') && !has ? { exitCode: 1 } : undefined;
    },
  });
  const built = await bare.run(['build', '24.11.6', '--source-mirror', mirror]);
  expect(built.exitCode).toBe(0);
  expect(bare.process.lines).toContain(`docker load --input ${join(mirror, builder?.path ?? '')}`);
  expect(
    bare.process.lines.filter((line) => /^docker (build|pull)/.test(line) && line.includes('builder')),
  ).toEqual([]);
  const fetches = bare.process.lines.filter((line) => / fetch --quiet --depth/.test(line));
  expect(fetches).toHaveLength(2);
  for (const line of fetches)
    expect(line).toMatch(/--upload-pack=\S+ .* file:\/\/\S+mirror\/git\/(spack|packages)\.git/);
});

describe('an index', () => {
  test('that is not there makes the folder a mirror of Spack alone', async () => {
    expect(await openMirror(await temporaryFolder())).toBeUndefined();
  });

  test.each([
    ['no JSON', 'x'],
    ['another version', JSON.stringify({ ...emptyIndex, schema: 2 })],
    [
      'a path out of the folder',
      JSON.stringify({
        ...emptyIndex,
        images: [{ tag, path: 'images/../../x', size: 1, sha256: 'a'.repeat(64) }],
      }),
    ],
  ])('that is %s is refused', async (_, text) => {
    const folder = await temporaryFolder({ 'mirror.json': text });
    await expect(openMirror(folder)).rejects.toThrow(ConfigurationError);
  });

  test('gives the pins that it has', () => {
    const pins = {
      spack: { name: 'spack', url: 'https://a', commit: spackCommit },
      packages: { name: 'packages', url: 'https://b', commit: packagesCommit },
    } as const;
    const index = { ...emptyIndex, git: { spack: [spackCommit], packages: [] } };
    expect(pinsIn({ folder: '/m', index }, pins)).toEqual({
      ...pins,
      spack: { ...pins.spack, mirror: '/m/git/spack.git' },
    });
    expect(pinsIn(undefined, pins)).toEqual(pins);
  });
});

describe('an image of a mirror', () => {
  const mirrorWith = async (bytes: string) => {
    const folder = await temporaryFolder({ 'images/a.tar.gz': bytes });
    const image = { tag, path: 'images/a.tar.gz', size: 5, sha256: sha256('image') };
    return { folder, index: { ...emptyIndex, images: [image] } };
  };
  const load = async (bytes: string, answer: { inspect: number; load?: number }) => {
    const process = fakeProcess((words) => ({
      exitCode: words[1] === 'image' ? answer.inspect : (answer.load ?? 0),
      stderr: 'no space',
    }));
    const mirror = await mirrorWith(bytes);
    const done = loadImage(mirror, 'docker', tag, { process, logger: recordingLogger() });
    return { process, mirror, done };
  };

  test('is not loaded where the engine has it, nor one that the mirror lacks', async () => {
    const { process, done, mirror } = await load('image', { inspect: 0 });
    await done;
    expect(process.lines).toEqual([`docker image inspect ${tag}`]);
    await loadImage(mirror, 'docker', 'other', { process, logger: recordingLogger() });
    expect(process.lines).toHaveLength(1);
  });

  test.each<[string, string, { inspect: number; load?: number }, new (...words: never[]) => Error, RegExp]>([
    [
      'with other bytes',
      'other',
      { inspect: 1 },
      ChecksumError,
      /a\.tar\.gz has another sum than mirror\.json says/,
    ],
    [
      'that the engine refuses',
      'image',
      { inspect: 1, load: 1 },
      ContainerError,
      /could not be loaded: no space/,
    ],
  ])('%s is an error', async (_, bytes, answer, kind, message) => {
    const { done, process } = await load(bytes, answer);
    await expect(done).rejects.toThrow(kind);
    await expect(done).rejects.toThrow(message);
    expect(process.lines.some((line) => line.startsWith('docker load'))).toBe(answer.load !== undefined);
  });

  test('that is missing is an error', async () => {
    const mirror = await mirrorWith('image');
    await rm(join(mirror.folder, 'images/a.tar.gz'));
    const process = fakeProcess(() => ({ exitCode: 1 }));
    const done = loadImage(mirror, 'docker', tag, { process, logger: recordingLogger() });
    await expect(done).rejects.toThrow(/a\.tar\.gz is missing/);
  });
});
