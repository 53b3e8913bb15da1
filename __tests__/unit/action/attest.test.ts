import { expect, test } from '@jest/globals';
import { attestFiles } from '../../../src/action/attest.js';
import { recordingLogger } from '../../support/fakes.js';

const files = [{ name: 'a-software.tar.gz', sha256: 'a'.repeat(64) }];
const env = { ACTIONS_ID_TOKEN_REQUEST_URL: 'https://token.test', GITHUB_REPOSITORY: 'o/r' };
type Client = NonNullable<Parameters<typeof attestFiles>[3]>;
type Made = Awaited<ReturnType<Awaited<ReturnType<Client>>['attestProvenance']>>;

/** A client that notes what it was asked for and answers with a number. */
function client(answer: () => Made) {
  const asked: unknown[] = [];
  const load: Client = async () => ({
    attestProvenance: async (options) => {
      asked.push(options);
      return answer();
    },
  });
  return { asked, load };
}

const made = { attestationID: '7', bundle: {}, certificate: '' } as Made;

test('the files are attested with the token, by name and sum', async () => {
  const { asked, load } = client(() => made);
  const logger = recordingLogger();
  expect(await attestFiles(files, { token: 't', env }, logger, load)).toEqual({
    id: '7',
    url: 'https://github.com/o/r/attestations/7',
    bundle: {},
  });
  expect(asked).toEqual([
    { subjects: [{ name: 'a-software.tar.gz', digest: { sha256: 'a'.repeat(64) } }], token: 't' },
  ]);
  expect(logger.of('notice')).toEqual([]);
});

test.each([
  ['the permission for id tokens', { token: 't', env: {} }],
  ['a token', { token: '', env }],
])('without %s there is one notice and no attestation', async (_, context) => {
  const { asked, load } = client(() => made);
  const logger = recordingLogger();
  expect(await attestFiles(files, context, logger, load)).toBeUndefined();
  expect(logger.of('notice')).toEqual([expect.stringContaining('attestations: write')]);
  expect(asked).toEqual([]);
});

test('a service that refuses is a warning', async () => {
  const { load } = client(() => {
    throw new Error('Resource not accessible by integration');
  });
  const logger = recordingLogger();
  expect(await attestFiles(files, { token: 't', env }, logger, load)).toBeUndefined();
  expect(logger.of('warning')).toEqual([expect.stringContaining('Resource not accessible')]);
});
