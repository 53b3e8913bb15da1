import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { exists } from '../../../src/base/files.js';
import { processOwner } from '../../../src/base/owner.js';
import * as library from '../../../src/index.js';
import { localMachine, type Machine } from '../../../src/local/machine.js';
import { parseReleases } from '../../../src/targets/release-data.js';
import { writeResult } from '../../support/bundle.js';
import {
  fakeProcess,
  fakeProject,
  recordingLogger,
  temporaryFolder,
  writeFiles,
} from '../../support/fakes.js';
import { fakeMachine, type MachineScript } from '../../support/machine.js';
import { readProjectFile } from '../../support/project-file.js';
import { buildFolderName, endedOwner } from '../../support/records.js';

/*
 * A test for each entry of the API reference that users of slurm-factory know; `__tests__/api-reference.yaml` names
 * them, and `docs/api-reference.md` is made of that.
 */

/** A builder on a fake machine, whose folders lie below one new folder. */
async function onFakeMachine(script: MachineScript = {}, options: library.SlurmBuilderOptions = {}) {
  const cwd = await temporaryFolder();
  const process = fakeMachine(script);
  const machine: Machine = {
    ...localMachine,
    inspectHost: async (given) => ({ ...(await localMachine.inspectHost(given)), cpus: 8, memory: 64e9 }),
    openProject: async () => fakeProject({ overlay: join(cwd, 'project', 'spack-repo') }),
    process: () => process,
    ports: (given) => ({ ...localMachine.ports(given), process }),
  };
  const env = { PATH: '/usr/bin:/bin', HOME: cwd, SLURM_FACTORY_ENGINE: 'docker' };
  const logger = recordingLogger();
  const builder = new library.SlurmBuilder({ cwd, env, logger, ...options }, machine);
  return { cwd, env, process, logger, machine, builder };
}

const [version, series] = ['24.11.6', '24.11'];

describe('SlurmBuilder', () => {
  test('SlurmBuilder(output_dir)', async () => {
    const { cwd, builder } = await onFakeMachine({}, { outputDir: 'made' });
    await builder.buildSlurmPackage(version);
    expect((await readdir(join(cwd, 'made'))).some((name) => name.endsWith('-software.tar.gz'))).toBe(true);
  });

  test('SlurmBuilder(config)', async () => {
    const { cwd, env, machine } = await onFakeMachine();
    const values = { 'output-dir': join(cwd, 'from config'), 'cache-dir': join(cwd, 'cache') };
    const config = new library.Config({ cwd, env, values });
    const builder = new library.SlurmBuilder({ config }, machine);
    expect((await builder.buildSlurmPackage(version)).success).toBe(true);
    expect(await exists(join(cwd, 'from config'))).toBe(true);
    expect(await exists(join(cwd, 'cache', 'entries'))).toBe(true);
  });

  test('build_slurm_package(slurm_version, gpu)', async () => {
    const { builder, cwd } = await onFakeMachine();
    const result = await builder.buildSlurmPackage(series, { gpu: true });
    expect(result).toMatchObject({ success: true, slurmVersion: version, gpuEnabled: true, errors: [] });
    expect(result.packages).toEqual([
      expect.stringMatching(/-cuda-software\.tar\.gz$/),
      expect.stringMatching(/-cuda-modules\.tar\.gz$/),
    ]);
    for (const file of result.packages) expect(file.startsWith(join(cwd, 'slurm-factory-output'))).toBe(true);
    for (const file of result.packages) expect(await exists(file)).toBe(true);
    const plain = await builder.buildSlurmPackage(series, { inputs: { dependencies: 'system' } });
    expect(plain.gpuEnabled).toBe(false);
    expect(plain.packages[0]).toMatch(/-bookworm-amd64-software\.tar\.gz$/);
  });

  test('build_slurm_package raises BuildError', async () => {
    const { builder, cwd } = await onFakeMachine({
      answer: (words) => (words.includes('install') ? { exitCode: 1, stdout: 'error: no' } : undefined),
    });
    const result = await builder.buildSlurmPackage(version);
    expect(result).toMatchObject({ success: false, packages: [], slurmVersion: version, gpuEnabled: false });
    expect(result.errors).toEqual([expect.stringMatching(/failed in phase .*error: no/)]);
    expect(result.error).toBeInstanceOf(library.PackageBuildError);
    expect(result.error).toBeInstanceOf(library.SpackError);
    expect((await readdir(join(cwd, '.cache', 'slurm-factory'))).some((name) => /^build-/.test(name))).toBe(
      false,
    );
  });

  test('build_slurm_package raises ContainerError', async () => {
    const { builder } = await onFakeMachine({
      answer: (words) => (words[1] === 'run' ? { exitCode: 125, stderr: 'no space' } : undefined),
    });
    const attempt = builder.buildSlurmPackage(version);
    await expect(attempt).rejects.toThrow(library.ContainerError);
    await expect(attempt).rejects.toMatchObject({
      containerId: expect.stringMatching(/^slurm-factory-build-/),
    });
  });

  test('wrong inputs are all told at once, with where they stand', async () => {
    const { cwd, env } = await onFakeMachine();
    const wrong = { ...env, SLURM_FACTORY_SPACK_JOBS: 'many', SLURM_FACTORY_LOG_LEVEL: 'loud' };
    const builder = new library.SlurmBuilder({ cwd, env: wrong });
    const attempt = builder.buildSlurmPackage('1.2');
    await expect(attempt).rejects.toThrow(library.InputError);
    await expect(attempt).rejects.toThrow(/jobs \(SLURM_FACTORY_SPACK_JOBS\)/);
    await expect(attempt).rejects.toThrow(/log-level \(SLURM_FACTORY_LOG_LEVEL\)/);
    await expect(attempt).rejects.toThrow(/slurm-version: /);
  });
});

