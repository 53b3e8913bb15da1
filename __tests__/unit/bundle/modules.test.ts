import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { ConfigurationError, PackagingError } from '../../../src/base/errors.js';
import {
  type InstalledEntry,
  moduleFiles,
  moduleTemplates,
  moduleVersion,
  renderInstaller,
  renderTemplate,
  targetFacts,
} from '../../../src/bundle/modules.js';
import { bundledTarget, libraries, systemTarget } from '../../support/fakes.js';

const target = systemTarget();
const projectTemplate = (name: string): Promise<string> =>
  readFile(new URL(`../../../templates/${name}`, import.meta.url), 'utf8');
const unfilled = /@[A-Z_]+@/;

test.each([
  ['none', '24.11.6'],
  ['cuda', '24.11.6-cuda'],
  ['rocm', '24.11.6-rocm'],
] as const)('the module of gpu %s is slurm/%s, in a tree for each tool', (gpu, version) => {
  expect(moduleVersion({ ...target, gpu })).toBe(version);
  const files = moduleFiles({ ...target, gpu }, { lmod: 'a', tcl: 'b' });
  expect(files).toEqual([
    { path: `lmod/slurm/${version}.lua`, text: 'a' },
    { path: `tcl/slurm/${version}`, text: 'b' },
  ]);
});

test('a source of its own has a module of its own, and what goes by the release still does', () => {
  const custom = { ...target, source: 'p3f2a91c04b17', gpu: 'cuda' } as const;
  expect(moduleVersion(custom)).toBe('24.11.6.p3f2a91c04b17-cuda');
  expect(targetFacts(custom)).toMatchObject({
    TARGET: 'slurm-24.11.6.p3f2a91c04b17-bookworm-amd64-cuda',
    VERSION: '24.11.6',
  });
});

describe('renderTemplate', () => {
  test('fills every fact of a target, each time it is named', () => {
    const template = '@TARGET@ @VERSION@ @MODULE@ @TOOLCHAIN@ @ARCH@ @GPU@ @PREFIX@ @VERSION@';
    expect(renderTemplate(template, targetFacts({ ...target, gpu: 'cuda' }))).toBe(
      'slurm-24.11.6-bookworm-amd64-cuda 24.11.6 24.11.6-cuda bookworm amd64 cuda /opt/slurm-24.11.6-bookworm-amd64-cuda 24.11.6',
    );
  });

  test('fills names with underscores', () => {
    expect(renderTemplate('@OS_ID@', { OS_ID: 'debian' })).toBe('debian');
  });

  test('leaves everything else alone, dollars and all', () => {
    const template = 'a@b.test $& $1 @lower@ @ VERSION @ "$@" @-';
    expect(renderTemplate(template, targetFacts(target))).toBe(template);
  });

  test('a fact that there is not is a ConfigurationError that names it', () => {
    expect(() => renderTemplate('@COMPILER@', targetFacts(target))).toThrow(ConfigurationError);
    expect(() => renderTemplate('@COMPILER@', targetFacts(target))).toThrow(/@COMPILER@/);
  });
});

