import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { hideSecrets, type Self, splitEnvironment } from '../../../src/action/secrets.js';
import { processOwner } from '../../../src/base/owner.js';
import { temporaryFolder } from '../../support/fakes.js';
import { capturedOutput } from '../../support/output.js';

const secrets = {
  'INPUT_GPG-PRIVATE-KEY': 'the key\nof lines',
  'INPUT_GPG-PASSPHRASE': 'hunter2',
  'INPUT_CACHE-SECRET': 'hunter3',
  'INPUT_GITHUB-TOKEN': 'ghs_1',
  ACTIONS_RUNTIME_TOKEN: 'ghs_2',
  ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'ghs_3',
};
const dropped = {
  GITHUB_TOKEN: 'ghs_4',
  GH_TOKEN: 'ghs_5',
  MY_API_KEY: 'k',
  DB_PASSWORD: 'p',
  A_SECRET: 's',
};
const open = {
  PATH: '/bin',
  INPUT_GPU: 'cuda',
  ACTIONS_RESULTS_URL: 'https://results.test',
  ACTIONS_ID_TOKEN_REQUEST_URL: 'https://id.test',
  GITHUB_REPOSITORY: 'us/slurm',
  EMPTY_TOKEN: '',
};

test('the parts of a login that an input names come along, and a name of a user stays where it is', () => {
  const names = { 'INPUT_BUILD-CACHE-LOGIN': 'GITHUB_ACTOR GH_TOKEN SESSION_OF_S3' };
  const login = { GITHUB_ACTOR: 'me', GH_TOKEN: 'ghs_5', SESSION_OF_S3: 'x' };
  const split = splitEnvironment({ ...names, ...login, GITHUB_TOKEN: 'ghs_4' });
  expect(split.secrets).toEqual({ GH_TOKEN: 'ghs_5', SESSION_OF_S3: 'x' });
  expect(split.open).toEqual({ ...names, GITHUB_ACTOR: 'me' });
  const odd = { 'INPUT_BUILD-CACHE-LOGIN': 'MY_KEY MY_PASSWORD' };
  expect(splitEnvironment({ ...odd, MY_KEY: 'id', MY_PASSWORD: 'p' }).secrets).toEqual({
    MY_KEY: 'id',
    MY_PASSWORD: 'p',
  });
});

interface Start {
  readonly file: string;
  readonly words: string[];
  readonly env: Record<string, string>;
}

/** Node's own process with a start anew that is only noted; what the file held then is kept. */
function self(env: Record<string, string>, canStart = true) {
  const starts: (Start & { content: string; modes: number[] })[] = [];
  const made: Self = {
    env,
    execPath: '/node',
    execArgv: ['--flag'],
    argv: ['/node', '/action/index.js', 'a b'],
    execve: canStart
      ? (file, words, started) => {
          const path = started['SLURM_FACTORY_SECRETS'] ?? '';
          const modes = [path, dirname(path)].map((name) => statSync(name).mode & 0o777);
          starts.push({ file, words, env: started, content: readFileSync(path, 'utf8'), modes });
        }
      : undefined,
  };
  return { made, starts };
}

const written = capturedOutput();

test('secrets are told by what they are of, and by their names; what is not needed is dropped', () => {
  expect(splitEnvironment({ ...open, ...secrets, ...dropped, NONE: undefined })).toEqual({ open, secrets });
});

test('of a misspelt input that sounds like a secret the name stays, so that it is told', () => {
  const misspelt = { INPUT_GPG_PRIVATE_KEY: 'the key', 'INPUT_GITHUB-TOKENS_AUTH': 'ghs_6' };
  const left = Object.fromEntries(Object.keys(misspelt).map((name) => [name, '***']));
  expect(splitEnvironment({ ...open, ...misspelt })).toEqual({ open: { ...open, ...left }, secrets: {} });
  expect(splitEnvironment(left)).toEqual({ open: left, secrets: {} });
});

