import { chmod, link, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { exists } from '../../../src/base/files.js';
import { processOwner } from '../../../src/base/owner.js';
import { inScope, resultKey } from '../../../src/cache/keys.js';
import { type CleanScope, cleanUp } from '../../../src/local/clean.js';
import { localMachine, type Machine } from '../../../src/local/machine.js';
import { storedRecord } from '../../../src/pipeline/record.js';
import { fakeProcess, recordingLogger, temporaryFolder, writeFiles } from '../../support/fakes.js';
import { buildFolderName, endedOwner, startedRecord } from '../../support/records.js';

const entry = inScope(resultKey('slurm-24.11.6-bookworm-amd64', 'a'.repeat(64)), 'open');
const clone = `spack-${'a'.repeat(40)}`;
const archive = `slurm-${'b'.repeat(64)}.tar.gz`;

/** Names below the cache folder of what may go, by what it is. */
const ours = {
  build: buildFolderName,
  transfer: `transfer/${endedOwner()}~abc`,
  logs: 'logs/slurm-24.11.6-bookworm-amd64-logs',
  entry: `entries/${entry}`,
  clone: `clones/${clone}`,
  archive: `clones/${archive}`,
  python: 'venv-0123456789ab',
} as const;
/** What looks alike, but no build makes. */
const foreign = [
  'build-notes',
  'build-0123456789ab-7.old',
  'transfer/mine',
  `transfer/${processOwner()}~abc`,
  'logs/slurm.log',
  'entries/slurm-factory-notes',
  'clones/spack-main',
  'venv',
  'slurm-factory.yml',
  'photos',
];

async function place(listed = '') {
  const root = await temporaryFolder();
  const cacheDir = join(root, 'cache');
  await mkdir(cacheDir, { mode: 0o700 });
  const file = (name: string) => (/\.(gz|yml|log)$/.test(name) ? name : `${name}/a/file`);
  const names = [...Object.values(ours), ...foreign].map(file);
  await writeFiles(cacheDir, Object.fromEntries(names.map((name) => [name, '12345'])));
  const process = fakeProcess(({ 0: engine, 1: word }) =>
    word === 'ps' && engine === 'docker' ? { stdout: listed } : engine === 'podman' ? { exitCode: 127 } : {},
  );
  const machine: Machine = {
    ...localMachine,
    ports: (given) => ({ ...localMachine.ports(given), process }),
  };
  const logger = recordingLogger();
  const signal = new AbortController().signal;
  const clean = (scope: CleanScope, options = {}) =>
    cleanUp(scope, { cacheDir, env: {}, logger, signal }, options, machine);
  const left = async () => {
    const there = [];
    for (const [what, name] of Object.entries(ours)) if (await exists(join(cacheDir, name))) there.push(what);
    return there;
  };
  const record = async (owner: string, text?: string) => {
    await mkdir(join(cacheDir, 'records'), { recursive: true, mode: 0o700 });
    const made = startedRecord(cacheDir, {
      cleanups: [
        { what: 'container', kind: 'build', program: 'docker', name: `slurm-factory-${buildFolderName}` },
      ],
    });
    await writeFile(join(cacheDir, 'records', `${owner}~x.json`), text ?? JSON.stringify(storedRecord(made)));
  };
  return { cacheDir, clean, left, record, process, logger, root };
}

const all = Object.keys(ours);
const scopes: [CleanScope, string[]][] = [
  ['builds', ['entry', 'clone', 'archive', 'python']],
  ['cache', ['build', 'transfer', 'logs']],
  ['all', []],
];

describe.each(scopes)('%s', (scope, stays) => {
  test('removes that and nothing else, and tells it', async () => {
    const { cacheDir, clean, left } = await place();
    const report = await clean(scope);
    expect(await left()).toEqual(all.filter((what) => stays.includes(what)));
    for (const name of foreign) expect([name, await exists(join(cacheDir, name))]).toEqual([name, true]);
    expect(report.errors).toEqual([]);
    expect(report.left).toEqual([]);
    expect(report.removed).toHaveLength(all.length - stays.length);
    for (const one of report.removed) expect(one).toMatchObject({ files: 1, bytes: 5 });
    expect((await readdir(join(cacheDir, 'transfer'))).length).toBe(scope === 'cache' ? 3 : 2);
  });

  test('dry run tells the same and removes nothing', async () => {
    const { clean, left } = await place();
    const told = await clean(scope, { dryRun: true });
    expect(await left()).toEqual(all);
    expect(await clean(scope)).toEqual(told);
  });
});

test('a build that runs keeps its folder, the clones and the Python', async () => {
  const { cacheDir, clean, left, record } = await place();
  await record(processOwner());
  const report = await clean('all');
  expect(await left()).toEqual(['build', 'clone', 'archive', 'python']);
  expect(report.left[0]).toBe(`${join(cacheDir, buildFolderName)} is of a build that runs.`);
  expect(report.left).toHaveLength(4);
});

test('a record that is being written keeps all builds', async () => {
  const { clean, left, record } = await place();
  await record(processOwner(), '{"buil');
  await clean('builds');
  expect(await left()).toContain('build');
});

test("what a killed build's record names goes, and nothing is saved", async () => {
  const { cacheDir, clean, left, record, process } = await place();
  await record(endedOwner());
  await clean('builds');
  expect(await left()).not.toContain('build');
  expect(process.lines).toContain(`docker rm --force --volumes slurm-factory-${buildFolderName}`);
  expect(await readdir(join(cacheDir, 'records'))).toEqual([]);
  expect(await readdir(join(cacheDir, 'entries'))).toHaveLength(2);
});

describe('a container on a build folder', () => {
  const name = `slurm-factory-${buildFolderName}`;
  test("that was kept goes with it, an other build's stays", async () => {
    const { clean, left, process } = await place(
      `${name}\t${endedOwner()}\t1\nslurm-factory-x\t${endedOwner()}\t1`,
    );
    const { removed } = await clean('builds');
    expect(await left()).not.toContain('build');
    expect(removed).toContainEqual({ what: 'container', path: name, files: 0, bytes: 0 });
    expect(process.lines.filter((line) => line.includes(' rm '))).toEqual([
      `docker rm --force --volumes ${name}`,
    ]);
  });

  test('of a process that runs keeps it', async () => {
    const { clean, left } = await place(`${name}-fetch\t${processOwner()}\t`);
    const report = await clean('builds');
    expect(await left()).toContain('build');
    expect(report.left).toEqual([
      `${buildFolderName} is used by the container ${name}-fetch, whose process runs.`,
    ]);
  });
});

test('no link is followed, and bytes that two names have count once', async () => {
  const { cacheDir, clean, root } = await place();
  await writeFiles(root, { 'precious/file': 'x' });
  await symlink(join(root, 'precious'), join(cacheDir, buildFolderName, 'link'));
  await symlink(join(root, 'precious'), join(cacheDir, 'build-0123456789ab-8'));
  await link(join(cacheDir, buildFolderName, 'a', 'file'), join(cacheDir, buildFolderName, 'again'));
  const { removed } = await clean('builds');
  expect(await exists(join(root, 'precious', 'file'))).toBe(true);
  expect(await exists(join(cacheDir, 'build-0123456789ab-8'))).toBe(false);
  const bytes = removed.find(({ path }) => path.endsWith(buildFolderName))?.bytes;
  expect(bytes).toBe(5 + Buffer.byteLength(join(root, 'precious')));
});

test('nothing is removed where others may write, or from what is a link', async () => {
  const shared = await place();
  await chmod(shared.cacheDir, 0o777);
  const report = await shared.clean('all');
  expect(await shared.left()).toEqual(all.filter((what) => what !== 'entry'));
  expect(report.left[0]).toMatch(
    /cache: it can be written by others \(mode 777\), so nothing in it is removed\.$/,
  );
  const linked = await place();
  await symlink(linked.cacheDir, join(linked.root, 'link'));
  const machine: Machine = {
    ...localMachine,
    ports: (given) => ({ ...localMachine.ports(given), process: linked.process }),
  };
  const signal = new AbortController().signal;
  const at = { cacheDir: join(linked.root, 'link'), env: {}, logger: linked.logger, signal };
  expect((await cleanUp('builds', at, {}, machine)).left[0]).toMatch(/it is no folder/);
  expect(await linked.left()).toEqual(all);
});

test('where there is nothing, nothing is removed and nothing is made', async () => {
  const root = await temporaryFolder();
  const signal = new AbortController().signal;
  const process = fakeProcess();
  const machine: Machine = { ...localMachine, ports: (given) => ({ ...localMachine.ports(given), process }) };
  const at = { cacheDir: join(root, 'none'), env: {}, logger: recordingLogger(), signal };
  expect(await cleanUp('all', at, {}, machine)).toEqual({ removed: [], left: [], errors: [] });
  expect(await readdir(root)).toEqual([]);
});
