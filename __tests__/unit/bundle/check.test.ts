import { cp, mkdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { exitCodeOf, PackagingError } from '../../../src/base/errors.js';
import { fileName, resultFiles } from '../../../src/bundle/catalogue.js';
import { checkResult } from '../../../src/bundle/check.js';
import { describeFile, formatSums } from '../../../src/bundle/sums.js';
import { verifyFolder } from '../../../src/bundle/verify.js';
import { sumUp, tarball, tarMember, writeResult } from '../../support/bundle.js';
import { fakeProcess, temporaryFolder, writeFiles } from '../../support/fakes.js';

const identifier = 'slurm-24.11.6-bookworm-amd64';
const cuda = `${identifier}-cuda`;
const names = resultFiles(identifier);
const debug = fileName(identifier, 'debug');
const smoke = fileName(identifier, 'smoke');

const exactly = (folder: string) => checkResult(folder, identifier, { exact: true });
const loosely = (folder: string) => checkResult(folder, identifier, { exact: false });
const verify = (folder: string) => verifyFolder(folder, { env: {} }, fakeProcess());

/** What an attempt is refused with; a PackagingError. */
async function refusal(attempt: Promise<unknown>): Promise<string> {
  const error = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(PackagingError);
  expect(exitCodeOf(error)).toBe(5);
  return (error as Error).message;
}

describe('a sound result', () => {
  test.each([
    ['with all that there can be', { debug: true, smoke: true }, [debug, smoke]],
    ['with what there must be', {}, []],
  ])('%s passes, and all its files are named', async (_, kinds, more) => {
    const folder = await temporaryFolder();
    await writeResult(folder, identifier, kinds);
    const { manifest, files } = await exactly(folder);
    expect(manifest.target).toBe(identifier);
    expect(files.map(({ name }) => name)).toEqual([...Object.values(names), ...more].sort());
    for (const file of files) expect(file).toEqual(await describeFile(join(folder, file.name)));
    expect(await loosely(folder)).toEqual({ manifest, files });
  });

  test('passes beside another target, other files and signatures, but then it is not alone', async () => {
    const folder = await temporaryFolder({ 'README.md': '', [`${names.software}.asc`]: '' });
    await writeResult(folder, identifier);
    await writeResult(folder, cuda);
    expect((await loosely(folder)).files).toHaveLength(6);
    const message = await refusal(exactly(folder));
    for (const name of ['README.md', `${names.software}.asc`, `${cuda}-install.sh`]) {
      expect(message).toContain(`${name}: is not a file of the target`);
    }
  });

  test('must have the content key that is asked for, and the report', async () => {
    const folder = await temporaryFolder();
    await writeResult(folder, identifier);
    const asked = (options: object) => checkResult(folder, identifier, { exact: true, ...options });
    await asked({ contentKey: 'f'.repeat(64) });
    expect(await refusal(asked({ contentKey: 'e'.repeat(64) }))).toMatch(/has another content key \(f+\)/);
    expect(await refusal(asked({ tested: true }))).toMatch(/has no report of a smoke test/);
  });
});

/** Writes manifest and sums that agree with the files that are there. */
async function remake(folder: string, change: (manifest: Record<string, unknown>) => void): Promise<void> {
  const path = join(folder, names.manifest);
  const manifest = JSON.parse(await readFile(path, 'utf8'));
  change(manifest);
  await writeFile(path, JSON.stringify(manifest));
  await sumUp(folder, identifier);
}

describe.each([
  ['checkResult, exactly', exactly],
  ['checkResult, in a folder of a user', loosely],
  ['verify', verify],
])('%s finds', (_, check) => {
  test.each<[string, (folder: string) => Promise<unknown>, RegExp]>([
    [
      'a file beside the result that nobody lists',
      (folder) => writeFiles(folder, { [`${identifier}-evil.tar.gz`]: 'evil' }),
      /evil\.tar\.gz: is not a file of the target/,
    ],
    [
      'a tarball of another format',
      (folder) => writeFiles(folder, { [`${identifier}-software.tar.xz`]: 'evil' }),
      /software\.tar\.xz: is not a file of the target/,
    ],
    [
      'a report that is not in the sums',
      (folder) => writeFiles(folder, { [smoke]: 'x' }),
      /smoke\.xml: is not in .*SHA256SUMS/,
    ],
    [
      'a manifest without an SBOM',
      (folder) => remake(folder, (manifest) => delete manifest['sbom']),
      /manifest\.json: does not name .*sbom\.spdx\.json/,
    ],
    [
      'a manifest without an installer',
      async (folder) => {
        await rm(join(folder, names.installer));
        const manifest = JSON.parse(await readFile(join(folder, names.manifest), 'utf8'));
        manifest.files = manifest.files.slice(0, 2);
        await writeFile(join(folder, names.manifest), JSON.stringify(manifest));
        await sumUp(folder, identifier, [names.software, names.modules, names.sbom, names.manifest]);
      },
      /install\.sh: is not in[\s\S]*manifest\.json: does not name .*install\.sh/,
    ],
    [
      'a file that the manifest names twice',
      (folder) =>
        remake(folder, (manifest) => {
          const files = manifest['files'] as unknown[];
          manifest['files'] = [...files, files[0]];
        }),
      /manifest\.json: names .*software\.tar\.gz twice/,
    ],
    [
      'a file that the manifest names as another thing too',
      (folder) => remake(folder, (manifest) => Object.assign(manifest, { smoke: manifest['sbom'] })),
      /manifest\.json: names .*sbom\.spdx\.json as its smoke/,
    ],
    [
      'an SBOM among the files',
      (folder) => remake(folder, (manifest) => (manifest['files'] as unknown[]).push(manifest['sbom'])),
      /lists .*sbom\.spdx\.json among its files/,
    ],
    [
      'a file in the sums that the catalogue does not know',
      async (folder) => {
        await writeFiles(folder, { 'evil.tar.gz': 'evil' });
        await sumUp(folder, identifier, [...Object.values(names).slice(0, 5), 'evil.tar.gz']);
      },
      /SHA256SUMS: lists evil\.tar\.gz, which is not a file of the target/,
    ],
    [
      'a file that the sums list twice',
      async (folder) => {
        const files = await Promise.all(
          [...Object.values(names).slice(0, 5), names.software].map((name) =>
            describeFile(join(folder, name)),
          ),
        );
        await writeFiles(folder, { [names.sums]: formatSums(files) });
      },
      /SHA256SUMS: lists .*software\.tar\.gz twice/,
    ],
    [
      'a debug tarball that the manifest does not name',
      async (folder) => {
        await writeFiles(folder, { [debug]: 'x' });
        await sumUp(folder, identifier, [...Object.values(names).slice(0, 5), debug]);
      },
      /manifest\.json: does not name .*debug\.tar\.gz/,
    ],
    [
      'packages of the distribution that the name does not tell',
      (folder) => remake(folder, (manifest) => Object.assign(manifest, { externals: ['curl'] })),
      /manifest\.json: is of another target/,
    ],
    [
      'the software of another target',
      (folder) => writeResult(folder, identifier, { top: 'slurm-23.02.8-bookworm-amd64' }),
      /software\.tar\.gz: does not unpack into .*: its first entry is slurm-23\.02\.8-bookworm-amd64\//,
    ],
    [
      'the software of a target whose name begins the same',
      (folder) => writeResult(folder, identifier, { top: cuda }),
      /does not unpack into/,
    ],
    [
      'an SBOM of another tarball than the software',
      async (folder) => {
        const { sha256 } = await describeFile(join(folder, names.modules));
        await writeResult(folder, identifier, { described: sha256 });
      },
      /does not describe this target's software tarball/,
    ],
    [
      'a command that installs something else',
      (folder) =>
        remake(folder, (manifest) => Object.assign(manifest, { runtimeInstall: 'apt-get install evil' })),
      /has a runtimeInstall that does not match/,
    ],
    [
      'packages that are options',
      (folder) =>
        remake(folder, (manifest) =>
          Object.assign(manifest, { runtimePackages: ['--allow-unauthenticated'] }),
        ),
      /is not a valid manifest: runtimePackages\.0/,
    ],
    [
      'packages that are shell text',
      (folder) =>
        remake(folder, (manifest) => Object.assign(manifest, { runtimePackages: ['libc6; reboot'] })),
      /is not a valid manifest: runtimePackages\.0/,
    ],
    [
      'a name that leads elsewhere',
      (folder) =>
        remake(folder, (manifest) =>
          Object.assign(manifest, { sbom: { ...(manifest['sbom'] as object), name: '../x' } }),
        ),
      /is not a valid manifest: sbom\.name/,
    ],
    [
      'a manifest that is no JSON',
      (folder) => writeFile(join(folder, names.manifest), '{'),
      /manifest\.json: is not JSON/,
    ],
    [
      'a manifest that is missing',
      (folder) => rm(join(folder, names.manifest)),
      /manifest\.json: is missing/,
    ],
    [
      'a link in the place of a file',
      async (folder) => {
        await cp(join(folder, names.software), join(folder, 'elsewhere'));
        await rm(join(folder, names.software));
        await symlink('elsewhere', join(folder, names.software));
      },
      /software\.tar\.gz: is a symbolic link/,
    ],
    [
      'a link to a device',
      async (folder) => {
        await rm(join(folder, names.modules));
        await symlink('/dev/zero', join(folder, names.modules));
      },
      /modules\.tar\.gz: is a symbolic link/,
    ],
    [
      'a link in the place of the sums',
      async (folder) => {
        await cp(join(folder, names.sums), join(folder, 'elsewhere'));
        await rm(join(folder, names.sums));
        await symlink('elsewhere', join(folder, names.sums));
      },
      /SHA256SUMS: is a symbolic link/,
    ],
    [
      'a folder in the place of a file',
      async (folder) => {
        await rm(join(folder, names.manifest));
        await mkdir(join(folder, names.manifest));
      },
      /manifest\.json: is a folder/,
    ],
    [
      'a manifest of 64 MB',
      (folder) => truncate(join(folder, names.manifest), 64_000_000),
      /manifest\.json: has 64000000 bytes, more than/,
    ],
    [
      'sums of 64 MB',
      (folder) => truncate(join(folder, names.sums), 64_000_000),
      /SHA256SUMS: has 64000000 bytes, more than/,
    ],
    [
      'a file that is larger than all that there is',
      (folder) => truncate(join(folder, names.software), 2 ** 40),
      /software\.tar\.gz: has 1099511627776 bytes, more than/,
    ],
  ])('%s', async (__, spoil, message) => {
    const folder = await temporaryFolder();
    await writeResult(folder, identifier);
    await spoil(folder);
    expect(await refusal(check(folder))).toMatch(message);
  });

  test('a manifest of 300,000 bad entries, in few words', async () => {
    const folder = await temporaryFolder();
    await writeResult(folder, identifier);
    const many = `[${'{"bad":0},'.repeat(299_999)}{}]`;
    const manifest = await readFile(join(folder, names.manifest), 'utf8');
    for (const field of ['specs', 'runtimePackages', 'files']) {
      await writeFile(
        join(folder, names.manifest),
        manifest.replace(new RegExp(`"${field}":\\[.*?\\]`), `"${field}":${many}`),
      );
      await sumUp(folder, identifier);
      const message = await refusal(check(folder));
      expect(message).toMatch(/is not a valid manifest: \w+: Too big/);
      expect(message.length).toBeLessThan(2000);
    }
  }, 30_000);

  test('thousands of things, of which 20 are told', async () => {
    const folder = await temporaryFolder();
    await writeResult(folder, identifier);
    await writeFiles(
      folder,
      Object.fromEntries(Array.from({ length: 200 }, (___, index) => [`${identifier}-${index}`, ''])),
    );
    const lines = (await refusal(check(folder))).split('\n');
    expect(lines).toHaveLength(21);
    expect(lines.at(-1)).toBe('and 180 more');
  });

  test('names with terminal escapes, and shows them', async () => {
    const folder = await temporaryFolder();
    await writeResult(folder, identifier);
    await writeFiles(folder, { [`${identifier}-\u001b[2J\u202e`]: '' });
    expect(await refusal(check(folder))).toContain(
      `${identifier}-\\x1b[2J\\u202e: is not a file of the target`,
    );
  });
});

describe('the first member of the software tarball', () => {
  const long = `${identifier}/${'deep/'.repeat(40)}`;
  const pax = (path: string) => {
    const body = ` path=${path}\n`;
    const length = [2, 3]
      .map((digits) => body.length + digits)
      .find((total) => String(total).length === total - body.length);
    return `${length}${body}`;
  };
  test.each<[string, Buffer, RegExp | undefined]>([
    ['a folder', gzipSync(tarMember(`${identifier}/`, '', '5')), undefined],
    [
      'a pax header with a long path',
      gzipSync(Buffer.concat([tarMember('x', pax(long), 'x'), tarMember('short', '', '5')])),
      undefined,
    ],
    [
      'a pax header that leads elsewhere',
      gzipSync(Buffer.concat([tarMember('x', pax('evil/'), 'x'), tarMember(`${identifier}/`, '', '5')])),
      /its first entry is evil\//,
    ],
    [
      'a long name of GNU',
      gzipSync(Buffer.concat([tarMember('././@LongLink', `${long}\0`, 'L'), tarMember('short')])),
      undefined,
    ],
    ['a way up', gzipSync(tarMember(`../${identifier}/`)), /its first entry is \.\.\/slurm/],
    ['an absolute path', gzipSync(tarMember(`/${identifier}/`)), /does not unpack into/],
    ['nothing', gzipSync(Buffer.alloc(1024)), /software\.tar\.gz: is not a tarball/],
    ['no archive', gzipSync('words'.repeat(1000)), /is not a tarball/],
    ['nothing packed', Buffer.from('words'), /is not a tarball/],
    ['an empty file', Buffer.alloc(0), /is not a tarball/],
    ['a header that never ends', gzipSync(tarMember('x', 'y'.repeat(1 << 20), 'x')), /is not a tarball/],
    ['a bomb', gzipSync(Buffer.alloc(64 << 20)), /is not a tarball/],
    ['a spoilt header', gzipSync(tarMember(`${identifier}/`).fill('7', 148, 154)), /is not a tarball/],
  ])('%s', async (_, bytes, message) => {
    const folder = await temporaryFolder();
    await writeResult(folder, identifier);
    await writeFile(join(folder, names.software), bytes);
    const software = await describeFile(join(folder, names.software));
    const sbom = {
      spdxVersion: 'SPDX-2.3',
      packages: [{ packageFileName: software.name, checksums: [{ checksumValue: software.sha256 }] }],
    };
    await writeFile(join(folder, names.sbom), JSON.stringify(sbom));
    const described = await describeFile(join(folder, names.sbom));
    await remake(folder, (manifest) => {
      const files = manifest['files'] as { name: string }[];
      Object.assign(manifest, {
        files: files.map((file) => (file.name === software.name ? software : file)),
        sbom: described,
      });
    });
    const attempt = exactly(folder);
    if (message === undefined) await expect(attempt).resolves.toBeDefined();
    else expect(await refusal(attempt)).toMatch(message);
  });

  test('is looked at in a real archive of many pieces', async () => {
    const folder = await temporaryFolder();
    await writeResult(folder, identifier, { content: 'many words '.repeat(1 << 17) });
    await expect(exactly(folder)).resolves.toBeDefined();
    expect(tarball('a', 'b').length).toBeGreaterThan(0);
  });
});

test('verify tells of a key or a signature that is no file', async () => {
  for (const name of [`${names.sums}.asc`, fileName(identifier, 'key')]) {
    const folder = await temporaryFolder({ [`${names.sums}.asc`]: '', [fileName(identifier, 'key')]: '' });
    await writeResult(folder, identifier);
    await rm(join(folder, name));
    await mkdir(join(folder, name));
    const message = await refusal(verify(folder));
    expect(message).toContain(`${name}: is a folder`);
  }
});

test.each([
  ['a folder', async (folder: string) => folder, /is a folder/],
  ['a device', async () => '/dev/zero', /is a device/],
  ['nothing', async (folder: string) => join(folder, 'none'), /The key file .* does not exist/],
  [
    'a huge file',
    async (folder: string) => {
      await writeFile(join(folder, 'huge'), '');
      await truncate(join(folder, 'huge'), 2 ** 40);
      return join(folder, 'huge');
    },
    /has 1099511627776 bytes/,
  ],
])('verify with %s for a key is an error at once', async (_, make, message) => {
  const folder = await temporaryFolder();
  await writeResult(folder, identifier);
  const publicKey = await make(folder);
  const process = fakeProcess();
  expect(await refusal(verifyFolder(folder, { env: {}, publicKey }, process))).toMatch(message);
  expect(process.lines).toEqual([]);
});