test('the module templates of the project name no unknown fact, and leave none unfilled', async () => {
  const [lmod, tcl] = await Promise.all([
    projectTemplate(moduleTemplates.lmod),
    projectTemplate(moduleTemplates.tcl),
  ]);
  const [lua, modulefile] = moduleFiles(target, { lmod, tcl });
  for (const text of [lua?.text, modulefile?.text]) {
    expect(text).not.toMatch(unfilled);
    expect(text).toContain('"Version: 24.11.6"');
    expect(text).toContain('SLURM_INSTALL_PREFIX');
    expect(text).not.toContain('LD_LIBRARY_PATH');
  }
  expect(lua?.text).toContain('prefix = "/opt/slurm-24.11.6-bookworm-amd64"');
  expect(modulefile?.text).toMatch(/^#%Module/);
  expect(modulefile?.text).toContain('set prefix "/opt/slurm-24.11.6-bookworm-amd64"');
});

describe('renderInstaller', () => {
  const machine = { os: { id: 'debian', version: '12' }, packageManager: 'dpkg' } as const;
  const sha256 = 'ab'.repeat(32);
  const file = (path: string): InstalledEntry => ({ path, type: 'file', mode: 0o755, sha256, target: null });
  const folder = (path: string): InstalledEntry => ({ ...file(path), type: 'folder', sha256: null });
  const link = (path: string, to: string): InstalledEntry => ({
    ...file(path),
    type: 'symlink',
    sha256: null,
    target: to,
  });
  const contents = [folder('bin'), file('bin/sinfo')];

  test('fills the template of the project', async () => {
    const text = renderInstaller(
      await projectTemplate('install.sh'),
      target,
      machine,
      ['libmunge2', 'libc6'],
      contents,
    );
    expect(text).not.toMatch(unfilled);
    expect(text).toContain("target='slurm-24.11.6-bookworm-amd64'");
    expect(text).toContain("os_id='debian'\nos_version='12'\npackage_manager='dpkg'");
    expect(text).toContain('set -- libc6 libmunge2\n');
    expect(text).toContain("room=''\n");
    expect(text).toContain(`contents='folder\t755\t-\tbin\nfile\t755\t${sha256}\tbin/sinfo'\n`);
  });

  test('says how long a prefix may be that has to be written into files', async () => {
    const template = await projectTemplate('install.sh');
    const text = renderInstaller(template, target, { ...machine, room: 119 }, [], contents);
    expect(text).toContain("room='119'\n");
  });

  test("says of a target that brings its libraries which ones stay the host's, and what needs them", async () => {
    const needed = ['libc.so.6', 'libdbus-1.so.3', 'libm.so.6', 'libudev.so.1'];
    const text = renderInstaller(
      await projectTemplate('install.sh'),
      bundledTarget(),
      { ...machine, brings: { libraries, needed, features: ['cgroup', 'pmix'] } },
      [],
      contents,
    );
    expect(text).toContain("glibc='2.34'\n");
    expect(
      text
        .slice(text.indexOf("host_libraries='") + 16)
        .split("'")[0]
        ?.split('\n'),
    ).toEqual([
      'libc.so.6\tlibc6\tglibc\t-',
      'libm.so.6\tlibc6\tglibc\t-',
      'libudev.so.1\tlibudev1\tsystemd-libs\t-',
      'libdbus-1.so.3\tlibdbus-1-3\tdbus\tcgroup/v2',
      'libpmix.so.2\tlibpmix2\topenpmix\tmpi/pmix',
    ]);
  });

  test.each(['$(id)', 'two words', '-y', "it's", ''])('refuses the package name %p', (name) => {
    expect(() => renderInstaller('', target, machine, [name], contents)).toThrow(ConfigurationError);
  });

  test('refuses such a name of a distribution, too', () => {
    const odd = { ...machine, os: { id: "'; id", version: '12' } };
    expect(() => renderInstaller('', target, odd, [], contents)).toThrow(/'; id/);
  });

  test('lists files, folders and links, quoted for a shell', () => {
    const odd = [{ ...file("it's $(id) @HOME@"), mode: 0o644 }, link('lib.so', '../lib.so.1')];
    expect(renderInstaller("'@CONTENTS@'", target, machine, [], odd)).toBe(
      `'file\t644\t${sha256}\tit'\\''s $(id) @HOME@\nlink\t777\t../lib.so.1\tlib.so'`,
    );
  });

  test.each([
    ['nothing', []],
    ['a name with a newline', [file('a\nb')]],
    ['a name with a tab', [file('a\tb')]],
    ['a name with an escape', [file('\u001b[31m')]],
    ['a name with a C1 control character', [file('\u009b31m')]],
    ['a name with a backslash', [file('a\\b')]],
    ['an absolute name', [file('/etc/passwd')]],
    ['a name that leads out', [file('bin/../../x')]],
    ['the top folder itself', [folder('.')]],
    ['an empty name', [folder('')]],
    ['a file without a sum', [{ ...file('x'), sha256: null }]],
    ['a sum that is none', [{ ...file('x'), sha256: "'; id #" }]],
    ['a link to nothing', [{ ...link('x', 'y'), target: null }]],
    ['a link to a name with a newline', [link('x', 'a\nb')]],
    ['a program that runs as its owner', [{ ...file('x'), mode: 0o4755 }]],
    ['a file that others may write', [{ ...file('x'), mode: 0o666 }]],
    ['a folder that others may write', [{ ...folder('x'), mode: 0o1777 }]],
  ])('refuses contents of %s', (_, odd) => {
    expect(() => renderInstaller('@CONTENTS@', target, machine, [], odd)).toThrow(PackagingError);
  });

  test('names some of what it refuses, and not all of thousands, with no control character', () => {
    const odd = Array.from({ length: 5000 }, (_, index) => file(`\u009b${index}`));
    try {
      renderInstaller('', target, machine, [], odd);
    } catch (error) {
      const { message } = error as Error;
      expect(message.length).toBeLessThan(200);
      expect(message).not.toMatch(/\p{Cc}/u);
      return;
    }
    throw new Error('nothing was refused');
  });
});
