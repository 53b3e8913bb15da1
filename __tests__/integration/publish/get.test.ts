import { execFile, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { nodeProcess } from '../../../src/local/process.js';
import { nodeWeb } from '../../../src/local/web.js';
import type { Machine } from '../../../src/publish/choose.js';
import { type GetRequest, getTarget } from '../../../src/publish/get.js';
import { publish } from '../../../src/publish/publish.js';
import { openSource } from '../../../src/publish/source.js';
import { recordingLogger } from '../../support/fakes.js';
import { makeSigningKey } from '../../support/gpg.js';
import { docker, hostArch, isHere, temporaryFolder } from '../../support/prepare.js';
import { matrixTargets, publishRequest, writeResults } from '../../support/release.js';
import { serveFolder, type WebFolder } from '../../support/web-folder.js';

/** A published release as an administrator gets it: by `slurm-factory get`, and by `get.sh` on bare machines. */

const folder = temporaryFolder('get');
const release = join(folder, 'release');
const bookworm: Machine = { arch: 'amd64', glibc: '2.36', os: { id: 'debian', version: '12' }, drivers: [] };
const signal = new AbortController().signal;
const ports = { process: nodeProcess, logger: recordingLogger(), env: process.env };
let server: WebFolder;
let fingerprint: string;
let key: string;

beforeAll(async () => {
  const privateKey = makeSigningKey(join(folder, 'gpg'), '');
  await writeResults(join(folder, 'results'), matrixTargets);
  const made = await publish(publishRequest(folder, { signing: { privateKey, passphrase: '' } }), {
    ...ports,
    web: nodeWeb({}),
    signal,
  });
  fingerprint = made.fingerprint ?? '';
  key = join(release, 'signing-key.asc');
  server = await serveFolder(release);
});

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

let count = 0;
async function get(change: Partial<GetRequest> = {}, place = server.address) {
  const to = join(folder, `got-${count++}`);
  const source = await openSource(place, '/', { web: nodeWeb({}), signal });
  const request = {
    ...{ machine: bookworm, folder: () => to, publicKey: undefined, fingerprint: undefined },
    ...change,
  };
  return getTarget(source, request, ports);
}

/** The release with one file changed. */
function changed(name: string, change: (text: string) => string): string {
  const copy = join(folder, `changed-${count++}`);
  cpSync(release, copy, { recursive: true });
  writeFileSync(join(copy, name), change(readFileSync(join(copy, name), 'latin1')), 'latin1');
  return copy;
}

describe('slurm-factory get', () => {
  test('takes what fits, whole and verified', async () => {
    const got = await get();
    expect(got).toMatchObject({ target: 'slurm-26.05.3-glibc2.34-amd64', fingerprint, trusted: false });
    expect(readdirSync(got.folder).sort()).toEqual([...got.files].sort());
    expect(got.vulnerabilities.length).toBeGreaterThan(0);
    expect(spawnSync(got.installer, ['--help']).error).toBeUndefined();
  });

  test.each([
    ['a GPU driver', { machine: { ...bookworm, drivers: ['cuda'] } }, 'slurm-26.05.3-glibc2.34-amd64-cuda'],
    ['a series', { release: '24.11' }, 'slurm-24.11.6-glibc2.34-amd64'],
    ['another processor', { machine: { ...bookworm, arch: 'arm64' } }, 'slurm-26.05.3-glibc2.34-arm64'],
    ['one that is named', { target: 'slurm-24.11.6-bookworm-amd64' }, 'slurm-24.11.6-bookworm-amd64'],
  ] as const)('%s', async (_, change, target) => {
    expect((await get(change as Partial<GetRequest>)).target).toBe(target);
  });

  test('from a folder, with the key and the fingerprint that the caller has', async () => {
    const source = await openSource(join(release, 'index.json'), '/', { web: nodeWeb({}), signal });
    expect(source.place).toBe(release);
    expect(await get({ publicKey: key, fingerprint }, release)).toMatchObject({ trusted: true });
  });

  test('what is there already is not fetched again', async () => {
    const to = join(folder, 'twice');
    await get({ folder: () => to });
    server.asked.length = 0;
    await get({ folder: () => to });
    expect(server.asked).toEqual(['/index.json', '/SHA256SUMS', '/SHA256SUMS.asc', '/signing-key.asc']);
  });

  test('from where the index says, when the files are not beside it', async () => {
    const pages = join(folder, 'pages');
    mkdirSync(pages);
    const text = readFileSync(join(release, 'index.json'), 'utf8');
    writeFileSync(
      join(pages, 'index.json'),
      JSON.stringify({ ...JSON.parse(text), downloads: server.address }),
    );
    const site = await serveFolder(pages);
    try {
      expect(await get({}, `${site.address}index.json`)).toMatchObject({ fingerprint });
    } finally {
      await site.close();
    }
  });

  test('goes on where a server is busy or breaks off', async () => {
    const file = '/slurm-26.05.3-glibc2.34-amd64-software.tar.gz';
    server.fail(file, 503, 2);
    server.fail(file, 'half');
    expect(await get()).toMatchObject({ fingerprint });
  });

  test('says why nothing fits', async () => {
    await expect(
      get({ machine: { ...bookworm, glibc: '2.31', os: { id: 'debian', version: '11' } } }),
    ).rejects.toMatchObject({
      message: expect.stringContaining(
        'Nothing in v1 fits this machine (amd64, glibc 2.31, debian 11, no GPU driver):\nslurm-26.05.3-glibc2.34-amd64: it needs glibc 2.34, this machine has 2.31.',
      ),
    });
  });

  test.each([
    [
      'a tarball',
      'slurm-26.05.3-glibc2.34-amd64-software.tar.gz',
      (text: string) => text.replace('bytes', 'BYTES'),
      /has other bytes than the index says/,
    ],
    [
      'the sums',
      'SHA256SUMS',
      (text: string) => text.replace(/^./, 'f'),
      /signature of SHA256SUMS is not good: the file has other bytes/,
    ],
    [
      'the index',
      'index.json',
      (text: string) => text.replaceAll(/"sha256": "./g, '"sha256": "f'),
      /SHA256SUMS has another sum/,
    ],
  ])('refuses a release in which %s is not what was signed', async (_, name, change, message) => {
    await expect(get({}, changed(name, change))).rejects.toMatchObject({
      message: expect.stringMatching(message),
    });
  });

  test('refuses another key than the one that is asked for', async () => {
    await expect(get({ fingerprint: 'A'.repeat(40) })).rejects.toMatchObject({
      message: expect.stringContaining(`signed with the key ${fingerprint}, not with`),
    });
  });
});

const real =
  hostArch() === 'amd64' && (await isHere('Docker Engine', 'Debian 13')) ? describe : describe.skip;

real.each(['bookworm', 'trixie'])('get.sh on a bare debian:%s', (suite) => {
  const image = `sf-get-${suite}:${process.pid}`;

  beforeAll(() => {
    const context = join(folder, 'image');
    mkdirSync(context, { recursive: true });
    // One has curl, and gpgv as each of its kind; the other has gpg and wget.
    const packages = suite === 'bookworm' ? 'curl gpgv' : 'wget gpg';
    writeFileSync(
      join(context, 'Dockerfile'),
      `FROM debian:${suite}
RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends ${packages}
`,
    );
    docker('build', '--quiet', '--network', 'host', '--tag', image, context);
  }, 600_000);

  afterAll(() => {
    spawnSync('docker', ['rmi', '--force', image]);
  });

  // Not synchronous: the server is in this process.
  const inside = (script: string, from = `http://127.0.0.1:${server.port}`) => {
    const fetch = suite === 'bookworm' ? 'curl -fsSL' : 'wget -qO-';
    const get = `get() { ${fetch} $FROM/get.sh | sh -s -- --from $FROM "$@"; }`;
    const words = ['run', '--rm', '--network', 'host', '--env', `FROM=${from}`, image];
    return new Promise<{ exitCode: number; stdout: string; stderr: string }>((done) => {
      execFile('docker', [...words, 'sh', '-c', `${get}; cd /tmp; ${script}`], (error, stdout, stderr) => {
        done({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr });
      });
    });
  };

  test('fetches what fits, checks it, and says what comes next', async () => {
    const target = 'slurm-26.05.3-glibc2.34-amd64';
    const done = await inside(
      `get && ls ${target} && cd ${target} && sha256sum --check --ignore-missing --quiet *SHA256SUMS && echo good`,
    );
    expect(done).toMatchObject({ exitCode: 0 });
    expect(done.stdout).toContain(
      `${target} fits this machine (amd64, glibc ${suite === 'bookworm' ? '2.36' : '2.41'}, debian ${suite === 'bookworm' ? '12' : '13'}, no GPU driver)`,
    );
    expect(done.stdout).toContain(`  sh /tmp/${target}/${target}-install.sh --check`);
    expect(done.stdout.trim().split('\n').slice(-5)).toEqual([
      ...['SHA256SUMS', 'install.sh', 'modules.tar.gz', 'software.tar.gz'].map((end) => `${target}-${end}`),
      'good',
    ]);
    expect(done.stdout).toContain(`signed with the key ${fingerprint}`);
    expect(done.stderr).toContain('that key came with the files');
  });

  test('takes a series, a kind of GPU, a target; says what there is', async () => {
    const done = await inside(
      'get 24.11 --gpu cuda --dir a && get --target slurm-26.05.3-glibc2.34-arm64 --dir b && ls a b && get --list',
    );
    expect(done).toMatchObject({ exitCode: 0 });
    expect(done.stdout).toContain('slurm-24.11.6-glibc2.34-amd64-cuda-software.tar.gz');
    expect(done.stdout).toContain('slurm-26.05.3-glibc2.34-arm64-software.tar.gz');
    expect(done.stdout.trim().split('\n').slice(-7)).toEqual(matrixTargets);
  });

  test('says why nothing fits, and what is wrong with its words', async () => {
    const none = await inside('get 24.11 --gpu rocm');
    expect(none).toMatchObject({ exitCode: 1, stdout: '' });
    expect(none.stderr).toContain('nothing in v1 fits this machine');
    expect(none.stderr).toContain('slurm-24.11.6-glibc2.34-amd64: it is for GPU: none');
    expect(await inside('get 23.11')).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('the release has no Slurm 23.11'),
    });
    expect(await inside('get --gpu nvidia')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("'nvidia' is no kind of GPU"),
    });
  });

  test('refuses what is not what was published', async () => {
    const tarball = changed('slurm-26.05.3-glibc2.34-amd64-software.tar.gz', (text) => `${text}x`);
    const site = await serveFolder(tarball);
    try {
      const done = await inside('get; echo $?; ls */*software* 2>/dev/null', `http://127.0.0.1:${site.port}`);
      expect(done.stderr).toContain('software.tar.gz does not match its sum: do not use it');
      expect(done.stdout.trim().split('\n').at(-1)).toBe('1');
    } finally {
      await site.close();
    }
    const other = await inside(`get --fingerprint ${'A'.repeat(40)}`);
    expect(other).toMatchObject({ exitCode: 1 });
    expect(other.stderr).toMatch(/signed with the key [0-9A-F]{40}, not with A+/);
    const sums = await serveFolder(changed('SHA256SUMS', (text) => text.replace(/^./, 'f')));
    try {
      const done = await inside('get', `http://127.0.0.1:${sums.port}`);
      expect(done).toMatchObject({ exitCode: 1 });
      expect(done.stderr).toContain('the signature of SHA256SUMS is not good');
    } finally {
      await sums.close();
    }
  });

  test('says so where there is nothing to check signatures with, and refuses where they are asked for', async () => {
    const without = 'rm -f /usr/bin/gpgv /usr/bin/gpg;';
    const done = await inside(`${without} get`);
    expect(done).toMatchObject({ exitCode: 0 });
    expect(done.stderr).toContain('neither gpgv nor gpg is installed, so the signature was not checked');
    expect(await inside(`${without} get --fingerprint ${fingerprint}`)).toMatchObject({ exitCode: 1 });
  });

  test('a script that came in half does nothing', () => {
    const text = readFileSync(join(release, 'get.sh'), 'utf8');
    const half = text.slice(0, text.indexOf('get "$@"'));
    const done = spawnSync('docker', ['run', '--rm', '--interactive', image, 'sh'], {
      input: half,
      encoding: 'utf8',
    });
    expect(done).toMatchObject({ status: 0, stdout: '', stderr: '' });
  });
});
