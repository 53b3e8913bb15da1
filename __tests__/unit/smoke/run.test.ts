import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ContainerError, InputError, PackagingError } from '../../../src/base/errors.js';
import { exists, sha256 } from '../../../src/base/files.js';
import { promisedChecks } from '../../../src/smoke/plan.js';
import { SmokeError } from '../../../src/smoke/report.js';
import { type SmokeRequest, smokeTest } from '../../../src/smoke/run.js';
import { openSubject } from '../../../src/smoke/subject.js';
import {
  type Answer,
  fakeProcess,
  host,
  recordingLogger,
  systemTarget,
  temporaryFolder,
  toolchain,
} from '../../support/fakes.js';

const target = systemTarget();
const identifier = 'slurm-24.11.6-bookworm-amd64';
const smoke = { packages: ['munge'], unpacked: [] };
const names = promisedChecks(target, toolchain(), ['lmod', 'tcl']);

const line = (check: string, status = 'passed', detail = '') =>
  `${JSON.stringify({ check, status, seconds: 0.1, detail })}\n`;
const all = names.map((name) => line(name)).join('');

async function runSmoke(
  answers: {
    image?: boolean;
    start?: Answer;
    run?: Answer;
    dead?: boolean;
    build?: Answer;
    cgroup?: string;
    pull?: Answer;
  },
  change: Partial<SmokeRequest> = {},
) {
  const process = fakeProcess(([, verb, , name]) => {
    if (verb === 'image') {
      return { exitCode: answers.image === true && name?.startsWith('slurm-factory/') === true ? 0 : 1 };
    }
    if (verb === 'info') return { stdout: `${answers.cgroup ?? '1'}\n` };
    if (verb === 'pull') return answers.pull;
    if (verb === 'build') return answers.build;
    if (verb === 'inspect') return { stdout: answers.dead === true ? 'false' : 'true' };
    if (verb === 'run') return answers.start;
    return verb === 'exec' ? (answers.run ?? { stdout: all }) : undefined;
  });
  const context = join(await temporaryFolder(), 'context');
  const logger = recordingLogger();
  const controller = new AbortController();
  const done = smokeTest(
    {
      subject: { target, files: ['/out/software'], runtimePackages: ['libjwt0'], further: false },
      toolchain: toolchain({ smoke }),
      engine: { kind: 'docker', version: '28' },
      host: host(),
      scripts: '/project/scripts/inside/smoke',
      context,
      name: 'the-container',
      ...change,
    },
    { process, logger, signal: controller.signal, env: { PATH: '/bin' } },
  );
  const outcome = await done.then(
    (report) => ({ report, error: undefined }),
    (error: unknown) => ({ report: undefined, error }),
  );
  return { ...outcome, process, logger, context };
}

const lineOf = (verb: string, process: { lines: readonly string[] }) =>
  process.lines.find((text) => text.startsWith(`docker ${verb} `));