describe('beyond the reference', () => {
  test('AbortSignal: a cancelled build rejects and leaves nothing', async () => {
    const controller = new AbortController();
    const { builder, cwd } = await onFakeMachine({
      answer: (words) => {
        if (words.includes('concretize')) controller.abort(new Error('stop'));
        return undefined;
      },
    });
    const attempt = builder.buildSlurmPackage(version, { signal: controller.signal });
    await expect(attempt).rejects.toThrow(library.CancelledError);
    const names = await readdir(join(cwd, '.cache', 'slurm-factory'));
    expect(names.filter((name) => /^build-/.test(name))).toEqual([]);
  });

  test('events tell how far a build is, and a listener that throws ends none', async () => {
    const { builder, logger } = await onFakeMachine();
    const seen: library.ProgressEvent[] = [];
    const onProgress = (event: library.ProgressEvent) => {
      seen.push(event);
      if (event.what === 'packages') throw new Error('mine');
    };
    expect((await builder.buildSlurmPackage(version, { onProgress })).success).toBe(true);
    const stages = seen.flatMap((event) => (event.what === 'stage' ? [event.stage] : []));
    expect(stages.slice(0, 3)).toEqual(['resolve', 'find-result', 'preflight']);
    expect(seen).toContainEqual(expect.objectContaining({ what: 'target', release: version }));
    expect(logger.of('warning').filter((line) => line.includes('mine'))).toHaveLength(1);
  });

  test('a log file gets what its level says, with no logger at all', async () => {
    const { cwd, env, machine } = await onFakeMachine();
    const values = { 'log-file': 'logs/a.log', 'log-level': 'info' };
    const builder = new library.SlurmBuilder({ config: new library.Config({ cwd, env, values }) }, machine);
    await builder.buildSlurmPackage(version);
    const text = await readProjectFile(join(cwd, 'logs', 'a.log'));
    expect(text).toMatch(/Z info == Install$/m);
    expect(text).not.toMatch(/Z debug /);
  });

  test('several builders of one process at once', async () => {
    const made = await Promise.all([onFakeMachine(), onFakeMachine(), onFakeMachine()]);
    const results = await Promise.all(made.map(({ builder }) => builder.buildSlurmPackage(version)));
    expect(results.map(({ success }) => success)).toEqual([true, true, true]);
    expect(new Set(results.flatMap(({ packages }) => packages)).size).toBe(6);
  });
});

