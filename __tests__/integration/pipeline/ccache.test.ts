import { mkdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { CacheEntries } from '../../../src/cache/entries.js';
import { type CcacheMaterial, ccachePrefix } from '../../../src/cache/keys.js';
import { machineSession, type Session } from '../../../src/container/session.js';
import { nodeProcess } from '../../../src/local/process.js';
import { Ccache, saveCcache } from '../../../src/pipeline/ccache.js';
import { Recorder, saveOf } from '../../../src/pipeline/record.js';
import { resolveBuild } from '../../../src/pipeline/resolve.js';
import { makeFolders } from '../../../src/pipeline/stages/builder.js';
import { ccacheFolder } from '../../../src/spack/commands.js';
import { buildRequest } from '../../support/build.js';
import {
  fakePorts,
  fakeProcess,
  memoryCache,
  readFiles,
  recordingLogger,
  temporaryFolder,
  writeFiles,
} from '../../support/fakes.js';
import { startedRecord } from '../../support/records.js';

/** ccache's files through real tar and the cache's entries; what compilers make is written by the test. */

const material: CcacheMaterial = {
  toolchain: 'bookworm',
  arch: 'amd64',
  builder: 'b'.repeat(64),
  series: '24.11',
  debug: false,
};

interface Build {
  readonly inputs?: Record<string, string>;
  /** What the compilers made or used, by ccache's name. */
  readonly used: Record<string, string>;
  readonly finished: boolean;
}

/** What ccache says of each build. */
const statistics = 'cache_miss\t1\ndirect_cache_hit\t2\n';

/** Builds on one store, each in a folder of its own, as on a runner of its own. */
function builds() {
  const store = memoryCache();
  const logger = recordingLogger();
  /** One build; gives the names of the files that it found. */
  const build = async ({ inputs, used, finished }: Build): Promise<string[]> => {
    const request = await buildRequest({ layers: [{ 'slurm-version': '24.11.6' }, inputs ?? {}] });
    const plan = await resolveBuild(request, fakePorts({ process: fakeProcess() }));
    const record = startedRecord(request.workRoot);
    const recorder = new Recorder(record, { save: () => {} });
    const entries = new CacheEntries(store, record.policy, logger, record.transfer);
    const ports = { process: nodeProcess, logger };
    const ccache = new Ccache(plan, entries, recorder, logger);
    // The machine's own session, but for the user that it would run as.
    const exec: Session['exec'] = (command) =>
      command[0] === 'ccache'
        ? Promise.resolve({ exitCode: 0, stdout: statistics, stderr: '' })
        : nodeProcess.run(command);
    await makeFolders(plan);
    const session = { ...machineSession(plan.hostLayout, 'python3', nodeProcess, {}), exec };
    await ccache.bring(session);
    const folder = ccacheFolder(plan.hostLayout);
    const found = Object.keys(await readFiles(folder).catch(() => ({}))).sort();
    await writeFiles(folder, used);
    // Later than the clock of a file system may lag behind.
    const later = Date.now() / 1000 + 60;
    for (const name of Object.keys(used)) await utimes(join(folder, name), later, later);
    if (finished) await ccache.finished(session);
    const state = saveOf(recorder.current, 'ccache');
    if (state === undefined) throw new Error('nothing was recorded');
    await saveCcache(state, join(plan.buildFolder, 'leaving'), entries, ports);
    return found;
  };
  return { store, logger, build };
}

test('the next build finds what compilers made, and the one after it what that one used', async () => {
  const { build, store, logger } = builds();
  const first = { 'a/1R': 'one', 'b/2M': 'for two', 'b/2R': 'two' };
  expect(await build({ used: first, finished: true })).toEqual([]);
  const second = { 'b/2R': 'two', 'c/3R': 'three' };
  expect(await build({ used: second, finished: true })).toEqual(Object.keys(first));
  expect(await build({ used: {}, finished: true })).toEqual(Object.keys(second));
  expect(store.entries.size).toBe(2);
  expect(logger.of('warning')).toEqual([]);
  expect(logger.of('info')).toContain('ccache had 2 of 3 compiled files');
});

test('a build that fails or is killed loses nothing, neither its own files nor those before it', async () => {
  const { build } = builds();
  await build({ used: { 'a/1R': 'one', 'b/2R': 'two' }, finished: true });
  await build({ used: { 'a/1R': 'one', 'c/3R': 'three' }, finished: false });
  expect(await build({ used: {}, finished: false })).toEqual(['a/1R', 'b/2R', 'c/3R']);
});

test('halves of files, locks and statistics are not kept', async () => {
  const { build } = builds();
  const configure = `configure/${'0'.repeat(64)}`;
  const rest = {
    'a/1R.tmp.Xy': 'o',
    'a/stats': '1',
    'lock/a.lock': '',
    'CACHEDIR.TAG': '',
    'ccache.conf': '',
  };
  const half = { [`${configure}.tmp`]: 'ac_cv' };
  await build({ used: { 'a/1R': 'one', [configure]: 'ac_cv_x=yes', ...rest, ...half }, finished: false });
  expect(await build({ used: {}, finished: true })).toEqual(['a/1R', configure]);
});

test("nothing of the machine's comes along by a link, and nothing is written through one", async () => {
  const canaries = await temporaryFolder({ secretR: 'canary', 'folder/insideR': 'canary', target: 'whole' });
  const directory = join(await temporaryFolder(), 'user-cache', 'ccache');
  await writeFiles(directory, { 'a/1R': 'one' });
  await mkdir(join(directory, 'b'));
  await symlink(join(canaries, 'secretR'), join(directory, 'b', 'linkR'));
  await symlink(join(canaries, 'folder'), join(directory, 'c'));
  await symlink('/dev/zero', join(directory, 'zeroR'));
  await symlink(join(canaries, 'target'), join(directory, 'ccache.tar'));
  await nodeProcess.run(['mkfifo', join(directory, 'fifoR')]);
  await writeFile(join(directory, '--checkpoint-action=exec=touch R'), '');
  const store = memoryCache();
  const logger = recordingLogger();
  const entries = new CacheEntries(
    store,
    { restore: true, save: true, scopes: ['open'] },
    logger,
    await temporaryFolder(),
  );
  const ports = { process: nodeProcess, logger };
  const leaving = join(await temporaryFolder(), 'leaving');
  await saveCcache({ directory, prefix: ccachePrefix(material) }, leaving, entries, ports);
  const [content] = store.entries.values();
  const archive = await temporaryFolder({ 'ccache.tar': content?.get('ccache.tar') ?? '' });
  const listed = await nodeProcess.run(['tar', '-tf', join(archive, 'ccache.tar')]);
  expect(listed.stdout).toBe('a/1R\n');
  expect(await readFiles(canaries)).toEqual({
    secretR: 'canary',
    'folder/insideR': 'canary',
    target: 'whole',
  });
  expect(await readFiles(leaving)).toEqual({});
});

test('where nothing was compiled nothing is saved', async () => {
  const { build, store } = builds();
  await build({ used: {}, finished: false });
  expect(store.entries.size).toBe(0);
});

test.each([
  ['another series', { 'slurm-version': '24.05' }],
  ['debug files', { debug: 'true' }],
  ['another image', { 'container-image': 'mine:1' }],
])('a build with %s has nothing of it', async (_, inputs) => {
  const { build } = builds();
  await build({ used: { 'a/1R': 'one' }, finished: true });
  expect(await build({ inputs, used: {}, finished: true })).toEqual([]);
});

test('an archive that is none is told, and the build goes on without it', async () => {
  const { build, store, logger } = builds();
  await build({ used: { 'a/1R': 'one' }, finished: true });
  const broken = await temporaryFolder({ 'ccache.tar': 'no archive' });
  const [key = ''] = store.entries.keys();
  store.entries.clear();
  const entries = new CacheEntries(
    store,
    { restore: true, save: true, scopes: ['open'] },
    logger,
    await temporaryFolder(),
  );
  await entries.save(key.replace('-open-', '-'), broken);
  expect(await build({ used: {}, finished: true })).toEqual([]);
  expect(logger.of('warning')).toEqual([expect.stringContaining('unpacked')]);
});