describe('smokeTest', () => {
  test('gives a report when no check failed, and tells each as it ends', async () => {
    const { report, logger, process } = await runSmoke({ image: true });
    expect(report?.target).toBe(identifier);
    expect(report?.checks.map(({ name }) => name)).toEqual(names);
    expect(logger.of('info')).toContainEqual(expect.stringMatching(/^srun: passed \(0\.10 s\)/));
    expect(lineOf('exec', process)).toContain('--forbidden __spack_path_placeholder__');
    expect(process.lines.at(-1)).toBe('docker rm --force --volumes the-container');
  });

  test('installs at another place each time, or where it is told', async () => {
    const places = await Promise.all([
      runSmoke({ image: true }),
      runSmoke({ image: true }),
      runSmoke({ image: true }, { prefix: '/slu' }),
    ]);
    const prefixes = places.map(({ report }) => report?.prefix);
    expect(new Set(prefixes).size).toBe(3);
    expect(prefixes[2]).toBe('/slu');
    expect(lineOf('exec', places[2].process)).toContain('--prefix /slu ');
  });

  test.each(['relative', '/with space', '/', '/a/', '/a;b', ''])('refuses the prefix %j', async (prefix) => {
    const { error, process } = await runSmoke({ image: true }, { prefix });
    expect(error).toBeInstanceOf(InputError);
    expect(process.lines).toEqual([]);
  });

  test('a failed check is a SmokeError with the whole report, and the container goes', async () => {
    const stdout = names.map((name) => line(name, name === 'rest' ? 'failed' : 'passed', 'why')).join('');
    const { error, process, logger } = await runSmoke({ image: true, run: { stdout } });
    expect(error).toBeInstanceOf(SmokeError);
    expect((error as SmokeError).report.checks).toHaveLength(names.length);
    expect((error as SmokeError).message).toContain('rest: why');
    expect(logger.of('info')).toContainEqual('rest: failed (0.10 s)\nwhy');
    expect(process.lines.at(-1)).toMatch(/^docker rm --force/);
  });

  test('a test of which nothing is heard is a ContainerError', async () => {
    const run = { exitCode: 127, stderr: 'bash: not found\n' };
    const { error, process } = await runSmoke({ image: true, run });
    expect(error).toBeInstanceOf(ContainerError);
    expect((error as ContainerError).message).toContain('bash: not found');
    expect(process.lines.at(-1)).toBe('docker rm --force --volumes the-container');
  });

  test('a container that dies is a ContainerError', async () => {
    const { error } = await runSmoke({
      image: true,
      run: { stdout: line('install'), exitCode: 137 },
      dead: true,
    });
    expect(error).toBeInstanceOf(ContainerError);
  });

  test('a test that ends early does not pass', async () => {
    const { error } = await runSmoke({ image: true, run: { stdout: line('install'), exitCode: 137 } });
    expect(error).toBeInstanceOf(SmokeError);
    expect((error as SmokeError).message).toContain('exit code 137');
  });

  test('a container that does not start is a ContainerError', async () => {
    const { error } = await runSmoke({ image: true, start: { exitCode: 125, stderr: 'no such image\n' } });
    expect(error).toBeInstanceOf(ContainerError);
    expect((error as ContainerError).message).toContain('no such image');
  });

  test('the container gets more rights only on a machine with cgroup v2', async () => {
    for (const [cgroup, expected] of [
      ['1', false],
      ['2', true],
      ['v2', true],
    ] as const) {
      const { process } = await runSmoke({ image: true, cgroup });
      expect(lineOf('run', process)?.includes('SYS_ADMIN')).toBe(expected);
    }
  });

  test('without an engine the test is one skipped check, and nothing is started', async () => {
    const { report, process, logger } = await runSmoke({}, { engine: { kind: 'none', version: '' } });
    expect(report?.checks).toEqual([expect.objectContaining({ name: 'smoke', status: 'skipped' })]);
    expect(report?.checks[0]?.detail).toMatch(/container/);
    expect(logger.of('notice')).toHaveLength(1);
    expect(process.lines).toEqual([]);
  });
});

describe('the image', () => {
  test('is made once', async () => {
    const there = await runSmoke({ image: true });
    expect(there.process.lines.some((text) => text.startsWith('docker build'))).toBe(false);
    const missing = await runSmoke({});
    expect(missing.process.lines.some((text) => text.startsWith('docker build'))).toBe(true);
    expect(await exists(missing.context)).toBe(false);
  });

  test('that can’t be made is a ContainerError with the last lines', async () => {
    const { error, context } = await runSmoke({ build: { exitCode: 1, stderr: 'E: no server\n\n' } });
    expect(error).toBeInstanceOf(ContainerError);
    expect((error as ContainerError).message).toContain('E: no server');
    expect(await exists(context)).toBe(false);
  });

  test("a proxy's password is in the engine's environment, not on its command line", async () => {
    const proxy = { https_proxy: 'http://me:secret@proxy:3128' };
    const { process } = await runSmoke({}, { host: host({ proxy }) });
    const build = process.calls.find(({ command }) => command[1] === 'build');
    expect(build?.command.join(' ')).toContain('--build-arg https_proxy ');
    expect(build?.options.env).toEqual({ PATH: '/bin', ...proxy });
    expect(process.lines.join('\n')).not.toContain('secret');
  });

  test('a manifest with words that are no packages starts nothing', async () => {
    const subject = {
      ...{ target, files: [], further: false },
      runtimePackages: ['libc6', '-oAPT::Update::Pre-Invoke::=id'],
    };
    const { error, process } = await runSmoke({}, { subject });
    expect(error).toBeInstanceOf(InputError);
    expect(process.lines).toEqual([]);
  });

  test('a pinned base that no registry serves is taken by its name', async () => {
    const base = { image: 'debian:bookworm', digest: 'sha256:dd' };
    const pinned = { toolchain: toolchain({ smoke, base }) };
    const built = async (pull: Answer) =>
      (await runSmoke({ pull }, pinned)).process.lines.find((text) => text.startsWith('docker build'));
    expect(await built({ exitCode: 0 })).toContain('BASE_IMAGE=debian:bookworm@sha256:dd ');
    expect(await built({ exitCode: 1 })).toContain('BASE_IMAGE=debian:bookworm ');
  });
});

