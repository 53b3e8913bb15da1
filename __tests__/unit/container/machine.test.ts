import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { MissingRequirementError } from '../../../src/base/errors.js';
import { exists } from '../../../src/base/files.js';
import { ensurePackages, ensurePython } from '../../../src/container/machine.js';
import { imagePackages } from '../../../src/targets/toolchains.js';
import { fakeProcess, host, recordingLogger, temporaryFolder, toolchain } from '../../support/fakes.js';

const all = imagePackages(toolchain());

/** A machine that has some packages of the distribution. */
const withPackages = (names: readonly string[], install = { exitCode: 0, stderr: '' }) =>
  fakeProcess((command) => {
    if (command[0] === 'dpkg-query') {
      const half = 'half-there config-files\n';
      // dpkg writes the architecture behind libraries that may be there for several.
      return {
        exitCode: names.length === all.length ? 0 : 1,
        stdout:
          half + names.map((name) => `${name}${name.startsWith('lib') ? ':amd64' : ''} installed\n`).join(''),
      };
    }
    if (command[0] === 'rpm') return { exitCode: names.includes(command.at(-1) ?? '') ? 0 : 1 };
    return command.includes('install') ? install : undefined;
  });

describe('ensurePackages', () => {
  const rpm = toolchain({ packageManager: 'rpm' });

  test('a machine that has all is asked, and nothing is installed', async () => {
    const process = withPackages(all);
    await ensurePackages(toolchain(), host(), true, { process, logger: recordingLogger() });
    expect(process.calls.map(({ command }) => command[0])).toEqual(['dpkg-query']);
  });

  test.each([
    ['a user', 1001, toolchain(), 'sudo apt-get install --yes --no-install-recommends libmunge-dev patchelf'],
    ['root', 0, toolchain(), 'apt-get install --yes --no-install-recommends libmunge-dev patchelf'],
    ['rpm', 0, rpm, 'dnf install --assumeyes --setopt=install_weak_deps=False libmunge-dev patchelf'],
  ])('without leave %s is told the exact command', async (_, uid, given, command) => {
    const has = all.filter((name) => name !== 'libmunge-dev' && name !== 'patchelf');
    const process = withPackages(has);
    const attempt = ensurePackages(given, host({ uid }), false, { process, logger: recordingLogger() });
    await expect(attempt).rejects.toThrow(MissingRequirementError);
    await expect(attempt).rejects.toMatchObject({
      hint: expect.stringContaining(`Install them: ${command}\n`),
    });
    expect(process.lines.some((line) => line.includes('install '))).toBe(false);
  });

  test('with leave it updates the lists and installs what is missing', async () => {
    const process = withPackages(all.slice(1));
    await ensurePackages(toolchain(), host(), true, { process, logger: recordingLogger() });
    expect(process.lines.slice(1)).toEqual([
      'sudo apt-get update',
      `sudo apt-get install --yes --no-install-recommends ${all[0]}`,
    ]);
  });

  test('with leave it enables what has them first', async () => {
    const repositories = { packages: ['epel-release'], enabled: ['crb'] };
    const given = toolchain({ packageManager: 'rpm', repositories });
    const names = imagePackages(given);
    const process = withPackages(names.slice(1));
    await ensurePackages(given, host(), true, { process, logger: recordingLogger() });
    const dnf = 'sudo dnf install --assumeyes --setopt=install_weak_deps=False';
    expect(process.lines.slice(names.length)).toEqual([
      `${dnf} epel-release`,
      'sudo dnf config-manager --set-enabled crb',
      `${dnf} ${names[0]}`,
    ]);
  });

  test('an install that fails is told with its last line', async () => {
    const process = withPackages([], { exitCode: 100, stderr: 'W: ...\nE: no network\n' });
    const attempt = ensurePackages(toolchain(), host(), true, { process, logger: recordingLogger() });
    await expect(attempt).rejects.toThrow(/apt-get install .*failed: E: no network/);
  });
});

