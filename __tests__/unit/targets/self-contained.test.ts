import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { ConfigurationError } from '../../../src/base/errors.js';
import {
  chosenExternals,
  externalsWord,
  parseSelfContained,
  selfContainedPath,
  selfContainedToolchain,
  wrongExternals,
} from '../../../src/targets/self-contained.js';
import { imagePackages } from '../../../src/targets/toolchains.js';
import { selfContained, toolchain } from '../../support/fakes.js';

const text = readFileSync(new URL(`../../../${selfContainedPath}`, import.meta.url), 'utf8');
const library = (spec: string) => ({
  spec,
  package: `lib${spec}-dev`,
  also: [],
  prefix: '/usr',
  opened: false,
});
const given = toolchain({
  dependencies: ['curl', 'dbus', 'lua', 'readline'].map(library),
  notBuilt: ['cuda', 'ncurses', 'openssl'],
});

test('every choice has a reason', () => {
  for (const { reason } of [...selfContained.host, ...selfContained.require, ...selfContained.moved])
    expect(reason).toMatch(/^[A-Z].+\.$/);
});

test('docs/libraries.md has the packages that are always the distribution’s', () => {
  const page = readFileSync(new URL('../../../docs/libraries.md', import.meta.url), 'utf8');
  for (const { package: name, reason } of selfContained.host)
    expect(page).toContain(`| \`${name}\` | ${reason} |`);
});

test.each([
  ['an unknown word', `${text}\nguest: []\n`, /guest/],
  ['a name that is none', text.replace('package: dbus', 'package: ../dbus'), /host/],
  ['no reason', text.replace(/ {4}reason: It talks to the host's systemd.*\n/, ''), /reason/],
])('refuses %s', (_, odd, message) => {
  expect(() => parseSelfContained(odd)).toThrow(ConfigurationError);
  expect(() => parseSelfContained(odd)).toThrow(message);
});

describe('the toolchain as the build sees it', () => {
  const names = (externals: readonly string[]) =>
    selfContainedToolchain(given, externals, selfContained).dependencies.map(({ spec }) => spec);

  test("has the host's libraries, and those that were asked for", () => {
    expect(names([])).toEqual(['dbus']);
    expect(names(['readline', 'curl'])).toEqual(['curl', 'dbus', 'readline']);
  });

  test('has no headers of what Spack builds in its image', () => {
    const packages = imagePackages(selfContainedToolchain(given, ['readline'], selfContained));
    expect(packages).toEqual(expect.arrayContaining(['libdbus-dev', 'libreadline-dev', 'make']));
    expect(packages).not.toContain('libcurl-dev');
  });

  test('leaves nothing out of the solver that is to be built', () => {
    const { notBuilt } = selfContainedToolchain(given, [], selfContained);
    expect(notBuilt).toContain('cuda');
    expect(notBuilt).toContain('ca-certificates-mozilla');
    for (const name of ['curl', 'lua', 'readline', 'ncurses', 'openssl'])
      expect(notBuilt).not.toContain(name);
  });

  test('requires nothing of what it has itself', () => {
    const required = (externals: readonly string[]) =>
      selfContainedToolchain(given, externals, selfContained).required?.map((item) => item.package);
    expect(required([])).toContain('curl');
    expect(required(['curl'])).not.toContain('curl');
  });
});

describe('externals', () => {
  test.each([
    [['curl', 'readline'], undefined],
    [['dbus'], undefined],
    [
      ['crul'],
      "'crul' (did you mean 'curl'?) is not among what bookworm has for Slurm: curl, dbus, lua, readline.",
    ],
    [
      ['crul', 'lua', 'postgresql'],
      "'crul' (did you mean 'curl'?), 'postgresql' are not among what bookworm has for Slurm: curl, dbus, lua, readline.",
    ],
  ])('%j', (wanted, message) => {
    expect(wrongExternals(wanted, given)).toBe(message);
  });

  test("are told apart by what makes a difference: neither order nor what is the host's anyway", () => {
    const word = (...wanted: string[]) => externalsWord(chosenExternals(wanted, selfContained));
    expect(word('readline', 'curl', 'dbus', 'curl')).toBe(word('curl', 'readline'));
    expect(word('curl')).toMatch(/^x[0-9a-f]{12}$/);
    expect(word('curl')).not.toBe(word('readline'));
    expect(word('dbus')).toBeUndefined();
    expect(word()).toBeUndefined();
  });
});