test('SlurmVersion', async () => {
  const releases = parseReleases(await readProjectFile('data/slurm-releases.json'));
  expect(Object.values(library.SlurmVersion).toSorted()).toEqual(
    [...new Set(releases.map((release) => release.series))].toSorted(),
  );
  for (const [name, value] of Object.entries(library.SlurmVersion)) {
    expect(name).toBe(`V${value.replace('.', '_')}`);
  }
  expect(library.SlurmVersion.V25_05).toBe('25.05');
});

test('SLURM_VERSIONS', async () => {
  const releases = parseReleases(await readProjectFile('data/slurm-releases.json'));
  expect(Object.keys(library.SLURM_VERSIONS)).toEqual(Object.values(library.SlurmVersion));
  for (const [series, source] of Object.entries(library.SLURM_VERSIONS)) {
    const newest = releases.filter((release) => release.series === series).at(-1);
    expect(source).toEqual({
      release: newest?.version,
      url: `https://github.com/SchedMD/slurm/archive/refs/tags/${newest?.tag}.tar.gz`,
      hash: `sha256:${newest?.archiveSha256}`,
      commit: newest?.commit,
      spackSpec: `slurm@=${newest?.spack}`,
    });
  }
});

describe('Config', () => {
  const env = { HOME: '/home/me' };
  const at = { cwd: '/here', env };

  test('Config.build_dir', () => {
    expect(new library.Config(at).buildDir).toBe('/home/me/.cache/slurm-factory');
    const set = { ...at, env: { ...env, SLURM_FACTORY_BUILD_DIR: 'b' } };
    expect(new library.Config(set).buildDir).toBe('/here/b');
    expect(new library.Config({ ...set, outside: false }).buildDir).toBe('/home/me/.cache/slurm-factory');
  });

  test('Config.cache_dir', () => {
    const set = { ...at, env: { ...env, XDG_CACHE_HOME: '/xdg' } };
    expect(new library.Config(set).cacheDir).toBe('/xdg/slurm-factory');
    expect(new library.Config({ ...set, values: { 'cache-dir': '/mine' } }).cacheDir).toBe('/mine');
  });

  test('Config.output_dir', () => {
    expect(new library.Config(at).outputDir).toBe('/here/slurm-factory-output');
    const set = { ...at, env: { ...env, SLURM_FACTORY_OUTPUT_DIR: '/out' } };
    expect(new library.Config(set).outputDir).toBe('/out');
  });

  test('Config.get_container_config()', () => {
    const set = { ...env, SLURM_FACTORY_CONTAINER_CPU: '8', SLURM_FACTORY_CONTAINER_MEMORY: '16GB' };
    const config = new library.Config({ ...at, env: { ...set, SLURM_FACTORY_CONTAINER_IMAGE: 'debian:12' } });
    expect(config.getContainerConfig()).toMatchObject({
      ...{ image: 'debian:12', cpuLimit: '8', memoryLimit: '16GB', network: 'fetch' },
    });
    config.containerConfig = new library.ContainerConfig({ cpuLimit: '2' });
    expect(config.getContainerConfig().cpuLimit).toBe('2');
  });

  test('Config.get_spack_config(version, gpu)', async () => {
    const set = { ...env, SLURM_FACTORY_SPACK_JOBS: '8', SLURM_FACTORY_SPACK_CACHE: '/spack' };
    const config = new library.Config({ ...at, env: set });
    const made = await config.getSpackConfig('24.11.6', true);
    expect(made).toEqual({
      version: expect.stringMatching(/^[0-9a-f]{40}$/),
      installDir: '/opt/slurm-factory/store',
      cacheDir: '/spack',
      buildJobs: 8,
      specs: [expect.stringMatching(/^slurm@=24-11-6-1 \+nvml /)],
      variants: { slurm: expect.stringMatching(/^\+nvml /) },
    });
    expect((await config.getSpackConfig('24.11.6')).variants['slurm']).toMatch(/^~nvml /);
    await expect(config.getSpackConfig('1.2')).rejects.toThrow(library.InputError);
  });

  test('Config explains each value, and no secret', () => {
    const config = new library.Config({ ...at, values: { 'gpg-passphrase': 'hush', jobs: '3' } });
    const rows = config.explain();
    expect(rows.find(({ name }) => name === 'jobs')).toMatchObject({ value: '3', origin: 'input' });
    expect(JSON.stringify(rows)).not.toContain('hush');
  });
});

