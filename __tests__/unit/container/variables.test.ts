import { expect, test } from '@jest/globals';
import { engineEnvironment, proxyArguments, variableArguments } from '../../../src/container/variables.js';

const proxy = { https_proxy: 'http://me:secret@proxy:3128', no_proxy: 'localhost' };

test('the arguments name the variables, without their values', () => {
  expect(proxyArguments(proxy)).toEqual(['--build-arg', 'https_proxy', '--build-arg', 'no_proxy']);
  expect(variableArguments(proxy)).toEqual(['--env', 'https_proxy', '--env', 'no_proxy']);
  expect([proxyArguments({}), variableArguments({})]).toEqual([[], []]);
});

test('the environment has the values, beside what is set', () => {
  expect(engineEnvironment({ PATH: '/bin', HOME: undefined, https_proxy: 'old' }, proxy)).toEqual({
    PATH: '/bin',
    ...proxy,
  });
});

test.each([
  'HOME',
  'PATH',
  'DOCKER_HOST',
  'CONTAINERS_CONF',
  'XDG_RUNTIME_DIR',
  'LD_PRELOAD',
  'SSL_CERT_FILE',
])('%s, which the engine goes by itself, is not handed on', (name) => {
  expect(() => variableArguments({ [name]: '/x' })).toThrow(name);
});
