import { readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { exitCodeOf, InputError } from '../../../src/base/errors.js';
import { sha256 } from '../../../src/base/files.js';
import { processOwner } from '../../../src/base/owner.js';
import { fileName, possibleNames, resultFiles } from '../../../src/bundle/catalogue.js';
import { verifyFolder } from '../../../src/bundle/verify.js';
import { afterBuild } from '../../../src/pipeline/after.js';
import { parseRecord, recordPlaces } from '../../../src/pipeline/confine.js';
import { runBuild } from '../../../src/pipeline/pipeline.js';
import { buildRequest, type RequestChange } from '../../support/build.js';
import { smokeXml, tarball, writeResult } from '../../support/bundle.js';
import {
  fakePorts,
  fakeProcess,
  host,
  memoryCache,
  readFiles,
  temporaryFolder,
  writeFiles,
} from '../../support/fakes.js';
import { fakeMachine, type MachineScript, signingKey } from '../../support/machine.js';
import { runAndFinish } from '../../support/run.js';

/** What a build does with results that are not its own: out of the cache, and in the output folder. */

const target = 'slurm-24.11.6-bookworm-amd64';
const report = fileName(target, 'smoke');

// Some builds each, on a machine that may do other things too.
jest.setTimeout(30_000);

async function build(
  cache: ReturnType<typeof memoryCache>,
  change: RequestChange = {},
  script: MachineScript = {},
) {
  const process = fakeMachine(script);
  const ports = fakePorts({ process, cache });
  const request = await buildRequest({ host: host({ owner: processOwner() }), ...change });
  const { report: made, ...outcome } = await runAndFinish(request, ports);
  return { ...outcome, made, ports, process, request, out: join(request.cwd, 'slurm-factory-output') };
}

let filled: ReturnType<typeof memoryCache> | undefined;

/** What a build leaves in an empty cache: made once, and copied. */
async function filledCache() {
  if (filled === undefined) {
    filled = memoryCache();
    await build(filled);
  }
  const copy = memoryCache();
  for (const [key, content] of filled.entries) copy.entries.set(key, new Map(content));
  return copy;
}

/** Puts other files into the cache's one result, with sums of the entry to match. */
function forge(
  cache: ReturnType<typeof memoryCache>,
  files: Readonly<Record<string, string | Buffer>>,
): void {
  const [, content] = [...cache.entries].find(([key]) => key.includes('-result-')) ?? [];
  if (content === undefined) throw new Error('there is no result');
  content.clear();
  for (const [name, bytes] of Object.entries(files)) content.set(name, Buffer.from(bytes));
  const sums = [...content].map(([name, bytes]) => `${sha256(bytes)}  ${name}\n`).join('');
  content.set('ENTRY.sha256', Buffer.from(sums));
}

/** The files of a folder, as bytes. */
async function filesOf(folder: string): Promise<Record<string, Buffer>> {
  const names = await readdir(folder);
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name))])),
  );
}

const hits = (cache: ReturnType<typeof memoryCache>) =>
  [...cache.entries.keys()].filter((key) => key.includes('-result-')).length;

