import { expect, test } from '@jest/globals';
import { PackagingError } from '../../../src/base/errors.js';
import { type GraftUpdates, graftRequest, readGraft } from '../../../src/bundle/graft.js';
import { libraries, selfContained } from '../../support/fakes.js';
import { graftAnswer } from '../../support/machine.js';

const place = {
  tree: '/opt/slurm-factory/store/tree',
  origin: '/opt/slurm-factory/store/slurm',
  built: [{ name: 'lua', version: '5.4.8', hash: 'a'.repeat(32), prefix: '/opt/slurm-factory/store/lua' }],
  sources: ['/opt/slurm-factory/fetched'],
  folders: ['/opt/slurm-factory'],
};
const request = (updates: GraftUpdates) =>
  JSON.parse(graftRequest(place, libraries, selfContained, 'dpkg', updates));

test('asks for all but the libraries of the host', () => {
  const asked = request({ outdated: ['libssl3'], folder: undefined });
  expect(asked).toMatchObject({ ...place, folder: 'lib/bundled', packageManager: 'dpkg' });
  expect(asked.host).toEqual(expect.arrayContaining(['libc.so.6', 'libpam.so.0', 'libdbus-1.so.3']));
  expect(asked.named).toEqual(libraries.named);
  const { licences, moved } = selfContained;
  expect(asked).toMatchObject({ licences, moved });
  expect(asked).toMatchObject({ outdated: ['libssl3'], updates: null });
});

test('says where newer packages lie', () => {
  const asked = request({ outdated: [], folder: '/fetched' });
  expect(asked).toMatchObject({ outdated: [], updates: '/fetched' });
});

const says = (change: Partial<typeof graftAnswer>) => ({
  exitCode: 0,
  stdout: JSON.stringify({ ...graftAnswer, ...change }),
  stderr: '',
});

test('tells what came', () => {
  const updates = [{ name: 'libssl3', version: '3.0.2-1', arch: 'amd64', source: 'openssl 3.0.2-1' }];
  expect(readGraft(says({ updates }))).toEqual({
    libraries: graftAnswer.libraries,
    updates: [{ ...updates[0], epoch: undefined }],
  });
});

test('tells what is wanted newer first', () => {
  expect(readGraft(says({ wanted: ['libssl3'], libraries: [] }))).toEqual({ wanted: ['libssl3'] });
});

test.each([
  [
    'a library that is nowhere, with who needs it',
    says({ missing: [{ file: 'lib/slurm/x.so', soname: 'libx.so.1' }] }),
    /lib\/slurm\/x\.so needs libx\.so\.1/,
  ],
  ['a package without a licence', says({ unlicensed: ['libodd1'] }), /state no licence.*libodd1/],
  [
    'a script that fails',
    { exitCode: 1, stdout: '', stderr: 'ValueError: patchelf: \u001b[2Jbad' },
    /patchelf: \\x1b\[2Jbad/,
  ],
  ['an answer that is none', { exitCode: 0, stdout: '{}', stderr: '' }, /can't be read/],
])('ends with %s', (_, answer, message) => {
  expect(() => readGraft(answer)).toThrow(PackagingError);
  expect(() => readGraft(answer)).toThrow(message);
});
