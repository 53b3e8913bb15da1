import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { ConfigurationError } from '../../../src/base/errors.js';
import { graftFolder, hostLibrary, librariesPath, parseLibraries } from '../../../src/targets/libraries.js';
import { libraries } from '../../support/fakes.js';

const text = readFileSync(new URL(`../../../${librariesPath}`, import.meta.url), 'utf8');

test("what stays the host's has a reason, and glibc, PAM, udev and D-Bus are among it", () => {
  for (const { reason } of libraries.host) expect(reason).toMatch(/^[A-Z].+\.$/);
  for (const soname of [
    'libc.so.6',
    'ld-linux-x86-64.so.2',
    'ld-linux-aarch64.so.1',
    'libpam.so.0',
    'libudev.so.1',
  ])
    expect(hostLibrary(libraries, soname)).toMatchObject({ packages: { 'apt-get': expect.any(String) } });
  expect(hostLibrary(libraries, 'libdbus-1.so.3')?.feature).toBe('cgroup/v2');
  expect(hostLibrary(libraries, 'libcrypto.so.3')).toBeUndefined();
  expect(hostLibrary(libraries, 'libcc.so.6')).toBeUndefined();
});

test('docs/libraries.md has the same list', () => {
  const page = readFileSync(new URL('../../../docs/libraries.md', import.meta.url), 'utf8');
  const rows = libraries.host.map(
    ({ libraries: names, feature = 'all', reason }) =>
      `| ${names.map((name) => `\`${name}\``).join(', ')} | ${feature} | ${reason} |`,
  );
  expect(page.split('\n').slice(-rows.length - 1)).toEqual([...rows, '']);
});

test('the folder of what comes along is the one that the recipe looks for plugins in', () => {
  const patch = readFileSync(
    new URL(
      '../../../spack-repo/spack_repo/slurm_factory/packages/slurm/self_location.patch',
      import.meta.url,
    ),
    'utf8',
  );
  for (const { to } of libraries.plugins)
    expect(patch).toContain(`%s/${graftFolder.replace('lib/', '')}/${to}"`);
});

test.each([
  ['a soname that is a path', text.replace('libudev.so.1', '/lib/libudev.so.1'), /host/],
  ['no reason', text.replace(/ {4}reason: They are glibc's.*\n/, ''), /reason/],
  ['an unknown word', `${text}\nguest: []\n`, /guest/],
  ['a package of another program', text.replace('pacman: pam', 'emerge: pam'), /emerge/],
])('refuses %s', (_, odd, message) => {
  expect(() => parseLibraries(odd)).toThrow(ConfigurationError);
  expect(() => parseLibraries(odd)).toThrow(message);
});