describe('a cached result', () => {
  /** The content key of the build, which whoever writes an entry knows. */
  const keyOf = async (cache: ReturnType<typeof memoryCache>) =>
    [...cache.entries.keys()].find((key) => key.includes('-result-'))?.slice(-64) ?? '';

  test.each<[string, (folder: string, contentKey: string) => Promise<unknown>, RegExp]>([
    [
      'of another release, with sums to match',
      async (folder, contentKey) => {
        const other = await temporaryFolder();
        const id = 'slurm-23.02.8-bookworm-amd64';
        await writeResult(other, id, { smoke: true, contentKey });
        for (const [name, bytes] of Object.entries(await filesOf(other))) {
          const text = name.endsWith('.gz') ? bytes : bytes.toString().replaceAll(id, target);
          await writeFiles(folder, { [name.replace(id, target)]: text });
        }
      },
      /another target|other bytes/,
    ],
    [
      'whose tarball unpacks into another folder',
      (folder, contentKey) =>
        writeResult(folder, target, { smoke: true, contentKey, top: 'slurm-23.02.8-bookworm-amd64' }),
      /software\.tar\.gz: does not unpack into slurm-24\.11\.6/,
    ],
    [
      'of another content key',
      (folder) => writeResult(folder, target, { smoke: true }),
      /manifest\.json: has another content key/,
    ],
    [
      'with a file that nobody lists',
      async (folder, contentKey) => {
        await writeResult(folder, target, { smoke: true, contentKey });
        await writeFiles(folder, { 'evil.tar.gz': 'evil' });
      },
      /evil\.tar\.gz: is not a file of the target/,
    ],
    [
      'with a file that the sums list, and the manifest does not',
      async (folder, contentKey) => {
        await writeResult(folder, target, { smoke: true, contentKey });
        const name = fileName(target, 'debug');
        const bytes = tarball(target, 'evil');
        const sums = (await readFiles(folder))[fileName(target, 'sums')];
        await writeFiles(folder, {
          [name]: bytes,
          [fileName(target, 'sums')]: `${sums}${sha256(bytes)}  ${name}\n`,
        });
      },
      /manifest\.json: does not name .*debug\.tar\.gz/,
    ],
    [
      'with a signature',
      async (folder, contentKey) => {
        await writeResult(folder, target, { smoke: true, contentKey });
        await writeFiles(folder, { [`${target}-SHA256SUMS.asc`]: 'signature' });
      },
      /SHA256SUMS\.asc: is not a file of the target/,
    ],
    [
      'that nobody has tested',
      (folder, contentKey) => writeResult(folder, target, { contentKey }),
      /manifest\.json: has no report of a smoke test/,
    ],
    [
      'with the report of a test that failed',
      async (folder, contentKey) => {
        const manifest = await writeResult(folder, target, { smoke: true, contentKey });
        const bytes = smokeXml(target, 'failed');
        const smoke = { name: report, size: bytes.length, sha256: sha256(bytes) };
        const text = JSON.stringify({ ...manifest, smoke });
        const sums = (await readFiles(folder))[fileName(target, 'sums')] ?? '';
        const line = (name: string, of: string) => (all: string) =>
          all.replace(new RegExp(`^\\S+(?=  ${name}$)`, 'm'), sha256(of));
        await writeFiles(folder, {
          [report]: bytes,
          [fileName(target, 'manifest')]: text,
          [fileName(target, 'sums')]: line(report, bytes)(line(fileName(target, 'manifest'), text)(sums)),
        });
      },
      /smoke\.xml: is not the report of a smoke test that this target passed/,
    ],
  ])('%s is not used: it is told, marked damaged, and built anew', async (_, make, message) => {
    const cache = await filledCache();
    const folder = await temporaryFolder();
    await make(folder, await keyOf(cache));
    forge(cache, await filesOf(folder));
    const second = await build(cache);
    expect(second.error).toBeUndefined();
    expect(second.made?.cacheHit).toBe('build-cache');
    expect(second.ports.logger.of('warning').join('\n')).toMatch(message);
    expect(second.record?.damaged).toHaveLength(1);
    const out = await readFiles(second.out);
    expect(Object.keys(out)).not.toContain('evil.tar.gz');
    expect(out[`${target}-software.tar.gz`]).toContain('tarball of /opt/slurm-factory');
    expect((await build(cache)).made?.cacheHit).toBe('result');
  });

  test('brings its report, which is uploaded, summed and signed with it', async () => {
    const cache = memoryCache();
    const layers = [{ 'gpg-private-key': signingKey.armored }];
    const first = await build(cache, { layers });
    const second = await build(cache, { layers });
    expect(second.made).toMatchObject({ cacheHit: 'result', smoke: undefined });
    const text = (await readFiles(first.out))[report] ?? '';
    expect((await readFiles(second.out))[report]).toBe(text);
    expect(second.made?.described.map(({ name }) => name)).toContain(report);
    const uploaded = second.ports.artifacts.uploads.find(({ name }) => name === report);
    expect(uploaded?.files[report]).toBe(text);
    const sums = (await readFiles(second.out))[`${target}-SHA256SUMS`];
    expect(sums).toContain(`${sha256(text)}  ${report}\n`);
  });

  test('replaces an older report, and smoke-test: false removes it', async () => {
    const cache = memoryCache();
    const first = await build(cache);
    await writeFile(join(first.out, report), 'older');
    const second = await build(cache, { cwd: first.request.cwd });
    expect((await readFiles(second.out))[report]).toContain('<testsuite ');
    const layers = [{ 'smoke-test': 'false', cache: 'false' }];
    const third = await build(cache, { cwd: first.request.cwd, layers });
    expect(third.error).toBeUndefined();
    expect(await readdir(third.out)).not.toContain(report);
    await expect(verifyFolder(third.out, { env: {} }, fakeProcess())).resolves.toBeDefined();
  });
});

