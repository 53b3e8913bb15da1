import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { AuditError } from '../../../src/audit/error.js';
import { InputError } from '../../../src/base/errors.js';
import { auditFile, smokeFile } from '../../../src/pipeline/inspect.js';
import { SmokeError } from '../../../src/smoke/report.js';
import { fakePorts, fakeProject, host, readFiles, temporaryFolder } from '../../support/fakes.js';
import { fakeMachine, type MachineScript } from '../../support/machine.js';

const target = 'slurm-24.11.6-bookworm-amd64';

/** A finished result in a folder, and what a check of it needs. */
async function result(script: MachineScript = {}) {
  const folder = await temporaryFolder({
    [`${target}-software.tar.gz`]: 'software',
    [`${target}-modules.tar.gz`]: 'modules',
    [`${target}-manifest.json`]: JSON.stringify({ target, runtimePackages: ['libmunge2'] }),
  });
  const process = fakeMachine(script);
  return {
    folder,
    process,
    tarball: join(folder, `${target}-software.tar.gz`),
    ports: fakePorts({ process }),
    request: {
      project: fakeProject(),
      host: host(),
      engine: 'docker' as const,
      workRoot: await temporaryFolder(),
      env: { PATH: '/bin' },
    },
  };
}

const nameOf = (lines: readonly string[]) =>
  / --name (\S+) /.exec(lines.find((line) => line.startsWith('docker run')) ?? '')?.[1] ?? '';

describe('auditFile', () => {
  test('audits a tarball where it lies; nothing is added to its folder, and the container goes', async () => {
    const { folder, tarball, request, ports, process } = await result();
    const before = await readFiles(folder);
    expect(await auditFile(tarball, request, ports)).toMatchObject({
      tarball: basename(tarball),
      findings: [],
      runtimePackages: ['libc6', 'libmunge2'],
    });
    expect(await readFiles(folder)).toEqual(before);
    expect(process.lines.at(-1)).toBe(`docker rm --force --volumes ${nameOf(process.lines)}`);
  });

  test('a broken rule is an AuditError, and the container goes', async () => {
    const { tarball, request, ports, process } = await result({
      facts: (facts) => ({ ...facts, damage: 'unexpected end of data' }),
    });
    await expect(auditFile(tarball, request, ports)).rejects.toThrow(AuditError);
    const name = nameOf(process.lines);
    expect(process.lines.at(-1)).toBe(`docker rm --force --volumes ${name}`);
    const left = (await readdir(tmpdir())).filter((folder) => folder.toLowerCase() === name);
    expect(left).toEqual([]);
  });

  test.each([
    ['another name', 'slurm.tar.gz', /is not named like/],
    ['a modules tarball', `${target}-modules.tar.gz`, /is not named like/],
    ['no target', 'a-software.tar.gz', /is not named like/],
    ['a file that is not there', 'slurm-24.05.8-bookworm-amd64-software.tar.gz', /there is no file/],
  ])('%s is refused before anything starts', async (_, name, message) => {
    const { folder, request, ports, process } = await result();
    const attempt = auditFile(join(folder, name), request, ports);
    await expect(attempt).rejects.toThrow(InputError);
    await expect(attempt).rejects.toThrow(message);
    expect(process.lines).toEqual([]);
  });
});

