import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { nodeProcess } from '../../../src/local/process.js';
import { nodeWeb } from '../../../src/local/web.js';
import { parseIndex } from '../../../src/publish/index-file.js';
import { type PublishRequest, publish } from '../../../src/publish/publish.js';
import { writeResult } from '../../support/bundle.js';
import { recordingLogger } from '../../support/fakes.js';
import { makeSigningKey } from '../../support/gpg.js';
import { temporaryFolder } from '../../support/prepare.js';
import { publishRequest, writeResults } from '../../support/release.js';

/** A release in a folder: gathered, verified, signed, all of it or nothing. */

const targets = ['slurm-26.05.3-glibc2.34-amd64', 'slurm-24.11.6-glibc2.34-amd64'];
const [first = '', second = ''] = targets;
const folders: string[] = [];
let signing: NonNullable<PublishRequest['signing']>;

beforeAll(() => {
  signing = {
    privateKey: makeSigningKey(join(temporaryFolder('folder-key'), 'gpg'), 'phrase'),
    passphrase: 'phrase',
  };
});

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

async function results(): Promise<string> {
  const folder = temporaryFolder('publish');
  folders.push(folder);
  await writeResults(join(folder, 'results'), targets);
  return folder;
}

const run = (folder: string, change: Partial<PublishRequest> = {}) =>
  publish(publishRequest(folder, change), {
    ...{ process: nodeProcess, web: nodeWeb({}), logger: recordingLogger(), env: process.env },
    signal: new AbortController().signal,
  });

const textOf = (folder: string, name: string): string => readFileSync(join(folder, 'release', name), 'utf8');
const plan = (...identifiers: string[]) => identifiers.map((identifier) => ({ identifier }));

test('has all files, an index, a page, get.sh, and signed sums of all of it', async () => {
  const folder = await results();
  const report = await run(folder, { signing });
  const release = join(folder, 'release');
  expect(report).toMatchObject({ targets, missing: [], release: undefined, folder: release });
  expect(statSync(release).mode & 0o777).toBe(0o755);
  const own = ['SHA256SUMS', 'SHA256SUMS.asc', 'get.sh', 'index.html', 'index.json', 'signing-key.asc'];
  expect(report.files.map(({ name }) => name).filter((name) => !name.startsWith('slurm-'))).toEqual(own);
  expect(report.files).toHaveLength(own.length + 2 * 7);
  execFileSync('sha256sum', ['--check', '--strict', '--quiet', 'SHA256SUMS'], { cwd: release });
  const index = parseIndex(textOf(folder, 'index.json'), 'index.json');
  expect(index.signing).toEqual({ fingerprint: report.fingerprint, key: 'signing-key.asc' });
  expect(index.releases.map(({ version, supportUntil }) => [version, supportUntil])).toEqual([
    ['26.05.3', '2027-11'],
    ['24.11.6', '2026-05'],
  ]);
  expect(index.targets.map(({ identifier, tested }) => [identifier, tested])).toEqual(
    targets.map((target) => [target, true]),
  );
  expect(readdirSync(folder).sort()).toEqual(['release', 'results']);
});

test('the same results give the same bytes, but for the signature', async () => {
  const folder = await results();
  await run(folder, { signing });
  const before = new Map(readdirSync(join(folder, 'release')).map((name) => [name, textOf(folder, name)]));
  before.delete('SHA256SUMS.asc');
  await run(folder, { signing });
  for (const [name, text] of before) expect([name, textOf(folder, name) === text]).toEqual([name, true]);
});

describe('a plan', () => {
  test('a target that is missing is an error, and with allow-missing it is named', async () => {
    const folder = await results();
    const planned = plan(...targets, 'slurm-26.05.3-glibc2.34-arm64');
    await expect(run(folder, { planned })).rejects.toMatchObject({
      message: 'slurm-26.05.3-glibc2.34-arm64 is planned, and missing',
      hint: expect.stringContaining('allow-missing'),
    });
    expect(existsSync(join(folder, 'release'))).toBe(false);
    const { missing, notes } = await run(folder, { planned, allowMissing: true });
    expect(missing).toEqual(['slurm-26.05.3-glibc2.34-arm64']);
    expect(notes).toContain('is not in this release: `slurm-26.05.3-glibc2.34-arm64`');
    expect(textOf(folder, 'index.html')).toContain('slurm-26.05.3-glibc2.34-arm64');
  });

  test('what is not in it, or of another content key, is an error whatever is allowed', async () => {
    const planned = [{ identifier: first, contentKey: 'a'.repeat(64) }];
    await expect(run(await results(), { planned, allowMissing: true })).rejects.toMatchObject({
      message: `${second} is not in the plan\n${first} has another content key than the plan says`,
    });
  });
});