describe('ContainerConfig', () => {
  test('ContainerConfig: fields and defaults', () => {
    expect({ ...new library.ContainerConfig() }).toEqual({
      ...{ image: undefined, cpuLimit: undefined, memoryLimit: '16GB', swapLimit: false },
      ...{ network: 'default', storagePool: 'default', storageLimit: undefined },
    });
  });

  test('custom configuration: a container gets what it says', async () => {
    const { cwd, env, machine, process } = await onFakeMachine();
    const config = new library.Config({ cwd, env });
    config.containerConfig = new library.ContainerConfig({ cpuLimit: '2', memoryLimit: '2GB' });
    config.spackConfig = { buildJobs: 3 };
    const builder = new library.SlurmBuilder({ config }, machine);
    expect((await builder.buildSlurmPackage(series, { gpu: true })).success).toBe(true);
    const started = process.lines.filter((line) => line.startsWith('docker run --detach'));
    expect(started[0]).toContain('--cpus 2 --memory 2000000000 --memory-swap 2000000000');
    expect(process.lines.find((line) => line.includes('--fail-fast'))).toContain('--jobs 3');
  });

  test('a storage pool of another name is refused', () => {
    const containerConfig = new library.ContainerConfig({ storagePool: 'fast' });
    expect(() => new library.Config({ containerConfig, env: {} }).layers()).toThrow(library.InputError);
  });
});

test('SpackConfig: what a user may set', async () => {
  const spackConfig = { version: 'v1.2.0', buildJobs: 16, cacheDir: '/spack' };
  const config = new library.Config({ env: { HOME: '/home/me' }, cwd: '/here', spackConfig });
  expect(await config.getSpackConfig('24.11.6')).toMatchObject(spackConfig);
  const chosen = new library.Config({ env: {}, spackConfig: { variants: { slurm: '+ucx ~lua' } } });
  const { specs } = await chosen.getSpackConfig('24.11.6');
  expect(specs).toEqual(['slurm@=24-11-6-1 ~nvml ~oneapi ~rsmi ~debug ~lua +ucx']);
  const own = { specs: ['zlib'] } as library.SpackChoice;
  expect(() => new library.Config({ env: {}, spackConfig: own }).layers()).toThrow(library.InputError);
});

