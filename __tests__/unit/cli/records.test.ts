import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { processOwner } from '../../../src/base/owner.js';
import { claimRecords, RecordFile } from '../../../src/cli/records.js';
import { temporaryFolder } from '../../support/fakes.js';
import { endedOwner, startedRecord } from '../../support/records.js';

const owner = processOwner();
const ended = endedOwner();
const record = startedRecord('/cache');

test('a record is read as it was written, and gone once it is removed', async () => {
  const folder = await temporaryFolder();
  const file = new RecordFile(join(folder, 'records'), owner);
  expect(file.read()).toBeUndefined();
  file.save({ ...record, succeeded: true });
  file.save(record);
  expect(file.read()).toEqual(record);
  file.remove();
  expect(await readdir(join(folder, 'records'))).toEqual([]);
});

test('only what ended processes left is taken over, once', async () => {
  const folder = await temporaryFolder({ [`${ended}~x.json.partial`]: '{"half' });
  new RecordFile(folder, ended).save(record);
  new RecordFile(folder, owner).save({ ...record, buildFolder: '/cache/mine' });
  const claimed = claimRecords(folder, owner);
  expect(claimed.map((file) => file.read())).toEqual([record]);
  expect(claimRecords(folder, owner)).toEqual([]);
  for (const file of claimed) file.remove();
  expect(await readdir(folder)).toEqual([`${owner}.json`]);
});

test('without a folder, and with a record that nobody can read, there is nothing to carry on', async () => {
  const folder = await temporaryFolder({ [`${ended}.json`]: '{"version":99}' });
  expect(claimRecords(join(folder, 'none'), owner)).toEqual([]);
  expect(claimRecords(folder, owner).map((file) => file.read())).toEqual([undefined]);
});