describe('what an earlier release has', () => {
  const key = 'f'.repeat(64);
  const released = (...identifiers: string[]) =>
    identifiers.map((identifier) => ({ identifier, contentKey: key }));

  /** The release of both, and results of the second alone. */
  async function again(): Promise<string> {
    const folder = await results();
    await run(folder);
    cpSync(join(folder, 'release'), join(folder, 'before'), { recursive: true });
    rmSync(join(folder, 'release'), { recursive: true });
    rmSync(join(folder, 'results', first), { recursive: true });
    return folder;
  }

  test('is taken over, and the release is whole', async () => {
    const folder = await again();
    const report = await run(folder, {
      ...{ planned: plan(...targets), takeOver: released(first) },
      previous: join(folder, 'before'),
    });
    expect(report).toMatchObject({ targets, missing: [] });
    for (const name of readdirSync(join(folder, 'before')).filter((file) => file.startsWith('slurm-'))) {
      expect([name, textOf(folder, name)]).toEqual([
        name,
        readFileSync(join(folder, 'before', name), 'utf8'),
      ]);
    }
    expect(report.notes).toContain('Nothing has changed.');
  });

  test.each<[string, (folder: string) => Partial<PublishRequest>, RegExp]>([
    ['no release', () => ({}), /^The plan leaves out 1 targets that an earlier release has\.$/],
    [
      'one that lacks it',
      (folder) => ({ previous: join(folder, 'before'), takeOver: released('slurm-26.05.3-glibc2.34-arm64') }),
      /before does not have slurm-26\.05\.3-glibc2\.34-arm64 as the plan says\.$/,
    ],
    [
      'one that has it of another content key',
      (folder) => ({
        previous: join(folder, 'before'),
        takeOver: [{ identifier: first, contentKey: 'a'.repeat(64) }],
      }),
      /does not have slurm-26\.05\.3-glibc2\.34-amd64 as the plan says\.$/,
    ],
    [
      'one with other bytes',
      (folder) => {
        const file = join(folder, 'before', `${first}-install.sh`);
        writeFileSync(file, readFileSync(file, 'utf8').replace(/.\n$/, '#\n'));
        return { previous: join(folder, 'before') };
      },
      /-install\.sh has other bytes than the index says\.$/,
    ],
  ])('is not there: %s', async (_, change, message) => {
    const folder = await again();
    const before = readdirSync(folder);
    const planned = { planned: plan(...targets), takeOver: released(first) };
    await expect(run(folder, { ...planned, ...change(folder) })).rejects.toMatchObject({
      message: expect.stringMatching(message),
    });
    expect(readdirSync(folder)).toEqual(before);
  });
});

describe('nothing is made of', () => {
  test.each<[string, (folder: string) => unknown, RegExp]>([
    [
      'a damaged tarball',
      (folder) => {
        const file = join(folder, 'results', first, `${first}-software.tar.gz`);
        writeFileSync(file, `${readFileSync(file, 'latin1').replace('bytes', 'BYTES')}`, 'latin1');
      },
      /-software\.tar\.gz: does not match its sum/,
    ],
    [
      'a result that lacks a file',
      (folder) => rmSync(join(folder, 'results', first, `${first}-install.sh`)),
      /-install\.sh: is missing/,
    ],
    [
      'a target that is there twice',
      (folder) =>
        cpSync(join(folder, 'results', first), join(folder, 'results', 'again'), { recursive: true }),
      /^slurm-26\.05\.3-glibc2\.34-amd64 is there twice: in again, slurm-26/,
    ],
    [
      'a smoke test that failed',
      (folder) =>
        writeResult(join(folder, 'results', first), first, { smoke: true, manifest: { smoke: undefined } }),
      /smoke/,
    ],
    [
      'a folder that is not ours to replace',
      (folder) => cpSync(join(folder, 'results'), join(folder, 'release'), { recursive: true }),
      /has files, and is no release that was made here/,
    ],
  ])('%s', async (_, harm, message) => {
    const folder = await results();
    await harm(folder);
    const before = readdirSync(folder);
    await expect(run(folder)).rejects.toMatchObject({ message: expect.stringMatching(message) });
    expect(readdirSync(folder)).toEqual(before);
  });

  test('unsigned results where a key is asked for', async () => {
    const folder = await results();
    await run(folder, { signing });
    const publicKey = join(folder, 'release', 'signing-key.asc');
    const { rejects } = expect(run(folder, { publicKey, folder: join(folder, 'other') }));
    await rejects.toMatchObject({ message: expect.stringContaining('SHA256SUMS.asc: is missing') });
  });
});

test('a folder for GitHub Pages has the page, and not the files', async () => {
  const folder = await results();
  const downloads = 'https://host.test/v1/';
  await run(folder, { signing, downloads, pages: join(folder, 'site') });
  expect(readdirSync(join(folder, 'site')).sort()).toEqual(
    [
      '.nojekyll',
      'SHA256SUMS',
      'SHA256SUMS.asc',
      'get.sh',
      'index.html',
      'index.json',
      'signing-key.asc',
    ].sort(),
  );
  expect(textOf(folder, 'index.html')).toContain('curl -fsSL https://host.test/v1/get.sh | sh');
});