describe('with secrets in the environment', () => {
  test('the process starts anew without them, and a private file holds them meanwhile', async () => {
    const folder = await temporaryFolder();
    const { made, starts } = self({ ...open, ...secrets, ...dropped });
    hideSecrets(made, [folder]);
    expect(starts).toHaveLength(1);
    const [start] = starts;
    expect(start).toMatchObject({
      file: '/node',
      words: ['/node', '--flag', '/action/index.js', 'a b'],
      modes: [0o600, 0o700],
    });
    const { SLURM_FACTORY_SECRETS: file, ...rest } = start?.env ?? {};
    expect(rest).toEqual(open);
    expect(dirname(dirname(file ?? ''))).toBe(folder);
    expect(JSON.parse(start?.content ?? '')).toEqual(secrets);
    // The log hides them before anything else happens.
    expect(written.join('')).toContain('::add-mask::hunter2');
    expect(written.filter((text) => text.startsWith('::add-mask::'))).toHaveLength(6);
  });

  test('the folder that can not be written is passed over', async () => {
    const folder = await temporaryFolder();
    const { made, starts } = self({ ...secrets });
    hideSecrets(made, [join(folder, 'nowhere'), folder]);
    expect(starts).toHaveLength(1);
  });

  test('the process that starts finds them, removes the file, and gives them to no copy', async () => {
    const folder = await temporaryFolder();
    const own = join(folder, `slurm-factory-secrets~${processOwner()}~abcdef`);
    mkdirSync(own, { mode: 0o700 });
    writeFileSync(join(own, 'secrets.json'), JSON.stringify(secrets));
    const { made, starts } = self({ ...open, SLURM_FACTORY_SECRETS: join(own, 'secrets.json') });
    hideSecrets(made, [folder]);
    expect(starts).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
    for (const [name, value] of Object.entries(secrets)) expect(made.env[name]).toBe(value);
    expect({ ...made.env }).toEqual(open);
    expect(JSON.stringify(made.env)).not.toMatch(/hunter|ghs_|SLURM_FACTORY_SECRETS/);
    delete made.env['INPUT_GPG-PASSPHRASE'];
    expect('INPUT_GPG-PASSPHRASE' in made.env).toBe(false);
  });

  test('a file of another name is not read', async () => {
    const folder = await temporaryFolder({ 'other/secrets.json': '{"PATH": "/evil"}' });
    const { made } = self({ ...open, SLURM_FACTORY_SECRETS: join(folder, 'other', 'secrets.json') });
    hideSecrets(made, [folder]);
    expect(made.env['PATH']).toBe('/bin');
    expect(readdirSync(folder)).toEqual(['other']);
  });

  test('it starts anew once only', async () => {
    const { made, starts } = self({ ...secrets, SLURM_FACTORY_SECRETS: '/nowhere' });
    hideSecrets(made, [await temporaryFolder()]);
    expect(starts).toEqual([]);
    expect({ ...made.env }).toEqual({});
  });
});

test('a Node that can not start anew goes on: no child gets them, and a key is worth a notice', async () => {
  const folder = await temporaryFolder();
  const { made } = self({ ...open, ...secrets, ...dropped }, false);
  hideSecrets(made, [folder]);
  expect({ ...made.env }).toEqual(open);
  expect(made.env['INPUT_GPG-PASSPHRASE']).toBe('hunter2');
  expect(readdirSync(folder)).toEqual([]);
  expect(written.join('')).toMatch(/^::notice::This version of Node/m);
});

test('without secrets nothing starts anew, and what is not needed goes all the same', async () => {
  const { made, starts } = self({ ...open, GH_TOKEN: 'ghs_5' });
  hideSecrets(made, [await temporaryFolder()]);
  expect(starts).toEqual([]);
  expect(made.env).toEqual(open);
  expect(written).toEqual([]);
});

test('what a start that was killed has left is removed, that of one that runs is not', async () => {
  const folder = await temporaryFolder();
  const ended = processOwner().replace(/~(\d+)~\d+$/, '~$1~1');
  for (const owner of [ended, processOwner()])
    mkdirSync(join(folder, `slurm-factory-secrets~${owner}~abcdef`));
  mkdirSync(join(folder, 'something else'));
  hideSecrets(self(open).made, [folder]);
  expect(readdirSync(folder).sort()).toEqual([
    `slurm-factory-secrets~${processOwner()}~abcdef`,
    'something else',
  ]);
});
