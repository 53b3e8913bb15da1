import { expect, test } from '@jest/globals';
import { proxyArguments, withProxy } from '../../../src/container/proxy.js';

const proxy = { https_proxy: 'http://me:secret@proxy:3128', no_proxy: 'localhost' };

test('the arguments name the settings, without their values', () => {
  expect(proxyArguments(proxy)).toEqual(['--build-arg', 'https_proxy', '--build-arg', 'no_proxy']);
  expect(proxyArguments({})).toEqual([]);
});

test('the environment has the values, beside what is set', () => {
  expect(withProxy({ PATH: '/bin', HOME: undefined, https_proxy: 'old' }, proxy)).toEqual({
    PATH: '/bin',
    ...proxy,
  });
});
