import { describe, expect, test } from '@jest/globals';
import { ConfigurationError } from '../../../src/base/errors.js';
import type { Arch } from '../../../src/targets/identifier.js';
import { baseReference, imagePackages, parseToolchain, runs } from '../../../src/targets/toolchains.js';
import { features, toolchain, toolchainText } from '../../support/fakes.js';

test('a system package lies below /usr unless it says where', () => {
  expect(toolchain().tools.map((tool) => [tool.spec, tool.prefix])).toEqual([
    ['gmake', '/usr'],
    ['gnuconfig', '/usr/share/misc'],
  ]);
});

test('the image gets every package once, sorted, wherever it is named', () => {
  expect(imagePackages(toolchain())).toEqual([
    'autotools-dev',
    'gcc',
    'libdbus-1-dev',
    'libmunge-dev',
    'make',
    'patchelf',
    'python3',
    'python3-venv',
  ]);
});

test('its Python may have another name', () => {
  expect(imagePackages(toolchain({ python: 'python3.12' }))).toContain('python3.12-venv');
  expect(imagePackages(toolchain({ python: 'python3.12', packageManager: 'rpm' }))).toContain('python3.12');
});

test.each([
  ['debian', '12', true],
  ['debian', '12.5', true],
  ['debian', '1', false],
  ['debian', '120', false],
  ['debian', '', false],
  ['ubuntu', '12', false],
])('a machine with %s %s runs Debian 12: %s', (id, version, expected) => {
  expect(runs({ id, version }, toolchain())).toBe(expected);
});

describe('what toolchains of a package manager have in common', () => {
  const common = { dpkg: 'python: python3.13\nnotBuilt: [zlib]\ntools: []\n', rpm: 'notBuilt: [bzip2]\n' };
  const read = (text: string) => parseToolchain(text, 'x', 'amd64', features, common);

  test('is taken where the file does not have it itself', () => {
    expect(read(toolchainText)).toMatchObject({ python: 'python3.13', notBuilt: ['zlib'] });
    expect(read(toolchainText).tools).toHaveLength(2);
  });

  test('is that of its own package manager', () => {
    expect(read(toolchainText.replace('dpkg', 'rpm')).notBuilt).toEqual(['bzip2']);
  });
});

test('an architecture may lack a dependency, and have another archive of security updates', () => {
  const own = 'archs: {arm64: {lacks: [dbus], securityArchive: "http://ports.test/debian"}}\n';
  const on = (arch: Arch) => parseToolchain(`${toolchainText}${own}`, 'x', arch, features);
  const { switches: _, ...amd64 } = toolchain();
  expect(on('amd64')).toEqual(amd64);
  const arm64 = on('arm64');
  expect(arm64).toMatchObject({
    arch: 'arm64',
    lacks: ['dbus'],
    lacking: ['cgroup'],
    security: { ...toolchain().security, archive: 'http://ports.test/debian' },
  });
  expect(imagePackages(arm64)).toEqual(imagePackages(toolchain()).filter((name) => name !== 'libdbus-1-dev'));
});

describe('a description that is not as it must be is a ConfigurationError with its path', () => {
  test.each<[string, string]>([
    ['nothing', ''],
    ['another package manager', toolchainText.replace('dpkg', 'pacman')],
    ['no compiler', toolchainText.replace('compiler:', 'kompiler:')],
    ['a number for a version', toolchainText.replace("version: '12'", 'version: 12')],
    ['no such thing that it lacks', `${toolchainText}lacks: [libjpt]\n`],
    ['Slurm without JSON', `${toolchainText}lacks: [json-c]\n`],
    ['what it has and lacks', `${toolchainText}lacks: [dbus]\n`],
    [
      'what it lacks on an architecture and is no such thing',
      `${toolchainText}archs: {arm64: {lacks: [libjpt]}}\n`,
    ],
    ['no Slurm without JSON on an architecture', `${toolchainText}archs: {arm64: {lacks: [json-c]}}\n`],
    ['another architecture', `${toolchainText}archs: {riscv64: {lacks: [munge]}}\n`],
    ['a dependency without a package', toolchainText.replace(', package: libmunge-dev', '')],
  ])('%s', (_, text) => {
    const read = () => parseToolchain(text, 'toolchains/x/toolchain.yaml', 'arm64', features);
    expect(read).toThrow(ConfigurationError);
    expect(read).toThrow(/toolchains\/x\/toolchain\.yaml/);
  });
});

test.each([
  ['by name', null, undefined, 'debian:bookworm'],
  ['by digest where one is pinned', 'sha256:dd', undefined, 'debian:bookworm@sha256:dd'],
  ["the user's own", 'sha256:dd', 'my.test/debian:12', 'my.test/debian:12'],
])('the base image: %s', (_, digest, containerImage, expected) => {
  const base = { image: 'debian:bookworm', digest };
  expect(baseReference({ base }, containerImage)).toBe(expected);
});
