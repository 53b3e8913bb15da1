import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Shares } from '../../src/bundle/shares.js';
import { runCli } from '../support/cli.js';
import { hostSystemTarget, hostTarget, isHere, temporaryFolder } from '../support/prepare.js';
import { builtResult } from '../support/result.js';

/** What a real result tells of itself: who is in it, what configure found out, whether it is installed whole. */

const canRun = await isHere('upstream', 'Docker Engine');
const e2e = canRun ? test : test.skip;
const minutes = 60_000;
const version = '24.11.6';
const target = hostTarget(version);
const folder = temporaryFolder('reach');
let result: string;

beforeAll(async () => {
  result = (await builtResult(version)) ?? '';
}, 20 * minutes);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ok = (words: readonly string[]): string => {
  const done = runCli(words);
  expect({ words, stderr: done.stderr, exitCode: done.exitCode }).toMatchObject({ exitCode: 0 });
  return done.stdout;
};

e2e('graph --format table: the packages of the tarball, with sizes that add up', () => {
  const sbom = join(result, `${target}-sbom.spdx.json`);
  const shares: Shares = JSON.parse(ok(['graph', sbom, '--format', 'table', '--json']));
  const names = shares.packages.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['slurm', 'libssl3', 'libmunge2']));
  for (const { files, bytes } of shares.packages) expect(files * bytes).toBeGreaterThan(0);
  const licences = shares.licences.reduce((sum, { bytes }) => sum + bytes, 0);
  expect(licences + shares.commonTexts).toBe(shares.bytes);
  // Bytes of all files, as tar tells them.
  const listed = execFileSync('tar', ['-tvzf', join(result, `${target}-software.tar.gz`)], {
    encoding: 'utf8',
  });
  const sizes = listed.split('\n').filter((line) => line.startsWith('-'));
  expect(sizes.reduce((sum, line) => sum + Number(line.split(/\s+/)[2]), 0)).toBe(shares.bytes);
  expect(ok(['graph', sbom, '--format', 'table'])).toMatch(/^slurm +24\.11\.6 .*GPL-2\.0-or-later WITH/m);
});

e2e(
  'diff tells what configure found out otherwise, and a manifest no path of a build',
  async () => {
    const other = (await builtResult(version, 'system')) ?? '';
    const manifest = JSON.parse(readFileSync(join(result, `${target}-manifest.json`), 'utf8'));
    expect(manifest.configure.length).toBeGreaterThan(80);
    expect(manifest.configure).toContainEqual({ name: 'HAVE_LUA', value: '1' });
    expect(JSON.stringify(manifest.configure)).not.toMatch(/\/opt\/|placeholder|spack-stage/);
    // The same configure: bundled and system are one compile.
    const theirs = JSON.parse(
      readFileSync(join(other, `${hostSystemTarget(version)}-manifest.json`), 'utf8'),
    );
    expect(theirs.configure).toEqual(manifest.configure);
    const changed = join(folder, `${target}-manifest.json`);
    const configure = manifest.configure.filter(({ name }: { name: string }) => name !== 'HAVE_LUA');
    writeFileSync(changed, JSON.stringify({ ...manifest, configure }));
    const told = ok(['diff', join(result, `${target}-manifest.json`), changed]);
    expect(told).toMatch(/What configure found out: 1 removed\n {2}HAVE_LUA +1 +→ +-/);
  },
  20 * minutes,
);

e2e('verify --installed: a tree that was installed, one that was unpacked, and one that was changed', () => {
  const prefix = join(folder, 'slurm');
  const installer = join(result, `${target}-install.sh`);
  execFileSync(installer, ['--prefix', prefix, '--modules', join(folder, 'modules'), '--force']);
  expect(ok(['verify', result, '--installed', prefix])).toMatch(
    new RegExp(`${prefix} {2}is ${target}: \\d{3,} files, folders and links .* and 2 module files`),
  );
  expect(ok(['verify', '--installed', prefix])).toContain('note: What was installed is told by');
  const unpacked = join(folder, 'unpacked');
  mkdirSync(unpacked);
  const tarball = join(result, `${target}-software.tar.gz`);
  execFileSync('tar', ['-xpzf', tarball, '-C', unpacked]);
  ok(['verify', result, '--installed', join(unpacked, target)]);
  appendFileSync(join(prefix, 'bin', 'srun'), 'x');
  rmSync(join(prefix, 'sbin', 'slurmd'));
  writeFileSync(join(prefix, 'lib', 'slurm', 'evil.so'), '');
  for (const words of [[], [result]]) {
    const done = runCli(['verify', ...words, '--installed', prefix]);
    expect(done.exitCode).toBe(5);
    expect(done.stderr).toContain(
      'bin/srun: was changed\nsbin/slurmd: is missing\nlib/slurm/evil.so: was added',
    );
  }
});