describe('the output folder', () => {
  test.each<[string, (out: string) => Promise<unknown>]>([
    ['is a file', (out) => writeFile(out, '')],
    ['is a dangling link', (out) => symlink('nowhere', out)],
    [
      'has a folder where a file has to go',
      (out) => writeFiles(join(out, `${target}-SHA256SUMS`), { x: '' }),
    ],
  ])('that %s is that error, at once; the cached result stays good', async (_, spoil) => {
    const cache = await filledCache();
    const cwd = await temporaryFolder();
    await spoil(join(cwd, 'slurm-factory-output'));
    const second = await build(cache, { cwd });
    expect(second.error).toBeInstanceOf(InputError);
    expect(exitCodeOf(second.error)).toBe(2);
    expect(String(second.error)).toMatch(/output-dir/);
    expect(second.ports.logger.of('warning')).toEqual([]);
    expect(second.record?.damaged).toBeUndefined();
    expect(second.process.lines.filter((line) => /docker (run|build|pull)|spack/.test(line))).toEqual([]);
    expect(hits(cache)).toBe(1);
  });

  test.each([12, 20])(
    'takes %i builds of a cached result at once: all hits, one whole result',
    async (count) => {
      const cache = memoryCache();
      const first = await build(cache);
      const expected = await readFiles(first.out);
      const cwd = await temporaryFolder();
      const done = await Promise.all(
        Array.from({ length: count }, async (_, index) =>
          build(cache, { cwd, runId: `run${index}`, transfer: await temporaryFolder() }),
        ),
      );
      expect(done.map(({ error }) => error)).toEqual(done.map(() => undefined));
      expect(done.map(({ made }) => made?.cacheHit)).toEqual(done.map(() => 'result'));
      expect(done.flatMap(({ ports }) => ports.logger.of('warning'))).toEqual([]);
      expect(await readFiles(join(cwd, 'slurm-factory-output'))).toEqual(expected);
      expect((await readdir(join(cwd, 'slurm-factory-output'))).sort()).toEqual(Object.keys(expected).sort());
    },
  );

  test('with planted links at every name: none is followed, by a build or by a hit', async () => {
    const cache = memoryCache();
    for (const _ of ['built', 'cached']) {
      const cwd = await temporaryFolder({ precious: 'precious' });
      const out = join(cwd, 'slurm-factory-output');
      await writeFiles(out, {});
      await writeFiles(out, { keep: '' });
      for (const name of possibleNames(target)) {
        await symlink('../precious', join(out, name));
        await symlink('../precious', join(out, `${name}.partial`));
      }
      const done = await build(cache, { cwd });
      expect(done.error).toBeUndefined();
      expect((await readFiles(cwd))['precious']).toBe('precious');
      for (const name of Object.values(resultFiles(target))) {
        expect(Object.keys(await readFiles(out))).toContain(name);
      }
    }
  });

  test('what is saved and uploaded comes from the private folder, whoever changes the output folder', async () => {
    const cache = memoryCache();
    const cwd = await temporaryFolder();
    const out = join(cwd, 'slurm-factory-output');
    let state = '';
    const ports = fakePorts({
      process: fakeMachine(),
      cache,
      state: {
        save: (record: unknown) => {
          state = JSON.stringify(record);
        },
      },
      // Handed out, and not uploaded yet.
      attest: async () => {
        await writeFile(join(out, `${target}-software.tar.gz`), 'exchanged');
        return true;
      },
    });
    const request = await buildRequest({ cwd });
    const made = await runBuild(request, ports);
    const record = parseRecord(state, recordPlaces(request.workRoot, request.transfer, {}));
    if (record === undefined) throw new Error('there is no record');
    expect(
      record.saves.flatMap((save) =>
        save.what === 'files' && save.key.includes('-result-') ? [save.directory] : [],
      ),
    ).toEqual([join(record.buildFolder, 'result')]);
    await afterBuild(record, ports);
    const name = `${target}-software.tar.gz`;
    expect(ports.artifacts.uploads.find((upload) => upload.name === name)?.files[name]).toContain(
      'tarball of',
    );
    const [, saved] = [...cache.entries].find(([key]) => key.includes('-result-')) ?? [];
    expect(sha256(saved?.get(name) ?? '')).toBe(made.described.find((file) => file.name === name)?.sha256);
  });
});

test('a failed smoke test leaves an older result as it is, but for the report', async () => {
  const cache = memoryCache();
  const first = await build(cache);
  const before = await readFiles(first.out);
  const script: MachineScript = { check: () => ({ status: 'failed', detail: 'no' }) };
  const second = await build(cache, { cwd: first.request.cwd, layers: [{ cache: 'false' }] }, script);
  expect(exitCodeOf(second.error)).toBe(5);
  const { [report]: text, ...others } = await readFiles(first.out);
  const { [report]: _, ...older } = before;
  expect(others).toEqual(older);
  expect(text).toContain('<failure ');
  expect(
    second.ports.artifacts.uploads.filter(({ name }) => !name.endsWith('-logs')).map(({ name }) => name),
  ).toEqual([report]);
});
