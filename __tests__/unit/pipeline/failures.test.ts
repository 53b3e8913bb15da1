import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as errors from '../../../src/base/errors.js';
import { exists } from '../../../src/base/files.js';
import { host, memoryCache, never, writeFiles } from '../../support/fakes.js';
import { type MachineScript, onMachine, signingKey } from '../../support/machine.js';
import { build, spackVerbs } from '../../support/pipeline.js';
import { containerIn } from '../../support/records.js';

describe('what goes wrong', () => {
  const failing = (
    part: string,
    answer: { exitCode: number; stdout?: string; stderr?: string },
  ): MachineScript => ({
    answer: (words) => (words.join(' ').includes(part) ? answer : undefined),
  });

  test.each<[string, MachineScript, new (...args: never[]) => Error, RegExp]>([
    [
      'no Spack to be had',
      failing(' fetch ', { exitCode: 128, stderr: 'fatal: unable to access' }),
      errors.SpackUnreachableError,
      /git\.test.*unable to access/,
    ],
    [
      'a container that does not start',
      failing('run --detach', { exitCode: 125, stderr: 'no space left' }),
      errors.ContainerError,
      /no space left/,
    ],
    [
      'an image that lacks packages',
      failing('dpkg-query', { exitCode: 1, stderr: 'no packages found matching libmunge-dev' }),
      errors.ContainerError,
      /libmunge-dev/,
    ],
    [
      'no solution',
      failing(' concretize', { exitCode: 1, stderr: '==> Error: cannot satisfy munge@99' }),
      errors.ConcretizationError,
      /cannot satisfy munge@99/,
    ],
    [
      'other bytes than expected',
      failing(' install ', { exitCode: 1, stderr: 'ChecksumError: sha256 checksum failed for slurm.tar.gz' }),
      errors.ChecksumError,
      /checksum failed for slurm\.tar\.gz/,
    ],
    [
      'an install that Spack forgot',
      failing(' install ', { exitCode: 0 }),
      errors.PackagingError,
      /its database .* does not/,
    ],
    [
      'a tarball that could not be written',
      failing('--use-compress-program', { exitCode: 2, stderr: 'tar: No space left on device' }),
      errors.PackagingError,
      /No space left on device/,
    ],
    [
      'a library of nobody',
      {
        facts: (facts) => ({
          ...facts,
          systemLibraries: [{ soname: 'libmunge.so.2', path: '/usr/local/lib/libmunge.so.2', package: null }],
        }),
      },
      errors.PackagingError,
      /auth_munge\.so: it needs \/usr\/local\/lib\/libmunge\.so\.2, which belongs to no package/,
    ],
    [
      'an audit that can not be done',
      failing('elf_inventory', { exitCode: 1, stderr: 'Traceback\nMemoryError' }),
      errors.PackagingError,
      /could not be audited: MemoryError/,
    ],
    [
      'an image for the smoke test that can not be made',
      failing('slurm-factory=smoke', { exitCode: 1, stderr: 'E: Unable to locate package lmod' }),
      errors.ContainerError,
      /Unable to locate package lmod/,
    ],
  ])('%s', async (_, script, kind, message) => {
    const { error, report, process, record, ports } = await build({ script });
    expect(report).toBeUndefined();
    expect(error).toBeInstanceOf(kind);
    expect(String(error)).toMatch(message);
    expect(ports.artifacts.uploads.filter((upload) => !upload.name.endsWith('-logs'))).toEqual([]);
    expect(await exists(record?.buildFolder ?? '')).toBe(false);
    const started = process.lines.some((line) => line.startsWith('docker run'));
    expect(process.lines.some((line) => line.startsWith('docker rm'))).toBe(started);
  });

  test('a package that fails: which, in which phase, and the first line of its log that says why', async () => {
    const script: MachineScript = {
      answer: async (words, folders) => {
        if (!words.includes('install')) return undefined;
        await writeFiles(folders['stage'] ?? '', {
          'builder/spack-stage-slurm-1-sss/spack-build-out.txt':
            'checking...\nconfigure: error: no munge\nmake: no\n',
        });
        const log = '/opt/slurm-factory/stage/builder/spack-stage-slurm-1-sss/spack-build-out.txt';
        const lines = [
          '[ ] sssssss slurm@24-11-6-1 configure (3s)',
          `[x] sssssss slurm@24-11-6-1 failed: ${log} (4s)`,
        ];
        return { exitCode: 1, stdout: lines.join('\n'), stderr: '==> Error: slurm was not installed' };
      },
    };
    const { error, ports } = await build({ script });
    expect(error).toBeInstanceOf(errors.PackageBuildError);
    expect((error as errors.PackageBuildError).failure).toMatchObject({
      package: 'slurm@24-11-6-1',
      phase: 'configure',
      firstError: 'configure: error: no munge',
    });
    const [logs] = ports.artifacts.uploads;
    expect(logs?.name).toBe('slurm-24.11.6-bookworm-amd64-logs');
    // The name that the error tells is a name among the logs that are kept.
    const named = (error as errors.PackageBuildError).failure.log ?? '';
    expect(logs?.files[named]).toContain('configure: error: no munge');
  });

  test('after a failure the next build takes up what was finished', async () => {
    const cache = memoryCache();
    const script: MachineScript = {
      answer: (words) => (words.includes('install') ? { exitCode: 1, stderr: '==> Error: no' } : undefined),
    };
    await build({ cache, script });
    const second = await build({ cache });
    expect(spackVerbs(second.process.lines)).toEqual(['install']);
    expect(second.report?.cacheHit).toBe('none');
  });
});

