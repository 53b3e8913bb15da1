import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { exitCodeOf, PackagingError } from '../../../src/base/errors.js';
import { formatVerifyReport, verifyFolder } from '../../../src/bundle/verify.js';
import { sumUp, writeResult } from '../../support/bundle.js';
import { fakeProcess, temporaryFolder, writeFiles } from '../../support/fakes.js';

const plain = 'slurm-24.11.6-bookworm-amd64';
const cuda = `${plain}-cuda`;

/** Writes all files of a target; `change` is made to its manifest, `described` is the sum in its SBOM. */
const writeTarget = (folder: string, identifier: string, change: object = {}, described?: string) =>
  writeResult(folder, identifier, { manifest: change, ...(described === undefined ? {} : { described }) });

const verify = (folder: string) => verifyFolder(folder, { env: {} }, fakeProcess());

describe('a sound folder', () => {
  test('with two targets, one of whose names begins with the other, is told of', async () => {
    const folder = await temporaryFolder({ 'README.md': 'words' });
    await writeTarget(folder, plain);
    await writeTarget(folder, cuda);
    const report = await verify(folder);
    expect(report.targets.map((target) => [target.identifier, target.files.length])).toEqual([
      [plain, 6],
      [cuda, 6],
    ]);
    const text = formatVerifyReport(report).join('\n');
    expect(text).toContain(`${plain}  6 files`);
    expect(text).toMatch(/note: .*is not signed/);
  });

  test('no process is started without a signature', async () => {
    const folder = await temporaryFolder();
    await writeTarget(folder, plain);
    const process = fakeProcess();
    await verifyFolder(folder, { env: {} }, process);
    expect(process.lines).toEqual([]);
  });
});

describe('what is wrong', () => {
  test.each<[string, (folder: string) => Promise<unknown>, RegExp]>([
    [
      'another byte',
      (folder) => writeFiles(folder, { [`${plain}-modules.tar.gz`]: 'other' }),
      /modules\.tar\.gz: does not match its sum/,
    ],
    [
      'a missing file',
      (folder) => rm(join(folder, `${plain}-software.tar.gz`)),
      /software\.tar\.gz: is missing/,
    ],
    [
      'sums that are none',
      (folder) => writeFiles(folder, { [`${plain}-SHA256SUMS`]: 'sha256sum: WARNING\n' }),
      /SHA256SUMS: .*is not a sum/,
    ],
    [
      'a tarball that nothing lists',
      (folder) => writeFiles(folder, { [`${plain}-debug.tar.gz`]: 'x' }),
      /debug\.tar\.gz: is not in/,
    ],
    [
      'a tarball of a target that is not here',
      (folder) => writeFiles(folder, { 'slurm-25.05.1-noble-arm64-software.tar.gz': 'x' }),
      /noble-arm64-software\.tar\.gz: the SHA256SUMS/,
    ],
    [
      'a tarball that was changed with its sum',
      async (folder) => {
        await writeFiles(folder, { [`${plain}-software.tar.gz`]: 'other' });
        await sumUp(folder, plain);
      },
      /manifest\.json: has a wrong size or sum for .*software\.tar\.gz/,
    ],
    [
      'a manifest of another release',
      (folder) => writeTarget(folder, plain, { slurmVersion: '24.11.5' }),
      /another target/,
    ],
    [
      'a manifest with a source that the name does not tell',
      (folder) => writeTarget(folder, plain, { source: { commit: 'd'.repeat(40), patches: [] } }),
      /another target/,
    ],
    [
      'a manifest of another target',
      (folder) => writeTarget(folder, plain, { target: cuda }),
      /another target/,
    ],
    [
      'a manifest that names no tarball',
      (folder) => writeTarget(folder, plain, { files: [] }),
      /does not name/,
    ],
    [
      'no manifest at all',
      (folder) => writeTarget(folder, plain, { specs: 1 }),
      /manifest\.json: is not a valid manifest/,
    ],
    [
      'an SBOM that is none',
      async (folder) => {
        await writeFiles(folder, { [`${plain}-sbom.spdx.json`]: '[]' });
        await sumUp(folder, plain);
      },
      /sbom\.spdx\.json: is not an SPDX 2\.3 document/,
    ],
    [
      'an SBOM of another tarball',
      (folder) => writeTarget(folder, plain, {}, '0'.repeat(64)),
      /sbom\.spdx\.json: does not describe this target's software tarball/,
    ],
    [
      'sums under a name that is no target',
      (folder) => rename(join(folder, `${plain}-SHA256SUMS`), join(folder, 'slurm-SHA256SUMS')),
      /slurm-SHA256SUMS: is not named after a target/,
    ],
    [
      'a signature without its file',
      (folder) => writeFiles(folder, { [`${plain}-x.tar.gz.asc`]: '', [`${plain}-signing-key.asc`]: '' }),
      /x\.tar\.gz\.asc: its file is missing/,
    ],
  ])('%s is a PackagingError', async (_, spoil, message) => {
    const folder = await temporaryFolder();
    await writeTarget(folder, plain);
    await spoil(folder);
    const error = await verify(folder).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PackagingError);
    expect(exitCodeOf(error)).toBe(5);
    expect(String(error)).toMatch(message);
  });

  test('all of it is told at once, over all targets', async () => {
    const folder = await temporaryFolder();
    await writeTarget(folder, plain);
    await writeTarget(folder, cuda);
    await rm(join(folder, `${plain}-software.tar.gz`));
    await writeFiles(folder, { [`${cuda}-modules.tar.gz`]: 'other' });
    await expect(verify(folder)).rejects.toThrow(
      `${plain}-software.tar.gz: is missing\n${cuda}-modules.tar.gz: does not match its sum`,
    );
  });

  test('an empty folder and one that is not there', async () => {
    const folder = await temporaryFolder();
    await expect(verify(folder)).rejects.toThrow(/has no <target>-SHA256SUMS/);
    await expect(verify(join(folder, 'gone'))).rejects.toThrow(/The folder .* does not exist/);
  });

  test('with a key, a target without a signature', async () => {
    const folder = await temporaryFolder({ 'key.asc': '' });
    await writeTarget(folder, plain);
    const options = { publicKey: join(folder, 'key.asc'), env: {} };
    await expect(verifyFolder(folder, options, fakeProcess())).rejects.toThrow(/SHA256SUMS\.asc: is missing/);
  });
});

test('without gpg and without a key the sums still count', async () => {
  const folder = await temporaryFolder();
  await writeTarget(folder, plain);
  await writeFiles(folder, { [`${plain}-SHA256SUMS.asc`]: '', [`${plain}-signing-key.asc`]: '' });
  const report = await verifyFolder(
    folder,
    { env: {} },
    fakeProcess(() => ({ exitCode: 127 })),
  );
  expect(report.notes).toContainEqual(expect.stringMatching(/were not checked: gpg is not installed/));
});
