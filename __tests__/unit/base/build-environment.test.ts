import { expect, test } from '@jest/globals';
import { buildEnvironment } from '../../../src/base/environment.js';

const wanted = {
  PATH: '/usr/bin:/bin',
  LANG: 'de_DE.UTF-8',
  LC_ALL: 'C',
  LC_MESSAGES: 'C',
  TZ: 'UTC',
  USER: 'me',
  LOGNAME: 'me',
  TERM: 'dumb',
  TMPDIR: '/var/tmp',
  SSL_CERT_FILE: '/ca.crt',
  CURL_CA_BUNDLE: '/ca.crt',
  REQUESTS_CA_BUNDLE: '/ca.crt',
  GIT_SSL_CAINFO: '/ca.crt',
};

test('what a build needs is let through', () => {
  expect(buildEnvironment(wanted)).toEqual(wanted);
});

test.each([
  'SLURM_FACTORY_GPG_PRIVATE_KEY',
  'SLURM_FACTORY_GPG_PASSPHRASE',
  'GITHUB_TOKEN',
  'ACTIONS_RUNTIME_TOKEN',
  'INPUT_GPG-PASSPHRASE',
  'AWS_SECRET_ACCESS_KEY',
  'https_proxy',
  'HTTP_PROXY',
  'PIP_INDEX_URL',
  'LD_PRELOAD',
  'PYTHONPATH',
  'SPACK_ROOT',
  'CFLAGS',
  'MAKEFLAGS',
  'HOME',
  'MY_PATH',
  'PATH_TO_KEY',
  'LC_ALL_SECRET ',
  'path',
])('%s is not, whatever it is', (name) => {
  expect(buildEnvironment({ ...wanted, [name]: 'canary' })).toEqual(wanted);
});

test('what is not set is left out', () => {
  expect(buildEnvironment({ PATH: '/bin', LANG: undefined })).toEqual({ PATH: '/bin' });
});
