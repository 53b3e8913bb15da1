import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { PackagingError } from '../../../src/base/errors.js';
import { apt } from '../../../src/distro/apt.js';
import {
  installLine,
  packageManagers,
  packageUrl,
  parseDistribution,
  parseVersions,
  repositoryArguments,
  upstreamVersion,
} from '../../../src/distro/distro.js';
import { distroOf, distros } from '../../../src/distro/distros.js';
import { dnf } from '../../../src/distro/dnf.js';

test('each package manager has its distributions', () => {
  expect(packageManagers.map((name) => distroOf(name).packageManager)).toEqual([...packageManagers]);
  expect(distros.map(({ packageManager }) => packageManager)).toEqual([...packageManagers]);
});

const aptLine = 'apt-get install --yes --no-install-recommends';
const dnfLine = 'dnf install --assumeyes --setopt=install_weak_deps=False';

describe('one install command, without what is only recommended', () => {
  test.each([
    ['apt', apt, aptLine],
    ['dnf', dnf, dnfLine],
  ])('%s', (_, distro, line) => {
    expect(distro.installCommand(['a', 'b'])).toEqual([...line.split(' '), 'a', 'b']);
    expect(installLine(distro, ['a', 'b'])).toBe(`${line} a b`);
    // What conflicts is taken out of an image, and never of a machine.
    const image = distro === dnf ? `${line} --allowerasing` : line;
    expect(distro.smokeDockerfile).toContain(`${image} \${PACKAGES}`);
  });

  test('apt has lists that must be fresh', () => {
    expect(apt.refreshCommand).toEqual(['apt-get', 'update']);
    expect(dnf.refreshCommand).toBeUndefined();
  });
});

test('dnf enables repositories; apt has all', () => {
  const repositories = { packages: ['epel-release'], enabled: ['crb'] };
  expect(dnf.enableCommands(repositories)).toEqual([
    [...dnfLine.split(' '), 'epel-release'],
    ['dnf', 'config-manager', '--set-enabled', 'crb'],
  ]);
  expect(dnf.enableCommands({ packages: [], enabled: [] })).toEqual([]);
  expect(apt.enableCommands(repositories)).toEqual([]);
  expect(repositoryArguments(repositories)).toEqual({
    REPOSITORY_PACKAGES: 'epel-release',
    REPOSITORIES: 'crb',
  });
  expect(repositoryArguments({ packages: [], enabled: [] })).toEqual({});
});

describe('what is installed', () => {
  test('dpkg is asked once, and names the architecture of a library', () => {
    expect(apt.installedQueries(['a', 'b'])).toEqual([
      ['dpkg-query', '--show', '--showformat', '${binary:Package} ${db:Status-Status}\\n', 'a', 'b'],
    ]);
    const stdout = 'liba:amd64 installed\nb config-files\nc installed\n';
    expect(apt.missingPackages(['liba', 'b', 'c', 'd'], [{ exitCode: 1, stdout }])).toEqual(['b', 'd']);
  });

  test('rpm is asked for each, since another package may provide it', () => {
    expect(dnf.installedQueries(['a', 'b'])).toEqual([
      ['rpm', '--query', '--whatprovides', 'a'],
      ['rpm', '--query', '--whatprovides', 'b'],
    ]);
    const answers = [
      { exitCode: 0, stdout: 'a-minimal-1-1.el9.x86_64\n' },
      { exitCode: 1, stdout: 'no package provides b\n' },
    ];
    expect(dnf.missingPackages(['a', 'b'], answers)).toEqual(['b']);
  });
});

