import { chmod, chown, mkdir, readdir, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ConfigurationError } from '../../../src/base/errors.js';
import { processOwner } from '../../../src/base/owner.js';
import { claimRecords, RecordFile } from '../../../src/local/records.js';
import { storedRecord } from '../../../src/pipeline/record.js';
import { temporaryFolder } from '../../support/fakes.js';
import { endedOwner, placesIn, startedRecord } from '../../support/records.js';

const owner = processOwner();
const ended = endedOwner();
const record = startedRecord('/cache');
const places = placesIn('/cache');
const stored = storedRecord(record);

test('a record is read as it was written, and gone once it is removed', async () => {
  const folder = await temporaryFolder();
  const file = new RecordFile(join(folder, 'records'), owner, places);
  expect(file.read()).toBeUndefined();
  file.save({ ...stored, succeeded: true });
  file.save(stored);
  expect(file.read()).toEqual(record);
  file.remove();
  expect(await readdir(join(folder, 'records'))).toEqual([]);
});

test('only what ended processes left is taken over, once', async () => {
  const folder = await temporaryFolder({ [`${ended}~x.json.partial`]: '{"half' });
  new RecordFile(folder, ended, places).save(stored);
  new RecordFile(folder, owner, places).save({ ...stored, build: 'build-aaaaaaaaaaaa-8' });
  const claimed = claimRecords(folder, owner, places);
  expect(claimed.map((file) => file.read())).toEqual([record]);
  expect(claimRecords(folder, owner, places)).toEqual([]);
  for (const file of claimed) file.remove();
  expect(await readdir(folder)).toEqual([`${owner}.json`]);
});

test('without a folder, and with a record that nobody can read, there is nothing to carry on', async () => {
  const folder = await temporaryFolder({ [`${ended}.json`]: '{"version":99}' });
  expect(claimRecords(join(folder, 'none'), owner, places)).toEqual([]);
  expect(claimRecords(folder, owner, places).map((file) => file.read())).toEqual([undefined]);
});

describe('a record that somebody planted', () => {
  const planted = JSON.stringify(stored);

  /** A folder for records, with one of a build that ended, as `plant` puts it there. */
  async function withRecord(plant: (file: string, folder: string) => Promise<unknown>) {
    const root = await temporaryFolder();
    const folder = join(root, 'records');
    await mkdir(folder, { mode: 0o700 });
    await plant(join(folder, `${ended}.json`), root);
    return { folder, claimed: () => claimRecords(folder, owner, places) };
  }

  test('of this user is followed as far as it stays in the folders of a build', async () => {
    const { claimed } = await withRecord((file) => writeFile(file, planted, { mode: 0o600 }));
    expect(claimed().map((file) => file.read())).toEqual([record]);
    const outside = JSON.stringify({ ...stored, build: '../../home/me' });
    const other = await withRecord((file) => writeFile(file, outside, { mode: 0o600 }));
    expect(() => other.claimed()[0]?.read()).toThrow(ConfigurationError);
  });

  test.each<[string, (file: string, root: string) => Promise<unknown>]>([
    [
      'can be written by others',
      async (file) => {
        await writeFile(file, planted);
        await chmod(file, 0o666);
      },
    ],
    [
      'is a link',
      async (file, root) => {
        await writeFile(join(root, 'elsewhere'), planted, { mode: 0o600 });
        await symlink(join(root, 'elsewhere'), file);
      },
    ],
  ])('is not followed if it %s', async (_, plant) => {
    const { claimed } = await withRecord(plant);
    const [file] = claimed();
    expect(() => file?.read()).toThrow(/is not followed/);
    file?.remove();
    expect(claimed()).toEqual([]);
  });

  const asRoot = process.getuid?.() === 0 ? test : test.skip;
  asRoot('is not followed if it is of another user', async () => {
    const { claimed } = await withRecord(async (file) => {
      await writeFile(file, planted, { mode: 0o600 });
      await chown(file, 12345, 12345);
    });
    expect(() => claimed()[0]?.read()).toThrow('belongs to another user (12345)');
  });

  test.each([0o777, 0o1777, 0o770])('in a folder of mode %o is not even looked at', async (mode) => {
    const { folder, claimed } = await withRecord((file) => writeFile(file, planted, { mode: 0o600 }));
    await chmod(folder, mode);
    expect(claimed()).toEqual([]);
    expect(await readdir(folder)).toHaveLength(1);
    expect(() => new RecordFile(folder, owner, places).save(stored)).toThrow(ConfigurationError);
    expect(await readdir(folder)).toHaveLength(1);
  });

  test('in a folder that is a link is not looked at, and nothing is written there', async () => {
    const { folder } = await withRecord((file) => writeFile(file, planted, { mode: 0o600 }));
    const link = join(await temporaryFolder(), 'records');
    await symlink(folder, link);
    expect(claimRecords(link, owner, places)).toEqual([]);
    expect(() => new RecordFile(link, owner, places).save(stored)).toThrow(ConfigurationError);
    expect(await readdir(folder)).toHaveLength(1);
  });
});

test('a record can be read and written by its user alone', async () => {
  const folder = join(await temporaryFolder(), 'records');
  const file = new RecordFile(folder, owner, places);
  file.save(stored);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  for (const name of await readdir(folder)) {
    expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
  }
  file.remove();
});

test('a machine of the same name that still runs keeps its record: it touches it', async () => {
  const folder = await temporaryFolder();
  await chmod(folder, 0o700);
  const [host, , ...rest] = ended.split('~');
  const name = [host, 'bootbbbb', ...rest].join('~');
  const file = new RecordFile(folder, name, places);
  file.save(stored);
  expect(claimRecords(folder, owner, places)).toEqual([]);
  const old = new Date(Date.now() - 11 * 60_000);
  await utimes(join(folder, `${name}.json`), old, old);
  const claimed = claimRecords(folder, owner, places);
  expect(claimed.map((taken) => taken.read())).toEqual([record]);
  for (const taken of [file, ...claimed]) taken.remove();
});
