import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { actionsCache } from '../../../src/action/stores.js';
import { sha256 } from '../../../src/base/files.js';
import { CacheEntries } from '../../../src/cache/entries.js';
import { ccacheKey, ccachePrefix, indexKey, indexPrefix, resultKey } from '../../../src/cache/keys.js';
import { cachedResults } from '../../../src/pipeline/existing.js';
import { type CacheStep, compileSources } from '../../support/cache/processes.js';
import { type CacheRunner, describeFolder, flipByte, startCacheRunner } from '../../support/cache/runner.js';
import { readFiles, recordingLogger, temporaryFolder, writeFiles } from '../../support/fakes.js';

/** The action's cache store and entries with the toolkit's client, tar and zstd against a v2 service. */

let runner: CacheRunner;

beforeAll(async () => {
  runner = await startCacheRunner();
});

afterAll(() => runner?.stop());

describe('sound entries', () => {
  test('what was saved comes back: nested, empty, executable and large files', async () => {
    const from = join(runner.folder, 'large');
    await writeFiles(from, { 'a/b/c': 'nested', empty: '', 'bin/tool': '#!/bin/sh\n' });
    writeFileSync(join(from, 'large.bin'), randomBytes(20_000_000));
    chmodSync(join(from, 'bin/tool'), 0o755);
    const first = await runner.build('large', from);
    expect(first).toMatchObject({ restored: false, warnings: [], infos: ['Saved to the cache: large'] });
    const second = await runner.build('large', from);
    expect(second).toMatchObject({ restored: true, warnings: [] });
    expect(second.files).toEqual(await describeFolder(from));
  });

  test('a key that only begins like another one is a miss, and nothing is fetched', async () => {
    await runner.build('package-abcdef');
    expect(await runner.build('package-abc')).toMatchObject({ restored: false, files: {}, warnings: [] });
    expect(runner.keysLike('package-abc')).toEqual(['package-abcdef', 'package-abc']);
    const fetched = runner.service.requests().filter(({ operation }) => operation === 'GetBlob');
    expect(fetched.filter(({ key }) => key === 'package-abcdef')).toEqual([]);
  });

  test('the index of another state of our recipes is found by the commits that both are of', async () => {
    const material = { toolchain: 'bookworm', arch: 'amd64' as const, overlay: 'a'.repeat(64) };
    const index = { ...material, spackCommit: '1'.repeat(40), packagesCommit: '2'.repeat(40) };
    await runner.build(indexKey(index));
    const policy = { restore: true, save: false, scopes: ['open'] };
    const transfer = join(runner.workspace, '.slurm-factory');
    const store = actionsCache(runner.workspace);
    const entries = new CacheEntries(store, policy, recordingLogger(), transfer);
    const target = join(runner.folder, 'near');
    expect(await entries.restoreNear(indexPrefix(index), target)).toBe(true);
    expect(await describeFolder(target)).toEqual(await describeFolder(runner.source));
    const other = indexPrefix({ ...index, packagesCommit: '3'.repeat(40) });
    expect(await entries.restoreNear(other, join(runner.folder, 'other'))).toBe(false);
  });

  test('results are looked for, with and without the digest of their libraries, and nothing of them is fetched', async () => {
    const [identifier, contentKey] = ['slurm-24.11.6-glibc2.34-amd64', 'e'.repeat(64)];
    const wanted = { identifier, contentKey, dependencies: 'bundled' } as const;
    const policy = { restore: true, save: true, scopes: ['open'] };
    const transfer = join(runner.workspace, '.slurm-factory');
    const entries = new CacheEntries(actionsCache(runner.workspace), policy, recordingLogger(), transfer);
    expect(await cachedResults([wanted], entries)).toEqual(new Set());
    const brought = [{ name: 'libcurl4', version: '7.88' }];
    const directory = await temporaryFolder({ 'slurm.tar.gz': 'software' });
    expect(await entries.save(resultKey(identifier, contentKey, brought), directory)).toBe(true);
    const system = {
      identifier: 'slurm-24.11.6-bookworm-amd64',
      contentKey,
      dependencies: 'system',
    } as const;
    expect(await entries.save(resultKey(system.identifier, contentKey), directory)).toBe(true);
    const before = runner.service.requests().filter(({ operation }) => operation === 'GetBlob').length;
    const others = [
      { ...wanted, contentKey: 'f'.repeat(64) },
      { ...wanted, identifier: `${identifier}-cuda` },
      { ...system, identifier: 'slurm-24.11.6-bookworm-amd6' },
    ];
    expect(await cachedResults([wanted, system, ...others], entries)).toEqual(
      new Set([identifier, system.identifier]),
    );
    const after = runner.service.requests().filter(({ operation }) => operation === 'GetBlob').length;
    expect(after).toBe(before);
  });

  test("ccache's files of one build are found by the next of its release series, the newest first", async () => {
    const material = { toolchain: 'bookworm', arch: 'amd64' as const, builder: 'b'.repeat(64), debug: false };
    const prefix = ccachePrefix({ ...material, series: '24.11' });
    const transfer = join(runner.workspace, '.slurm-factory');
    const policy = { restore: true, save: true, scopes: ['open'] };
    const entries = new CacheEntries(actionsCache(runner.workspace), policy, recordingLogger(), transfer);
    for (const name of ['one', 'two']) {
      const directory = await temporaryFolder({ 'ccache.tar': name });
      expect(await entries.save(ccacheKey(prefix, [name]), directory)).toBe(true);
    }
    const target = join(runner.folder, 'objects');
    expect(await entries.restoreNear(prefix, target)).toBe(true);
    expect(await readFiles(target)).toEqual({ 'ccache.tar': 'two' });
    const other = ccachePrefix({ ...material, series: '24.1' });
    expect(await entries.restoreNear(other, join(runner.folder, 'others'))).toBe(false);
  });

  test('two jobs save at the same time: one key is kept once and whole, of two keys neither is lost', async () => {
    const built = await compileSources(join(runner.folder, 'built'));
    const save = (...keys: string[]) => {
      const steps = keys.map((key): CacheStep => ({ operation: 'save', key, folder: runner.source }));
      return runner.run(built, { steps });
    };
    const jobs = await Promise.all([save('both', 'left'), save('both', 'right')]);
    const said = jobs.flatMap(({ reports }) => reports.flatMap(({ log }) => log));
    expect(said.filter(({ message }) => message === 'Saved to the cache: both')).toHaveLength(1);
    expect(runner.keysLike('both')).toEqual(['both']);
    const files = await describeFolder(runner.source);
    for (const key of ['both', 'left', 'right']) {
      expect(await runner.build(key)).toMatchObject({ restored: true, warnings: [], files });
    }
  });
});

