import { chmodSync, closeSync, constants, openSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { InputError } from '../../../src/base/errors.js';
import { readSecretFiles, refuseSecretVariables } from '../../../src/cli/secrets.js';
import { temporaryFolder } from '../../support/fakes.js';

async function secretsFolder(): Promise<string> {
  const root = await temporaryFolder({ key: 'the key\nof lines\n', open: 'x', group: 'x', empty: '\n' });
  for (const [name, mode] of [
    ['key', 0o600],
    ['empty', 0o400],
    ['open', 0o644],
    ['group', 0o640],
  ] as const) {
    chmodSync(join(root, name), mode);
  }
  await symlink('loop', join(root, 'loop'));
  await writeFile(join(root, 'large'), Buffer.alloc((1 << 20) + 1, 'x'), { mode: 0o600 });
  await writeFile(join(root, 'binary'), Buffer.from([0xff, 0xfe, 0x00]), { mode: 0o600 });
  await writeFile(join(root, 'nul'), 'a\0b', { mode: 0o600 });
  await mkdir(join(root, 'folder'));
  return root;
}

test('a secret comes from its file, without the last line break; paths start at the folder of the call', async () => {
  const root = await secretsFolder();
  expect(await readSecretFiles({ 'gpg-private-key': 'key' }, root)).toEqual({
    'gpg-private-key': 'the key\nof lines',
  });
  expect(await readSecretFiles({}, root)).toEqual({});
});

test('a descriptor is read, and closed behind it', async () => {
  const root = await secretsFolder();
  const fd = openSync(join(root, 'key'), constants.O_RDONLY);
  const read = await readSecretFiles({ 'gpg-passphrase': `/dev/fd/${fd}` }, root);
  expect(read).toEqual({ 'gpg-passphrase': 'the key\nof lines' });
  expect(() => closeSync(fd)).toThrow('EBADF');
});

test.each<[string, string, RegExp]>([
  ['no file', 'nowhere', /there is no such file/],
  ['no name', '', /there is no name of a file/],
  ['a folder', 'folder', /it is a folder/],
  ['a loop', 'loop', /a loop of links/],
  ['one that others may read', 'open', /other users may read.*chmod 600/],
  ['one that a group may read', 'group', /other users may read.*chmod 600/],
  ['one that is too large', 'large', /larger than 1048576 bytes/],
  ['an empty one', 'empty', /it is empty/],
  ['bytes that are no text', 'binary', /it is no text/],
  ['text with a NUL', 'nul', /it is no text/],
  ['a device', '/dev/zero', /neither a file nor a pipe/],
  ['a descriptor that is not open', '/dev/fd/999999', /no such descriptor/],
  ['a path with a NUL', 'a\0b', /it is no path/],
  ['a long path', 'x'.repeat(5000), /^.{0,300}the path is too long/s],
])('%s is refused', async (_, file, message) => {
  const root = await secretsFolder();
  const read = readSecretFiles({ 'gpg-private-key': file }, root);
  await expect(read).rejects.toThrow(InputError);
  await expect(read).rejects.toThrow(message);
  await expect(read).rejects.toMatchObject({ problems: [{ input: '--gpg-private-key-file' }] });
});

test('one descriptor brings one secret; all that is wrong is told', async () => {
  const read = readSecretFiles({ 'gpg-private-key': '-', 'gpg-passphrase': '/dev/stdin' }, '/');
  await expect(read).rejects.toMatchObject({
    problems: [{ input: '--gpg-private-key-file' }, { input: '--gpg-passphrase-file' }],
  });
  await expect(read).rejects.toThrow(/only one of the secrets can come by it/);
});

describe('a secret in a variable', () => {
  test.each(['SLURM_FACTORY_GPG_PRIVATE_KEY', 'SLURM_FACTORY_GPG_PASSPHRASE', 'SLURM_FACTORY_CACHE_SECRET'])(
    '%s is refused by its name, and its value is not shown',
    (name) => {
      const attempt = () => refuseSecretVariables({ [name]: 'hunter2' });
      expect(attempt).toThrow(InputError);
      expect(attempt).toThrow(`${name}: it is set`);
      expect(attempt).toThrow(/use --(gpg|cache)-[a-z-]+-file <file>/);
      expect(attempt).not.toThrow(/hunter2/);
    },
  );

  test('an empty one, and any other, is none', () => {
    refuseSecretVariables({ SLURM_FACTORY_GPG_PASSPHRASE: '', SLURM_FACTORY_OTHER: 'x', PATH: '/bin' });
  });
});