describe('versions', () => {
  test.each([
    [apt, ['dpkg-query', '--show', '--showformat', '${binary:Package} ${Version}\\n', 'a', 'b']],
    [dnf, ['rpm', '--query', '--queryformat', '%{NAME} %{VERSION}\\n', 'a', 'b']],
  ])('the command, %#', (distro, command) => {
    expect(distro.versionsCommand(['a', 'b'])).toEqual(command);
  });

  test('a line each, the architecture taken off', () => {
    const text = 'libc6-dev:amd64 2.36-9+deb12u14\nmake 4.3-4.1\nlibmunge-dev 0.5.15-2\nglibc-devel 2.34\n';
    expect(Object.fromEntries(parseVersions(text))).toEqual({
      'libc6-dev': '2.36',
      make: '4.3',
      'libmunge-dev': '0.5.15',
      'glibc-devel': '2.34',
    });
  });

  test.each([
    ['1:2.36-9+deb12u14', '2.36'],
    ['2.36', '2.36'],
    ['7.88.1-10+deb12u12', '7.88.1'],
    ['1.14.10-1~deb12u1', '1.14.10'],
    ['0.8.1-1.1', '0.8.1'],
    ['8.2-1.3', '8.2'],
    ['5.4.4+dfsg-3', '5.4.4'],
    ['2.9.4-4.1', '2.9.4'],
    ['1.0~rc1-2', '1.0'],
    ['20220412.0-1', '20220412.0'],
    ['4.2.2-1', '4.2.2'],
    ['1:10.11.11-0+deb12u1', '10.11.11'],
    ['2.0-1-3', '2.0-1'],
  ])('upstreamVersion of %s is %s', (version, upstream) => {
    expect(upstreamVersion(version)).toBe(upstream);
  });
});

describe('what is known of a package', () => {
  test('both ask for all at once', () => {
    expect(apt.distributionCommand(['b', 'a'])).toEqual([
      ...['dpkg-query', '--show', '--showformat', expect.stringContaining('${source:Version}'), 'b', 'a'],
    ]);
    expect(dnf.distributionCommand(['a'])).toEqual([
      ...['rpm', '--query', '--queryformat', expect.stringContaining('%{SOURCERPM}'), 'a'],
    ]);
  });

  test('rpm says of a package that it is not there in the same stream', () => {
    const text =
      'curl\t0\t7.76.1-29.el9_4\tx86_64\tcurl-7.76.1-29.el9_4.src.rpm\npackage x is not installed\n';
    expect([...parseDistribution(text).keys()]).toEqual(['curl']);
  });

  test('no package at all is a PackagingError', () => {
    expect(() => parseDistribution('package x is not installed\n')).toThrow(PackagingError);
  });

  test('a package URL has an epoch of rpm as a word of its own', () => {
    const item = { name: 'mariadb-devel', version: '10.5.22-1.el9', epoch: '3', arch: 'x86_64', source: '' };
    expect(packageUrl(dnf, { id: 'rocky', version: '9' }, item)).toBe(
      'pkg:rpm/rocky/mariadb-devel@10.5.22-1.el9?arch=x86_64&distro=rocky-9&epoch=3',
    );
  });

  test('one of dpkg stays in the version', () => {
    const item = { name: 'g++', version: '4:12.2.0-3', epoch: undefined, arch: 'amd64', source: '' };
    expect(packageUrl(apt, { id: 'debian', version: '12' }, item)).toBe(
      'pkg:deb/debian/g%2B%2B@4:12.2.0-3?arch=amd64&distro=debian-12',
    );
  });
});

test("the installer's commands leave out what is only recommended by dnf too", () => {
  const template = readFileSync(new URL('../../../templates/install.sh', import.meta.url), 'utf8');
  expect(template).toContain("install='dnf install -y --setopt=install_weak_deps=False'");
});

test.each(['libc6', 'libstdc++6', 'libjson-c5', 'lua5.4', 'g++', '0ad', 'libpmix2t64'])(
  'dpkg has %s',
  (word) => expect(apt.isPackageName(word)).toBe(true),
);

test.each(['glibc', 'libstdc++', 'json-c', 'MySQL-python', 'python3.11', 'X', '_x', 'perl-Git'])(
  'rpm has %s',
  (word) => expect(dnf.isPackageName(word)).toBe(true),
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
  expect(apt.isPackageName(word)).toBe(false);
  expect(dnf.isPackageName(word)).toBe(false);
});

test('dpkg knows no capitals', () => expect(apt.isPackageName('Libc6')).toBe(false));