describe('script templates', () => {
  const values = { root: "/it's here", python: '/usr/bin/python3', jobs: 4 };

  test('SPACK_INSTALL_SCRIPT.substitute(spack_version, python_version)', () => {
    const template = library.SPACK_INSTALL_SCRIPT;
    expect(template.placeholders).toEqual(['pythonVersion', 'root', 'spackVersion']);
    expect(template.text).toContain('${spackVersion}');
    const script = template.substitute({ spackVersion: 'v1.2.0', pythonVersion: '3.11', root: '/srv' });
    expect(script).toMatch(/^#!\/bin\/sh\n/);
    expect(script).toMatch(/fetch .* -- https:\/\/github\.com\/spack\/spack\.git v1\.2\.0$/m);
    expect(script).toMatch(/^python3\.11 -m venv \/srv\/python$/m);
    expect(script).not.toContain('${');
  });

  test('SLURM_BUILD_SCRIPT', () => {
    const script = library.SLURM_BUILD_SCRIPT.substitute(values);
    expect(script).toMatch(/'\/it'\\''s here\/spack\/bin\/spack' .* install .*--jobs 4$/m);
  });

  test('PACKAGE_CREATION_SCRIPT', () => {
    const given = { prefix: '/opt/slurm', target: 'slurm-24.11.6-bookworm-amd64', outputDir: '/out' };
    const script = library.PACKAGE_CREATION_SCRIPT.substitute(given);
    expect(script).toMatch(/^tar --create --file \/out\/slurm-24\.11\.6-bookworm-amd64-software\.tar\.gz /m);
  });

  test('values that are missing or unknown are all told', () => {
    const attempt = () => library.SLURM_BUILD_SCRIPT.substitute({ root: '', job: 4, python: 'x' });
    expect(attempt).toThrow(library.InputError);
    expect(attempt).toThrow(
      /job: .*Did you mean 'jobs'\?[\s\S]*jobs: it has no value\.[\s\S]*root: it has no value\./,
    );
  });
});

describe('errors', () => {
  test('BuildError(message, details)', () => {
    const error = new library.BuildError('It failed.', 'Mend it.');
    expect(error).toMatchObject({ message: 'It failed.', hint: 'Mend it.', details: {}, exitCode: 4 });
    expect(error).toBeInstanceOf(library.FactoryError);
    const failure = { package: 'slurm', phase: 'build', firstError: 'no', log: undefined };
    expect(new library.PackageBuildError(failure).details).toEqual(failure);
  });

  test('ContainerError(message, container_id)', () => {
    const error = new library.ContainerError('It ended.', 'Look.', { containerId: 'slurm-factory-x' });
    expect(error).toMatchObject({ containerId: 'slurm-factory-x', exitCode: 3 });
    for (const one of [error, new library.NoEngineError('', '')]) {
      expect(one).toBeInstanceOf(library.BuildError);
      expect(one).toBeInstanceOf(library.ContainerError);
    }
  });

  test('SpackError(message, command)', () => {
    const error = new library.SpackError('No.', 'Look.', { command: 'spack install' });
    expect(error).toMatchObject({ command: 'spack install', exitCode: 4 });
    for (const one of [
      error,
      new library.ConcretizationError('', ''),
      new library.SpackUnreachableError('', ''),
    ])
      expect(one).toBeInstanceOf(library.SpackError);
    expect(error).toBeInstanceOf(library.BuildError);
  });

  test.each([
    [0, 'ok'],
    [1, 'general'],
    [2, 'arguments'],
    [3, 'container'],
    [4, 'build'],
    [5, 'package'],
    [6, 'configuration'],
  ] as const)('exit code %d is that of the reference: %s', (code, name) => {
    expect(library.exitCodes[name]).toBe(code);
  });
});

/** A folder with a built target in it, and settings whose folders are all below it. */
async function built() {
  const root = await temporaryFolder();
  const outputDir = join(root, 'out');
  const identifier = 'slurm-24.11.6-bookworm-amd64-cuda';
  await writeResult(outputDir, identifier);
  const cacheDir = join(root, 'cache');
  await mkdir(cacheDir, { mode: 0o700 });
  const values = { 'output-dir': outputDir, 'cache-dir': cacheDir };
  const config = new library.Config({ env: { HOME: root }, cwd: root, values });
  const software = join(outputDir, `${identifier}-software.tar.gz`);
  return { root, outputDir, cacheDir, identifier, config, software };
}

describe('packages', () => {
  test('list_built_packages() -> List[PackageInfo]', async () => {
    const { config, identifier, software, outputDir } = await built();
    const info = {
      ...{ identifier, slurmVersion: '24.11.6', gpuEnabled: true, gpu: 'cuda', toolchain: 'bookworm' },
      softwarePackage: software,
      modulePackage: join(outputDir, `${identifier}-modules.tar.gz`),
      ...{ sizeMb: 1, cached: false },
    };
    const [found, ...others] = await library.listBuiltPackages({ config });
    expect(found).toEqual({ ...info, buildDate: found?.buildDate });
    expect(Math.abs(Date.now() - Number(found?.buildDate))).toBeLessThan(60_000);
    expect(others).toEqual([]);
    expect(await library.listBuiltPackages({ config, outputDirs: [] })).toEqual([]);
  });

  test('clean_build_artifacts(keep_cache) -> CleanResult', async () => {
    const { config, cacheDir, software } = await built();
    const process = fakeProcess();
    const machine: Machine = {
      ...localMachine,
      ports: (given) => ({ ...localMachine.ports(given), process }),
    };
    const entry = 'entries/slurm-factory-v4-open-lock-bookworm-amd64-x/spack.lock';
    await writeFiles(cacheDir, { [`${buildFolderName}/a`]: 'x'.repeat(1_500_000), [entry]: '12' });
    const told = await library.cleanBuildArtifacts({ config, dryRun: true }, machine);
    expect(told).toMatchObject({ filesRemoved: 1, spaceFreedMb: 2, errors: [], left: [] });
    expect(await library.cleanBuildArtifacts({ config }, machine)).toEqual(told);
    expect(await readdir(cacheDir)).toEqual(['entries']);
    const rest = await library.cleanBuildArtifacts({ config, keepCache: false }, machine);
    expect(rest).toMatchObject({ filesRemoved: 1, spaceFreedMb: 1 });
    expect(await readdir(join(cacheDir, 'entries'))).toEqual([]);
    expect(await exists(software)).toBe(true);
  });

  test('validate_package(package_path) -> ValidationResult', async () => {
    const { software, identifier, outputDir } = await built();
    const sound = await library.validatePackage(software);
    expect(sound).toMatchObject({ valid: true, errors: [], packageInfo: { identifier } });
    expect(sound.warnings).toEqual([expect.stringMatching(/not signed/)]);
    await writeFile(software, 'other bytes');
    const broken = await library.validatePackage(software);
    expect(broken.valid).toBe(false);
    expect(broken.errors.join('\n')).toContain(`${identifier}-software.tar.gz: does not match its sum`);
    await rm(join(outputDir, `${identifier}-manifest.json`));
    expect(await library.validatePackage(software)).not.toHaveProperty('packageInfo');
    await writeFile(join(outputDir, 'notes.txt'), '');
    for (const name of ['notes.txt', 'none.tar.gz', '.']) {
      expect(await library.validatePackage(join(outputDir, name))).toMatchObject({
        valid: false,
        warnings: [],
      });
    }
  });
});

describe('containers', () => {
  const id = 'a1'.repeat(32);
  const lines = [
    ['slurm-factory-mine', processOwner(), '', 'build', id, 'debian:bookworm', 'running'],
    ['slurm-factory-left', endedOwner(), '', 'fetch', 'b2'.repeat(32), 'debian:bookworm', 'exited'],
    ['slurm-factory-kept', endedOwner(), '1', 'build', 'c3'.repeat(32), 'debian:bookworm', 'running'],
  ].map((words) => [...words, '2026-11-28 06:29:48 +0000 UTC'].join('\t'));
  const process = fakeProcess(([engine, verb]) =>
    engine === 'docker' && verb === 'ps' ? { stdout: lines.join('\n') } : {},
  );
  const machine: Machine = { ...localMachine, process: () => process };
  const config = new library.Config({ env: {}, outside: false });

  test('list_containers() -> List[ContainerInfo]', async () => {
    const listed = await library.listContainers({ config }, machine);
    expect(listed.map(({ name, orphaned, kept }) => [name, orphaned, kept])).toEqual([
      ['slurm-factory-mine', false, false],
      ['slurm-factory-left', true, false],
      ['slurm-factory-kept', true, true],
    ]);
    expect(listed[0]).toMatchObject({
      ...{ id, kind: 'build', engine: 'docker', image: 'debian:bookworm', state: 'running' },
      created: new Date('2026-11-28T06:29:48Z'),
    });
  });

  test('cleanup_containers() -> int', async () => {
    expect(await library.cleanupContainers({ config }, machine)).toBe(1);
    expect(process.lines.filter((line) => line.includes(' rm '))).toEqual([
      'docker rm --force --volumes slurm-factory-left',
    ]);
  });

  test('get_container_info(container_id) -> ContainerInfo', async () => {
    for (const word of ['slurm-factory-mine', id, id.slice(0, 12)])
      expect(await library.getContainerInfo(word, { config }, machine)).toMatchObject({ id });
    for (const word of ['slurm-factory-none', 'a1', '']) {
      const attempt = library.getContainerInfo(word, { config }, machine);
      await expect(attempt).rejects.toThrow(library.ContainerError);
      await expect(attempt).rejects.toMatchObject({ containerId: word });
    }
  });
});