describe('a tarball that can not be audited is refused at once', () => {
  const name = `${target}-software.tar.gz`;
  test.each<[string, (file: string) => Promise<unknown>, RegExp]>([
    ['a folder', (file) => mkdir(file), /' is a folder\./],
    ['empty', (file) => writeFile(file, ''), /' is empty\./],
    ['a link to a device without end', (file) => symlink('/dev/zero', file), /' is a device\./],
    ['a link to nothing', (file) => symlink('nothing', file), /there is no file/],
    ['a link to itself', (file) => symlink(file, file), /can't be read \(ELOOP\)/],
    ['below a file', (file) => writeFile(join(file, '..', 'x'), ''), /there is no file/],
  ])('%s', async (_, make, message) => {
    const { request, ports, process } = await result();
    const folder = await temporaryFolder();
    await make(join(folder, name));
    const attempt = auditFile(join(folder, name), request, ports);
    await expect(attempt).rejects.toThrow(InputError);
    await expect(attempt).rejects.toThrow(message);
    expect(process.lines).toEqual([]);
  });

  test('a path that is too long', async () => {
    const { request, ports } = await result();
    const attempt = auditFile(join('/tmp', 'x'.repeat(5000), name), request, ports);
    await expect(attempt).rejects.toThrow(InputError);
    await expect(attempt).rejects.toThrow(/ENAMETOOLONG/);
  });

  test.each(['audit', 'smoke'])(
    '%s: a toolchain that is not known, with the nearest that is',
    async (verb) => {
      const { request, ports, process } = await result();
      const other = target.replace('bookworm', 'bookwurm');
      const folder = await temporaryFolder({
        [`${other}-software.tar.gz`]: 'x',
        [`${other}-modules.tar.gz`]: 'x',
        [`${other}-manifest.json`]: JSON.stringify({ target: other, runtimePackages: [] }),
      });
      const tarball = join(folder, `${other}-software.tar.gz`);
      const attempt =
        verb === 'audit' ? auditFile(tarball, request, ports) : smokeFile(tarball, {}, request, ports);
      await expect(attempt).rejects.toThrow(InputError);
      await expect(attempt).rejects.toThrow(/'bookwurm' is not a known toolchain. Did you mean 'bookworm'/);
      expect(process.lines).toEqual([]);
    },
  );
});

describe('what is left', () => {
  const before = process.env['TMPDIR'];
  afterEach(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  });

  test.each([
    [
      'no engine',
      { answer: (words: readonly string[]) => (words[0] === 'docker' ? { exitCode: 127 } : undefined) },
    ],
    [
      'a builder image that can not be made',
      {
        answer: (words: readonly string[]) =>
          words[1] === 'image' || words[1] === 'build' ? { exitCode: 1, stderr: 'no' } : undefined,
      },
    ],
    [
      'a container that does not start',
      { answer: (words: readonly string[]) => (words[1] === 'run' ? { exitCode: 125 } : undefined) },
    ],
  ])('%s: nothing', async (_, script) => {
    const { tarball, request, ports } = await result(script);
    const temporary = await temporaryFolder();
    process.env['TMPDIR'] = temporary;
    await expect(auditFile(tarball, request, ports)).rejects.toThrow();
    await expect(smokeFile(tarball, {}, request, ports)).rejects.toThrow();
    expect(await readdir(temporary)).toEqual([]);
  });

  test('the container sees the tarball, and nothing else of its folder', async () => {
    const seen: string[][] = [];
    const { folder, tarball, request, ports, process } = await result({
      answer: async (words, folders) => {
        if (words[1] === '-c') seen.push(await readdir(folders['output'] ?? ''));
        return undefined;
      },
    });
    await auditFile(tarball, request, ports);
    expect(seen).toEqual([[basename(tarball)]]);
    expect(process.lines.join('\n')).not.toContain(folder);
  });
});

describe('smokeFile', () => {
  test('tests a result where it lies, installed at the place that is told', async () => {
    const { folder, tarball, request, ports, process } = await result();
    const before = await readFiles(folder);
    const report = await smokeFile(tarball, { prefix: '/srv/slurm' }, request, ports);
    expect(report).toMatchObject({ target, prefix: '/srv/slurm' });
    expect(report.checks.every((check) => check.status === 'passed')).toBe(true);
    expect(await readFiles(folder)).toEqual(before);
    expect(process.lines.at(-1)).toBe(`docker rm --force --volumes ${nameOf(process.lines)}`);
  });

  test('a failed check is a SmokeError, and the container goes', async () => {
    const { tarball, request, ports, process } = await result({
      check: (name) => (name === 'sacct' ? { status: 'failed', detail: 'no rows' } : undefined),
    });
    await expect(smokeFile(tarball, {}, request, ports)).rejects.toThrow(SmokeError);
    expect(process.lines.at(-1)).toBe(`docker rm --force --volumes ${nameOf(process.lines)}`);
  });
});
