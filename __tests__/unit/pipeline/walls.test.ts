import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as errors from '../../../src/base/errors.js';
import { readKey } from '../../../src/cache/keys.js';
import {
  type Answer,
  host,
  memoryCache,
  never,
  readFiles,
  temporaryFolder,
  writeFiles,
} from '../../support/fakes.js';
import { hashes, type MachineScript } from '../../support/machine.js';
import { build, spackVerbs } from '../../support/pipeline.js';
import { containerIn } from '../../support/records.js';

describe('the network', () => {
  const proxy = { https_proxy: 'http://me:secret@proxy:3128' };
  const starts = (lines: readonly string[]) =>
    lines.filter((line) => /^docker run --detach .* --label slurm-factory=(build|fetch) /.test(line));

  test('is for what fetches, and gone with it before anything is built', async () => {
    const { process, record } = await build({ request: { host: host({ proxy }) } });
    const [building, fetching, ...others] = starts(process.lines);
    expect(others).toEqual([]);
    expect(building).toContain(' --network none ');
    expect(building).not.toContain('https_proxy ');
    expect(fetching).not.toContain(' --network ');
    expect(fetching).toMatch(/--name \S+-fetch .* --env https_proxy /);
    const at = (part: RegExp) => process.lines.findIndex((line) => part.test(line));
    const order = [/ concretize /, / fetch \//, /^docker rm \S+ \S+ \S+-fetch$/, / install /].map(at);
    expect(order).not.toContain(-1);
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(containerIn(record, 'fetch')).toBeUndefined();
    const ours = process.lines.filter((line) => !line.includes('slurm-factory/smoke'));
    expect(ours.join('\n')).not.toContain('secret');
  });

  test('is not asked for where everything is in the cache', async () => {
    const cache = memoryCache();
    await build({ cache });
    for (const key of [...cache.entries.keys()]) if (key.includes('-result-')) cache.entries.delete(key);
    const { process, report } = await build({ cache });
    expect(report?.cacheHit).toBe('build-cache');
    expect(starts(process.lines)).toHaveLength(1);
  });

  test.each<[string, string, new (...args: never[]) => Error, RegExp]>([
    [
      'that is not there: the package and the last address',
      `==> Error: All fetchers failed for spack-stage-slurm-1-${hashes.slurm}\n    https://a.test: 404\n    https://b.test: 503`,
      errors.PackageBuildError,
      /^PackageBuildError: slurm@24-11-6-1 failed in phase fetch: All fetchers failed .* https:\/\/b\.test: 503$/,
    ],
    [
      'with other bytes: as such',
      '==> Error: sha256 checksum failed for /stage/slurm.tar.gz\nExpected aa but got bb',
      errors.ChecksumError,
      /sha256 is not the expected one: .*slurm\.tar\.gz/,
    ],
  ])('a source %s', async (_, stderr, kind, message) => {
    const script: MachineScript = {
      answer: (words) =>
        words.includes('fetch') && words[0] !== 'git' ? { exitCode: 1, stderr } : undefined,
    };
    const { error, process } = await build({ script });
    expect(error).toBeInstanceOf(kind);
    expect(String(error)).toMatch(message);
    expect(spackVerbs(process.lines)).toEqual(['concretize']);
    const names = starts(process.lines).map((line) => / --name (\S+)/.exec(line)?.[1]);
    for (const name of names) expect(process.lines).toContain(`docker rm --force --volumes ${name}`);
  });

  test('a cancel while it is there takes its container away, and nothing is built', async () => {
    const controller = new AbortController();
    const script: MachineScript = {
      answer: (words) => {
        if (!words.includes('fetch') || words[0] === 'git') return undefined;
        setImmediate(() => controller.abort());
        return never;
      },
    };
    const { error, process } = await build({ script, signal: controller.signal });
    expect(error).toBeInstanceOf(errors.CancelledError);
    expect(process.lines.some((line) => /^docker rm .*-fetch$/.test(line))).toBe(true);
    expect(spackVerbs(process.lines)).toEqual(['concretize']);
  });

  test('a killed build is known to have had a container with it', async () => {
    const script: MachineScript = {
      answer: (words) => {
        if (words.includes('fetch') && words[0] !== 'git') throw new Error('killed');
        return undefined;
      },
    };
    const { record } = await build({ script });
    expect(containerIn(record, 'fetch')).toMatchObject({
      program: 'docker',
      name: `${containerIn(record, 'build')?.name}-fetch`,
    });
  });
});

describe('links that a build has planted', () => {
  /** A build whose session plants links at a moment, all to one folder of the machine. */
  const planting = async (
    when: (words: readonly string[]) => boolean,
    plant: (folders: Readonly<Record<string, string>>, canaries: string) => Promise<Answer | undefined>,
  ) => {
    const canaries = await temporaryFolder({ file: 'canary', 'folder/index.json': 'canary' });
    const cache = memoryCache();
    const script: MachineScript = {
      answer: (words, folders) => (when(words) ? plant(folders, canaries) : undefined),
    };
    const built = await build({ cache, script });
    // Nothing of the machine was changed, and nothing of it has come out.
    expect(await readFiles(canaries)).toEqual({ file: 'canary', 'folder/index.json': 'canary' });
    const out = [
      ...[...cache.entries.values()].flatMap((content) => [...content.values()].map(String)),
      ...built.ports.artifacts.uploads.map(({ files }) => JSON.stringify(files)),
      ...built.ports.logger.log.map(({ message }) => message),
      String(built.error),
    ];
    expect(out.filter((text) => text.includes('canary'))).toEqual([]);
    return { ...built, cache };
  };

  test('before spack.yaml is written: it is written in their place', async () => {
    const { report } = await planting(
      (words) => words[0] === 'dpkg-query' && !words.join().includes('Architecture'),
      async (folders, canaries) => {
        await symlink(join(canaries, 'file'), join(folders['environment'] ?? '', 'spack.yaml'));
        return undefined;
      },
    );
    expect(report?.cacheHit).toBe('none');
  });

  test('as spack.lock: the build ends', async () => {
    const { error } = await planting(
      (words) => words.includes('concretize'),
      async (folders, canaries) => {
        await symlink(join(canaries, 'file'), join(folders['environment'] ?? '', 'spack.lock'));
        return {};
      },
    );
    expect(String(error)).toContain('spack.lock is a symbolic link');
  });

  test("as Spack's database: the build ends", async () => {
    const { error } = await planting(
      (words) => words.includes('install'),
      async (folders, canaries) => {
        const root = join(folders['store'] ?? '', '__spack_path_placeholder__');
        await mkdir(root, { recursive: true });
        await symlink(join(canaries, 'folder'), join(root, '.spack-db'));
        return {};
      },
    );
    expect(error).toBeInstanceOf(errors.PackagingError);
  });

  test.each([
    ['a path out of the stage', '/opt/slurm-factory/stage/../../../canaries'],
    ['a path of the machine', '/etc/passwd'],
    ['a link in the stage', '/opt/slurm-factory/stage/spack-build-out.txt'],
  ])('as the log of a failure: %s is not read', async (_, log) => {
    const { error } = await planting(
      (words) => words.includes('install'),
      async (folders, canaries) => {
        const stage = folders['stage'] ?? '';
        await symlink(join(canaries, 'file'), join(stage, 'spack-build-out.txt'));
        await symlink(join(canaries, 'file'), join(stage, 'config.log'));
        const told = log.replace('/../../../canaries', `/../${relative(dirname(stage), canaries)}/file`);
        return { exitCode: 1, stdout: `[x] sssssss slurm@24-11-6-1 failed: ${told} (4s)` };
      },
    );
    expect(error).toBeInstanceOf(errors.PackageBuildError);
  });

  test('among the indexes: they stay behind', async () => {
    const { cache } = await planting(
      (words) => words.includes('concretize'),
      async (folders, canaries) => {
        const misc = join(folders['user-cache'] ?? '', 'misc');
        await mkdir(join(misc, 'tags'), { recursive: true });
        await symlink(join(canaries, 'file'), join(misc, 'tags', 'builtin.json'));
        await symlink(join(canaries, 'folder'), join(misc, 'patches'));
        return undefined;
      },
    );
    const index = [...cache.entries].find(([key]) => key.includes('-index-'))?.[1];
    expect([...(index?.keys() ?? [])].sort()).toEqual(['ENTRY.sha256', 'providers/builtin.json']);
  });

  test('as what compilers made and as what was pushed: they stay behind', async () => {
    const { cache } = await planting(
      (words) => words.includes('install'),
      async (folders, canaries) => {
        const place = (name: string) => folders[name] ?? '';
        await symlink(join(canaries, 'folder'), join(place('user-cache'), 'ccache'));
        await symlink(join(canaries, 'folder'), join(place('build-cache'), 'v3'));
        return { exitCode: 1 };
      },
    );
    const kinds = [...cache.entries.keys()].map((key) => readKey(key).kind);
    expect(kinds.sort()).toEqual(['index', 'lock']);
  });

  test('a prefix that is not in the store is none', async () => {
    const { error } = await planting(
      (words) => words.includes('install'),
      async (folders) => {
        const installs = {
          [hashes.slurm]: { path: '/opt/slurm-factory/store/../../../etc', installed: true },
        };
        const database = JSON.stringify({ database: { installs } });
        await writeFiles(folders['store'] ?? '', { '.spack-db/index.json': database });
        return {};
      },
    );
    expect(error).toBeInstanceOf(errors.PackagingError);
  });
});
