import { describe, expect, test } from '@jest/globals';
import { buildEnvironment, proxySecrets, publicEnvironment } from '../../../src/base/environment.js';

const secrets = {
  GITHUB_TOKEN: 'hunter2',
  GH_TOKEN: 'hunter2',
  ACTIONS_RUNTIME_TOKEN: 'hunter2',
  'INPUT_GPG-PRIVATE-KEY': 'hunter2',
  SLURM_FACTORY_GPG_PASSPHRASE: 'hunter2',
  AWS_SECRET_ACCESS_KEY: 'hunter2',
  DOCKER_AUTH_CONFIG: 'hunter2',
  DOCKER_PASSWORD: 'hunter2',
  DOCKER_HUB_TOKEN: 'hunter2',
  CONTAINERS_TOKEN: 'hunter2',
  PIP_PASSWORD: 'hunter2',
  OF_MY_OWN: 'hunter2',
  LD_PRELOAD: 'hunter2',
  NODE_OPTIONS: 'hunter2',
};
const harmless = {
  PATH: '/bin',
  HOME: '/home/me',
  LC_ALL: 'C',
  TZ: 'UTC',
  https_proxy: 'http://proxy:3128',
  SSL_CERT_FILE: '/ca.crt',
};
const engines = {
  DOCKER_HOST: 'ssh://build',
  DOCKER_CONFIG: '/home/me/.docker',
  DOCKER_CERT_PATH: '/certs',
  CONTAINER_HOST: 'unix:///run/podman.sock',
  CONTAINERS_CONF: '/etc/c.conf',
  REGISTRY_AUTH_FILE: '/home/me/auth.json',
  SSH_AUTH_SOCK: '/run/agent',
  XDG_RUNTIME_DIR: '/run/user/1',
  PIP_CERT: '/ca.crt',
  GIT_CONFIG_GLOBAL: '/home/me/.gitconfig',
};

describe('what is let through', () => {
  test('to programs of ours: what they need, and no secret', () => {
    expect(publicEnvironment({ ...secrets, ...harmless, ...engines, USER: undefined })).toEqual({
      ...harmless,
      ...engines,
    });
  });

  test("to a build on the machine: nothing of engines or of the user's agents", () => {
    const { HOME: _, https_proxy: __, ...passed } = harmless;
    expect(buildEnvironment({ ...secrets, ...harmless, ...engines })).toEqual(passed);
  });

  test('a git setting that carries a secret is left out, the others are counted anew', () => {
    const passed = publicEnvironment({
      GIT_CONFIG_COUNT: '4',
      GIT_CONFIG_KEY_0: 'http.https://github.com/.extraheader',
      GIT_CONFIG_VALUE_0: 'AUTHORIZATION: basic hunter2',
      GIT_CONFIG_KEY_1: 'url.file:///mirror/.insteadOf',
      GIT_CONFIG_VALUE_1: 'https://github.com/',
      GIT_CONFIG_KEY_2: 'url.https://me:hunter2@git.test/.insteadOf',
      GIT_CONFIG_VALUE_2: 'https://github.com/',
      GIT_CONFIG_KEY_3: 'http.proxy',
      GIT_CONFIG_VALUE_3: 'http://me:hunter2@proxy.test',
      GIT_CONFIG_KEY_4: 'not.counted',
    });
    expect(passed).toEqual({
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'url.file:///mirror/.insteadOf',
      GIT_CONFIG_VALUE_0: 'https://github.com/',
    });
    expect(publicEnvironment({ GIT_CONFIG_COUNT: '999999999', GIT_CONFIG_KEY_0: 'a.b' })).toEqual({});
    expect(publicEnvironment({ GIT_CONFIG_PARAMETERS: "'a.b=hunter2'" })).toEqual({});
  });

  test('a process that is given none gets that of this process, by the same list', () => {
    process.env['SLURM_FACTORY_TEST_TOKEN'] = 'hunter2';
    try {
      expect(JSON.stringify(publicEnvironment(process.env))).not.toContain('hunter2');
      expect(publicEnvironment(process.env)['PATH']).toBe(process.env['PATH']);
    } finally {
      delete process.env['SLURM_FACTORY_TEST_TOKEN'];
    }
  });
});

test.each<[string, string, string[]]>([
  ['no proxy', '', []],
  ['no password', 'http://proxy:3128', []],
  ['a name only', 'http://me@proxy:3128', []],
  ['a password', 'http://me:hunter2@proxy:3128', ['hunter2']],
  ['one without a scheme', 'me:hunter2@proxy:3128', ['hunter2']],
  ['one that is encoded', 'http://me:p%40ss@proxy', ['p%40ss', 'p@ss']],
  ['one that is wrongly encoded', 'http://me:pass%@proxy', ['pass%']],
  ['a short one, with its name', 'http://me:x@proxy', ['me:x@']],
])('the secrets of a proxy: %s', (_, value, expected) => {
  expect(proxySecrets({ https_proxy: value, HTTPS_PROXY: value, PATH: 'http://a:bcdef@c' })).toEqual(
    expected,
  );
});
