import { describe, expect, test } from '@jest/globals';
import { aptSecurity, compareVersions } from '../../../src/distro/apt-security.js';
import { outdatedPackages } from '../../../src/distro/security.js';

const archive = {
  archive: 'https://debian.test/security',
  suite: 'bookworm-security',
  components: ['main', 'contrib'],
  keyring: '/keys.gpg',
};

describe('versions are ordered as dpkg orders them', () => {
  // Each is older than the next one; `dpkg --compare-versions` says the same.
  const rising = [
    '0~~',
    '0~~a',
    '0~',
    '0-0~1',
    '0',
    '0-1',
    '0a',
    '0+',
    '0.0',
    '1.0~rc1-1',
    '1.0-1',
    '1.0-1+b1',
    '1.0-1+deb12u1',
    '1.0-1+deb12u2',
    '1.0-1+deb12u10',
    '1.0-1.1',
    '1.0-2',
    '1.0a-1',
    '1.0.1-1',
    '1.00.2-1',
    '9',
    '10',
    '123456789012345678901234567890',
    '123456789012345678901234567891',
    '1:0.1',
    '1:0.1-1',
    '2:0',
  ];

  test('any two of them', () => {
    for (const [index, version] of rising.entries()) {
      for (const [other, later] of rising.entries()) {
        expect([version, later, Math.sign(compareVersions(version, later))]).toEqual([
          version,
          later,
          Math.sign(index - other),
        ]);
      }
    }
  });

  test.each([
    ['1.0', '1.0-0'],
    ['0:1.0-1', '1.0-1'],
    ['1.01', '1.1'],
    ['1.', '1.0'],
  ])('%s and %s are the same', (a, b) => {
    expect(Math.sign(compareVersions(a, b))).toBe(0);
    expect(Math.sign(compareVersions(b, a))).toBe(0);
  });
});

describe('the index of an apt archive', () => {
  test('lies below suite, component and architecture', () => {
    expect(aptSecurity.indexes(archive, 'arm64')).toEqual([
      'https://debian.test/security/dists/bookworm-security/main/binary-arm64/Packages.xz',
      'https://debian.test/security/dists/bookworm-security/contrib/binary-arm64/Packages.xz',
    ]);
  });

  test('tells the newest version of each package', () => {
    const text = [
      'Package: liba1\nSource: a\nVersion: 1.0-1+deb12u9\nDescription: of Version: 9\n',
      'Package: liba1\nVersion: 1.0-1+deb12u10\n',
      'Package: liba1\nVersion: 1.0-1+deb12u2\n',
      'Package: libb2\nArchitecture: amd64\nVersion: 2:2.0-1\n',
      'Package: no-version\n',
    ].join('\n');
    expect(Object.fromEntries(aptSecurity.readIndex(text))).toEqual({
      liba1: '1.0-1+deb12u10',
      libb2: '2:2.0-1',
    });
    expect(aptSecurity.readIndex('').size).toBe(0);
  });
});

test('outdated is what there is something newer of, each once', () => {
  const newest = new Map([
    ['liba1', '1.0-2'],
    ['libb2', '1:1.0-1'],
    ['libc3', '3'],
    ['other', '9'],
  ]);
  const packages = [
    { name: 'libc3', version: '3' },
    { name: 'libb2', version: '2.0-1' },
    { name: 'libd4', version: '0' },
    { name: 'liba1', version: '1.0-1' },
    { name: 'liba1', version: '1.0-1' },
  ];
  expect(outdatedPackages(packages, newest, aptSecurity)).toEqual([
    { name: 'liba1', version: '1.0-1', newer: '1.0-2' },
    { name: 'libb2', version: '2.0-1', newer: '1:1.0-1' },
  ]);
});

describe('a download', () => {
  const place = { settings: '/arrivals/s', scratch: '/stage/s', caBundle: '/ca.crt' };
  const plan = aptSecurity.download(archive, ['liba1', 'libb2'], place);

  test('knows no other source than the archive, whose keys are named', () => {
    expect(plan.files['security.list']).toBe(
      'deb [signed-by=/keys.gpg] https://debian.test/security bookworm-security main contrib\n',
    );
    expect(plan.env).toEqual({ APT_CONFIG: '/arrivals/s/apt.conf' });
    const settings = plan.files['apt.conf']?.split('\n');
    expect(settings).toContain('Dir::Etc::SourceList "/arrivals/s/security.list";');
    expect(settings).toContain('Dir::Etc::SourceParts "-";');
    expect(settings).toContain('Dir::State::Lists "/stage/s/lists";');
    expect(settings).toContain('Acquire::https::CAInfo "/ca.crt";');
  });

  test("goes by the image's own authorities where the machine has none", () => {
    const { files } = aptSecurity.download(archive, ['liba1'], { ...place, caBundle: undefined });
    expect(files['apt.conf']).not.toContain('CAInfo');
  });

  test('installs nothing', () => {
    expect(plan.commands.map((words) => words.slice(0, 2).join(' '))).toEqual([
      'mkdir -p',
      'apt-get update',
      'apt-get download',
    ]);
    expect(plan.commands.at(-1)?.slice(2)).toEqual(['liba1', 'libb2']);
  });
});
