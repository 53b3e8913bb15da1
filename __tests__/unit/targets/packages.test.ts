import { expect, test } from '@jest/globals';
import { isPackageName } from '../../../src/targets/packages.js';

test.each(['libc6', 'libstdc++6', 'libjson-c5', 'lua5.4', 'g++', '0ad', 'libpmix2t64'])(
  'dpkg has %s',
  (word) => expect(isPackageName('dpkg', word)).toBe(true),
);

test.each(['glibc', 'libstdc++', 'json-c', 'MySQL-python', 'python3.11', 'X', '_x', 'perl-Git'])(
  'rpm has %s',
  (word) => expect(isPackageName('rpm', word)).toBe(true),
);

/** Each would be something else than a package where it is installed. */
const strange: readonly string[] = [
  '',
  ' ',
  '-y',
  '--allow-downgrades',
  '-oAPT::Update::Pre-Invoke::=id',
  'a b',
  'a\nb',
  'a\n',
  'a;id',
  '$(id)',
  '`id`',
  'a"b',
  './a.deb',
  '/usr/bin/sh',
  'https://evil.test/a.rpm',
  '@core',
  'lib*',
  'lib?',
  'a=1',
  'a/sid',
  'libc6-',
  'ä',
  'a\0',
  'a'.repeat(201),
];

test.each(strange)('%j is no name', (word) => {
  expect(isPackageName('dpkg', word)).toBe(false);
  expect(isPackageName('rpm', word)).toBe(false);
});

test('dpkg knows no capitals', () => expect(isPackageName('dpkg', 'Libc6')).toBe(false));