describe('openSubject', () => {
  const manifest = JSON.stringify({ target: identifier, runtimePackages: ['libjwt0'], schema: 1 });
  const files = {
    [`${identifier}-software.tar.gz`]: '',
    [`${identifier}-modules.tar.gz`]: '',
    [`${identifier}-manifest.json`]: manifest,
  };
  const sumsOf = (summed: Readonly<Record<string, string>>) =>
    Object.entries(summed)
      .map(([name, text]) => `${sha256(text)}  ${name}\n`)
      .join('');
  const software = (folder: string) => join(folder, `${identifier}-software.tar.gz`);

  test('finds what lies beside the tarball, the installer and the sums where they are', async () => {
    const plain = await temporaryFolder(files);
    expect(await openSubject(software(plain))).toEqual({
      target,
      files: Object.keys(files).map((name) => join(plain, name)),
      runtimePackages: ['libjwt0'],
      further: false,
    });
    const brings = { packages: [{ spec: 'openmpi' }], target: identifier, runtimePackages: [] };
    const other = await temporaryFolder({
      ...files,
      [`${identifier}-manifest.json`]: JSON.stringify(brings),
    });
    expect((await openSubject(software(other))).further).toBe(true);
    const summed = { ...files, [`${identifier}-install.sh`]: '#!/bin/sh\n' };
    const extra = { [`${identifier}-SHA256SUMS`]: sumsOf(summed), other: '' };
    const full = await temporaryFolder({ ...summed, ...extra });
    expect((await openSubject(software(full))).files).toHaveLength(5);
  });

  test('files that are not those of the sums are refused', async () => {
    const summed = { ...files, [`${identifier}-SHA256SUMS`]: sumsOf(files) };
    const changed = await temporaryFolder({ ...summed, [`${identifier}-software.tar.gz`]: 'changed' });
    await expect(openSubject(software(changed))).rejects.toThrow(PackagingError);
    await expect(openSubject(software(changed))).rejects.toThrow(/software\.tar\.gz does not match its sum/);
    const added = await temporaryFolder({ ...summed, [`${identifier}-install.sh`]: 'evil' });
    await expect(openSubject(software(added))).rejects.toThrow(/does not list .*install\.sh/);
  });

  test.each<[string, string, (folder: string, file: string) => Promise<unknown>, RegExp]>([
    [
      'manifest.json',
      'a link to a device without end',
      (_, file) => symlink('/dev/zero', file),
      /symbolic link/,
    ],
    ['manifest.json', 'a link to itself', (_, file) => symlink(file, file), /symbolic link/],
    ['manifest.json', 'a folder', (_, file) => mkdir(file), /is a folder/],
    [
      'manifest.json',
      'huge',
      (_, file) => writeFile(file, ' '.repeat(2 << 20)),
      /has 2097152 bytes, more than/,
    ],
    ['modules.tar.gz', 'a folder', (_, file) => mkdir(file), /modules\.tar\.gz is a folder/],
    ['software.tar.gz', 'a folder', (_, file) => mkdir(file), /software\.tar\.gz is a folder/],
    ['install.sh', 'a link', (_, file) => symlink('/bin/sh', file), /install\.sh is a symbolic link/],
    ['SHA256SUMS', 'a link', (_, file) => symlink('/dev/zero', file), /SHA256SUMS is a symbolic link/],
  ])('a %s that is %s is an InputError at once', async (end, _, make, message) => {
    const folder = await temporaryFolder(files);
    const file = join(folder, `${identifier}-${end}`);
    await rm(file, { force: true });
    await make(folder, file);
    const attempt = openSubject(software(folder));
    await expect(attempt).rejects.toThrow(InputError);
    await expect(attempt).rejects.toThrow(message);
  });

  test.each<[string, Record<string, string>, string, RegExp]>([
    ['another name', files, 'slurm.tar.gz', /not named like slurm-24/],
    ['no tarball', {}, `${identifier}-software.tar.gz`, /software.*modules.*manifest.* are missing/],
    [
      "another target's manifest",
      { ...files, [`${identifier}-manifest.json`]: manifest.replace('24.11.6', '24.11.5') },
      `${identifier}-software.tar.gz`,
      /not the manifest of/,
    ],
    ...[
      '{',
      'hello',
      'null',
      '[]',
      '{"target": 1}',
      `{"target": "${identifier}", "runtimePackages": "libc6"}`,
    ].map((text): [string, Record<string, string>, string, RegExp] => [
      `a manifest that is ${text}`,
      { ...files, [`${identifier}-manifest.json`]: text },
      `${identifier}-software.tar.gz`,
      /not the manifest of/,
    ]),
    [
      'a manifest of very many packages',
      {
        ...files,
        [`${identifier}-manifest.json`]: JSON.stringify({
          target: identifier,
          runtimePackages: Array(1000).fill('libc6'),
        }),
      },
      `${identifier}-software.tar.gz`,
      /not the manifest of/,
    ],
  ])('%s is an InputError', async (_, given, name, message) => {
    const attempt = openSubject(join(await temporaryFolder(given), name));
    await expect(attempt).rejects.toThrow(InputError);
    await expect(attempt).rejects.toThrow(message);
  });
});