describe('keepContainer', () => {
  const failing: MachineScript = {
    answer: (words) => (words.includes('install') && words[0] !== 'git' ? { exitCode: 1 } : undefined),
  };

  test('leaves the container and the folder of a failed build, and says how to enter and remove them', async () => {
    const { error, process, request, record, ports } = await build({
      script: failing,
      request: { keepContainer: true },
    });
    expect(error).toBeInstanceOf(errors.PackageBuildError);
    const name = containerIn(record, 'build')?.name;
    expect(process.lines).not.toContain(`docker rm --force --volumes ${name}`);
    expect(process.lines).toContain(`docker rm --force --volumes ${name}-fetch`);
    const started = process.lines.filter((line) => line.startsWith('docker run'));
    expect(started.map((line) => line.includes(' --label slurm-factory.keep=1 '))).toEqual([true, false]);
    expect((await readdir(request.workRoot)).sort()).toEqual([basename(record?.buildFolder ?? ''), 'clones']);
    expect(ports.logger.of('notice').join('\n')).toContain(
      `The container ${name} is kept. Look into it: slurm-factory shell slurm-24.11.6-bookworm-amd64, or ` +
        `docker exec -it ${name} bash. Remove it: slurm-factory clean, or ` +
        `docker rm --force --volumes ${name} && rm -rf ${record?.buildFolder}`,
    );
  });

  test('with engine none leaves the folder', async () => {
    const { error, request, record, ports } = await build({
      // A session there, and a Spack in it that writes no lock.
      script: { answer: onMachine },
      request: {
        keepContainer: true,
        layers: [{ engine: 'none' }],
        host: host({ os: { id: 'debian', version: '12' } }),
      },
    });
    expect(error).toBeDefined();
    expect(await readdir(request.workRoot)).toContain(basename(record?.buildFolder ?? ''));
    expect(ports.logger.of('notice').join('\n')).toContain(
      `The build's folder is kept: ${record?.buildFolder}`,
    );
  });

  test.each<[string, MachineScript]>([
    ['that succeeds', {}],
    [
      'that could not start its container',
      { answer: (words) => (words[1] === 'run' ? { exitCode: 125 } : undefined) },
    ],
  ])('leaves nothing of a build %s', async (_, script) => {
    const { process, request, record } = await build({ script, request: { keepContainer: true } });
    expect(process.lines).toContain(`docker rm --force --volumes ${containerIn(record, 'build')?.name}`);
    expect(await readdir(request.workRoot)).toEqual(['clones']);
  });

  test('leaves nothing of a build that was cancelled', async () => {
    const controller = new AbortController();
    const script: MachineScript = {
      answer: (words) => {
        if (!words.includes('install')) return undefined;
        setImmediate(() => controller.abort());
        return never;
      },
    };
    const { process, record, request } = await build({
      script,
      signal: controller.signal,
      request: { keepContainer: true },
    });
    expect(process.lines).toContain(`docker rm --force --volumes ${containerIn(record, 'build')?.name}`);
    expect(await readdir(request.workRoot)).toEqual(['clones']);
  });
});

describe('a cancel', () => {
  const is =
    (...wanted: string[]) =>
    (words: readonly string[]) =>
      wanted.every((word) => words.includes(word));

  test.each<[string, (words: readonly string[]) => boolean]>([
    ['an engine is looked for', is('docker', 'version')],
    ['a ref is asked for', is('git', 'ls-remote')],
    ['Spack is fetched', is('git', 'fetch')],
    ['an image is looked for', is('docker', 'image')],
    ['the container starts', is('docker', 'run')],
    ['Spack concretizes', is('concretize')],
    ['Spack fetches', (words) => words[0] !== 'git' && words.includes('fetch')],
    ['Spack installs', is('install')],
    ['a tarball is made', (words) => words.some((word) => word.startsWith('--transform='))],
    ['it is audited', (words) => words[2]?.includes('# elf_inventory.py') === true],
    ['it is tested', is('--checks')],
    ['it is signed', is('gpg', '--detach-sign')],
  ])(
    'while %s reaches the process, and the containers go',
    async (_, waits) => {
      const controller = new AbortController();
      const script: MachineScript = {
        answer: (words) => {
          if (!waits(words)) return undefined;
          setImmediate(() => controller.abort());
          return never;
        },
      };
      const signing = { 'gpg-private-key': signingKey.armored, 'gpg-passphrase': signingKey.passphrase };
      const layers = [signing, waits(['git', 'ls-remote']) ? { 'spack-ref': 'develop' } : {}];
      const { error, process } = await build({ script, signal: controller.signal, request: { layers } });
      expect(error).toBeInstanceOf(errors.CancelledError);
      expect(controller.signal.aborted).toBe(true);
      for (const { command } of process.calls.filter(({ command }) => command[1] === 'run')) {
        const name = command[command.indexOf('--name') + 1];
        expect(process.lines).toContain(`docker rm --force --volumes ${name}`);
      }
    },
    10_000,
  );

  test('while the builder image is made starts no container any more', async () => {
    const controller = new AbortController();
    const script: MachineScript = {
      answer: (words) => {
        if (words.includes('inspect')) controller.abort();
        return undefined;
      },
    };
    const { error, process } = await build({ script, signal: controller.signal });
    expect(error).toBeInstanceOf(errors.CancelledError);
    expect(process.lines.some((line) => line.startsWith('docker run'))).toBe(false);
  });
});