/** Puts an entry into the cache as it stands, without sums of ours. */
async function plant(key: string, files: Record<string, string>): Promise<void> {
  const staging = join(runner.workspace, '.slurm-factory', key);
  await writeFiles(staging, files);
  expect(await actionsCache(runner.workspace).save(key, staging)).toBe('saved');
  rmSync(staging, { recursive: true });
}

const sumLine = (text: string, name: string): string => `${sha256(text)}  ${name}\n`;
const good = sumLine('one', 'a') + sumLine('two', 'b');
const storedFile = (key: string): string =>
  runner.service.cacheEntries().find((entry) => entry.key === key)?.file ?? '';

describe('an archive that somebody else made', () => {
  /** Puts another archive in the place of a stored one: of these files, by names that tar makes of theirs. */
  function forge(key: string, from: string, ...words: string[]): void {
    const file = storedFile(key);
    const zstd = readFileSync(file).readUInt32LE(0) === 0xfd2fb528;
    const program = zstd ? 'zstd --force' : 'gzip';
    execFileSync('tar', [
      '--posix',
      '-P',
      '-cf',
      file,
      '--use-compress-program',
      program,
      '-C',
      from,
      ...words,
    ]);
  }

  const inside = (key: string) => `.slurm-factory/${key}`;
  test.each<[string, (from: string, key: string, elsewhere: string) => string[]]>([
    ['an absolute name', (_, __, elsewhere) => [`--transform=s,^a$,${elsewhere}/planted,`, 'a']],
    [
      'a name that leads out',
      (_, key, elsewhere) => [
        `--transform=s,^a$,${inside(key)}/../../../${basename(elsewhere)}/planted,`,
        'a',
      ],
    ],
    ["a file of the user's workspace", () => ['--transform=s,^a$,Makefile,', 'a']],
    [
      'a link, and a file behind it',
      (from, key, elsewhere) => {
        symlinkSync(elsewhere, join(from, 'link'));
        return [
          `--transform=s,^link$,${inside(key)}/link,S`,
          `--transform=s,^a$,${inside(key)}/link/planted,`,
          'link',
          'a',
        ];
      },
    ],
    [
      'a link in the place of its folder, and a file behind it',
      (from, key, elsewhere) => {
        symlinkSync(elsewhere, join(from, 'link'));
        return [
          `--transform=s,^link$,${inside(key)},S`,
          `--transform=s,^a$,${inside(key)}/planted,`,
          'link',
          'a',
        ];
      },
    ],
  ])('with %s writes nothing but into its own folder', async (name, words) => {
    const key = `forged-${name.replaceAll(/[ ',]/g, '-')}`;
    const elsewhere = join(runner.folder, `elsewhere-of-${key}`);
    const from = join(runner.folder, key);
    await writeFiles(from, { a: 'forged' });
    await writeFiles(elsewhere, { tool: 'mine' });
    await runner.build(key);
    forge(key, from, ...words(from, key, elsewhere));
    const next = await runner.build(key);
    expect(next).toMatchObject({ restored: false, files: {} });
    expect(await readFiles(elsewhere)).toEqual({ tool: 'mine' });
    expect(await readFiles(runner.workspace)).toEqual({});
    expect(await runner.build(key)).toMatchObject({ restored: true, warnings: expect.any(Array) });
    expect(process.env['PATH']).not.toContain('slurm-factory-tar');
  });
});

