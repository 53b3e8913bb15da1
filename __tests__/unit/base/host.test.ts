import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { inspectHost, parseOsRelease } from '../../../src/base/host.js';
import { temporaryFolder } from '../../support/fakes.js';

test.each([
  ['plain', 'ID=debian', { ID: 'debian' }],
  ['double quotes', 'VERSION_ID="12"', { VERSION_ID: '12' }],
  ['single quotes', "ID='rocky'", { ID: 'rocky' }],
  ['an equals sign in the value', 'HOME_URL="https://a.test/?b=c"', { HOME_URL: 'https://a.test/?b=c' }],
  ['comments, empty lines and nonsense', '# a comment\n\nnonsense\nID=debian\n', { ID: 'debian' }],
  ['white space around', '  ID=debian  \r\n', { ID: 'debian' }],
])('os-release: %s', (_, text, expected) => {
  expect(parseOsRelease(text)).toEqual(expected);
});

describe('inspectHost', () => {
  test('takes the proxy settings that are there, and nothing else of the environment', async () => {
    const found = await inspectHost({
      http_proxy: 'http://proxy:3128',
      HTTPS_PROXY: 'http://proxy:3129',
      no_proxy: '',
      GITHUB_TOKEN: 'secret',
      PATH: '/bin',
    });
    expect(found.proxy).toEqual({ http_proxy: 'http://proxy:3128', HTTPS_PROXY: 'http://proxy:3129' });
  });

  test('SSL_CERT_FILE goes before the usual bundles, if it can be read', async () => {
    const bundle = join(await temporaryFolder({ 'ca.crt': 'PEM' }), 'ca.crt');
    expect((await inspectHost({ SSL_CERT_FILE: bundle })).caBundle).toBe(bundle);
    expect((await inspectHost({ SSL_CERT_FILE: '/nowhere.crt' })).caBundle).not.toBe('/nowhere.crt');
  });

  test('counts at least one processor', async () => {
    expect((await inspectHost({})).cpus).toBeGreaterThanOrEqual(1);
  });
});