describe('ensurePython', () => {
  const requirements = 'clingo==5.8.0 --hash=sha256:00\n';
  /** Python as far as the file system sees it. */
  const python = (pip = { exitCode: 0, stderr: '' }) =>
    fakeProcess(async (command) => {
      if (!command.includes('venv')) return pip;
      const folder = command.at(-1) ?? '';
      await mkdir(join(folder, 'bin'), { recursive: true });
      await writeFile(join(folder, 'bin', 'python3'), '');
      return undefined;
    });

  test('makes the environment once for each set of pins', async () => {
    const root = await temporaryFolder();
    const process = python();
    const ports = { process, logger: recordingLogger() };
    const first = await ensurePython(root, { toolchain: toolchain(), requirements }, undefined, ports);
    expect(process.calls).toHaveLength(2);
    expect(await ensurePython(root, { toolchain: toolchain(), requirements }, undefined, ports)).toBe(first);
    expect(process.calls).toHaveLength(2);
    expect(
      await ensurePython(
        root,
        { toolchain: toolchain(), requirements: `${requirements}more\n` },
        undefined,
        ports,
      ),
    ).not.toBe(first);
    expect(process.calls).toHaveLength(4);
    expect(first).toMatch(/\/bin\/python3$/);
  });

  test("is made by the toolchain's Python, once for each", async () => {
    const root = await temporaryFolder();
    const process = python();
    const ports = { process, logger: recordingLogger() };
    const made = await ensurePython(
      root,
      { toolchain: { python: 'python3.12' }, requirements },
      undefined,
      ports,
    );
    expect(process.lines[0]).toMatch(/^python3\.12 -m venv /);
    expect(await ensurePython(root, { toolchain: toolchain(), requirements }, undefined, ports)).not.toBe(
      made,
    );
  });

  test('installs by hash only', async () => {
    const process = python();
    await ensurePython(await temporaryFolder(), { toolchain: toolchain(), requirements }, '/etc/ca.crt', {
      process,
      logger: recordingLogger(),
    });
    expect(process.calls[1]?.command).toEqual(
      expect.arrayContaining(['--require-hashes', '--no-deps', '--cert', '/etc/ca.crt']),
    );
  });

  test('builds that start at the same time do not get in the way of each other', async () => {
    const root = await temporaryFolder();
    // Each pip ends only when all have begun.
    let begun = 0;
    const steps: string[] = [];
    const process = fakeProcess(async (command) => {
      const target = command.includes('venv') ? (command.at(-1) ?? '') : (command[0] ?? '');
      if (command.includes('venv')) {
        await mkdir(join(target, 'bin'), { recursive: true });
        await writeFile(join(target, 'bin', 'python3'), '', { flag: 'wx' });
        return undefined;
      }
      begun += 1;
      while (begun < 5) await new Promise((resolve) => setTimeout(resolve, 5));
      expect(await exists(target)).toBe(true);
      expect(await readFile(command.at(-1) ?? '', 'utf8')).toBe(requirements);
      steps.push(target);
      return undefined;
    });
    const all = await Promise.all(
      [1, 2, 3, 4, 5].map(() =>
        ensurePython(root, { toolchain: toolchain(), requirements }, undefined, {
          process,
          logger: recordingLogger(),
        }),
      ),
    );
    expect(new Set(all).size).toBe(1);
    expect(new Set(steps).size).toBe(5);
    expect(await exists(all[0] ?? '')).toBe(true);
    // What the others made is gone.
    expect(await readdir(root)).toHaveLength(1);
  });

  test('one that failed half-way is not taken for ready', async () => {
    const root = await temporaryFolder();
    const broken = { process: python({ exitCode: 1, stderr: 'no index' }), logger: recordingLogger() };
    await expect(
      ensurePython(root, { toolchain: toolchain(), requirements }, undefined, broken),
    ).rejects.toThrow(/pip install .*failed: no index/);
    const whole = { process: python(), logger: recordingLogger() };
    await ensurePython(root, { toolchain: toolchain(), requirements }, undefined, whole);
    expect(whole.process.calls).toHaveLength(2);
  });
});