describe('a damaged entry is told, not used, and there is a good one for the next build', () => {
  test.each<[string, Record<string, string>, string]>([
    ['a file with a wrong byte', { a: 'one', b: 'twO', 'ENTRY.sha256': good }, 'b does not match its sum'],
    ['a file that is missing', { a: 'one', 'ENTRY.sha256': good }, 'b is missing'],
    ['a file without a sum', { a: 'one', b: 'two', 'ENTRY.sha256': sumLine('one', 'a') }, 'does not list b'],
    ['sums that are cut', { a: 'one', b: 'two', 'ENTRY.sha256': good.slice(0, 100) }, 'does not list b'],
    ['sums that are empty', { a: 'one', 'ENTRY.sha256': '' }, 'does not list a'],
    ['no sums', { a: 'one', b: 'two' }, 'ENTRY.sha256 is missing'],
    ['nothing but sums', { 'ENTRY.sha256': '' }, 'it is empty'],
    ['a sum of a file elsewhere', { a: 'one', 'ENTRY.sha256': sumLine('one', '../a') }, '../a is missing'],
  ])('%s', async (name, files, words) => {
    const key = `planted-${name.replaceAll(' ', '-')}`;
    await plant(key, files);
    const first = await runner.build(key);
    expect(first).toMatchObject({ restored: false, files: {}, infos: [`Saved to the cache: ${key}-r1`] });
    expect(first.warnings).toEqual([expect.stringContaining(`${key} is damaged`)]);
    expect(first.warnings[0]).toContain(words);
    const second = await runner.build(key);
    expect(second).toMatchObject({ restored: true, files: await describeFolder(runner.source) });
  });

  test.each<[string, (file: string) => void]>([
    ['truncated', (file) => truncateSync(file, Math.floor(statSync(file).size / 2))],
    ['emptied', (file) => truncateSync(file, 0)],
    ['flipped a byte of', flipByte],
  ])('an archive that the service has %s', async (name, damage) => {
    const key = `archive-${name.replaceAll(' ', '-')}`;
    const from = join(runner.folder, key);
    await writeFiles(from, { 'a/first': 'first', data: '', last: 'last' });
    writeFileSync(join(from, 'data'), randomBytes(1_000_000));
    await runner.build(key, from);
    damage(storedFile(key));
    const first = await runner.build(key, from);
    expect(first).toMatchObject({ restored: false, files: {}, infos: [`Saved to the cache: ${key}-r1`] });
    expect(first.warnings).toEqual([expect.stringContaining(`${key} is damaged`)]);
    expect(await runner.build(key, from)).toMatchObject({
      restored: true,
      files: await describeFolder(from),
    });
  });

  test('copies may be damaged in their turn; when all are, that is said', async () => {
    for (const key of ['worn', 'worn-r1', 'worn-r2']) {
      expect((await runner.build('worn')).infos).toEqual([`Saved to the cache: ${key}`]);
      expect((await runner.build('worn')).restored).toBe(true);
      flipByte(storedFile(key));
    }
    const last = await runner.build('worn');
    expect(last.restored).toBe(false);
    expect(last.warnings.at(-1)).toBe('All copies of worn in the cache are damaged; delete them there.');
  });
});
