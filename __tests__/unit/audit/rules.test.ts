import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { auditTree } from '../../../src/audit/audit.js';
import { expectationFor } from '../../../src/audit/expectation.js';
import type { ElfFacts, Inventory } from '../../../src/audit/inventory.js';
import { rules } from '../../../src/audit/rules.js';
import { treeOf } from '../../../src/audit/tree.js';
import {
  bookworm,
  elf,
  entry,
  expectation,
  facts,
  folder,
  link,
  load,
  target,
  top,
  withElf,
  withEntries,
  without,
} from '../../support/audit.js';
import { auditFacts, bundledTarget } from '../../support/fakes.js';

const judge = (given: Inventory) =>
  auditTree(treeOf(given, expectation.top), expectation).map(({ rule, file, detail }) => [
    rule,
    file,
    detail,
  ]);
const extra = 'lib/slurm/extra.so';
const withLoad = (file: string, change: Parameters<typeof load>[1]): Inventory => ({
  ...facts(),
  loads: [load(file, change)],
});

const withList = (list: string, ...more: Inventory['entries']): Inventory => ({
  ...withEntries(entry('packages/relocate'), ...more),
  list,
});

test('a tarball that is as it must be breaks no rule', () => {
  expect(judge(facts())).toEqual([]);
});

test('a script of further packages may be run by a program of theirs', () => {
  const script = (path: string, of: string) =>
    entry(path, { script: `/__slurm_factory_packages______/${of} -E`, marked: path.startsWith('packages/') });
  const given = (...more: Inventory['entries']) =>
    withList('width\t128\ntext\tbin/x.py\n', entry('packages/bin/python3'), ...more);
  expect(judge(given(script('packages/bin/x.py', 'bin/python3')))).toEqual([]);
  expect(judge(given(script('packages/bin/x.py', 'bin/gone')))).toEqual([
    ['system-interpreter', 'packages/bin/x.py', expect.stringMatching(/asks for/)],
  ]);
  expect(judge(withEntries(entry('packages/bin/python3'), script('bin/x.py', 'bin/python3')))).toEqual([
    ['system-interpreter', 'bin/x.py', expect.stringMatching(/asks for/)],
  ]);
});

test('further packages may have static libraries, bind at once, and have what only a program of theirs can load', () => {
  const file = 'packages/lib/x.so';
  const given = withList(
    'width\t128\nbinary\tlib/x.so\ntext\tx.pc\n',
    entry('packages/lib/x.a', { archive: true }),
    entry(file, { marked: true, elf: elf({ bindNow: true, runpath: [] }) }),
    entry('packages/x.pc', { marked: true }),
  );
  const failed = {
    binding: 'failed',
    program: `${top}/sbin/slurmctld`,
    error: 'undefined symbol: Py_None',
  } as const;
  expect(judge({ ...given, loads: [...given.loads, load(file, failed)] })).toEqual([]);
  const program = load('packages/bin/x', { ...failed, program: null });
  expect(judge({ ...given, loads: [...given.loads, program] })).toEqual([
    ['loadable', 'packages/bin/x', 'it does not load: undefined symbol: Py_None'],
  ]);
});

describe('what breaks a rule is found, once, with its file', () => {
  test.each<[string, Inventory, string, string | RegExp]>([
    ['top-folder', withEntries(entry('x', { path: 'etc/passwd' })), 'etc/passwd', /not below slurm-24/],
    ['top-folder', withEntries(entry('x', { path: `${top}/../x` })), `${top}/../x`, /not below/],
    [
      'top-folder',
      { ...facts(), entries: [...facts().entries, folder('lib')] },
      'lib',
      'the archive has this path more than once',
    ],
    ['plain-entries', withEntries(entry('dev', { type: 'other' })), 'dev', /device/],
    [
      'plain-entries',
      withEntries(entry('bin/ln', { type: 'hardlink', target: `${top}/bin/sjstat` })),
      'bin/ln',
      /hard link to .*sjstat/,
    ],
    ['plain-entries', withEntries(entry('a', { uid: 1001, gid: 121 })), 'a', 'it belongs to 1001:121'],
    ['plain-entries', withEntries(entry('a', { owners: ['games'] })), 'a', 'it belongs to games'],
    [
      'top-folder',
      withEntries(entry('bin/sjstat/x')),
      'bin/sjstat/x',
      'it is below bin/sjstat, which is not a folder',
    ],
    [
      'top-folder',
      withEntries(link('up', 'bin'), entry('up/passwd')),
      'up/passwd',
      'it is below up, which is not a folder',
    ],
    ['top-folder', withEntries(entry('a', { sha256: null })), 'a', 'something else is in its place'],
    ['plain-names', withEntries(entry('a\nb', { plain: false })), 'a\\x0ab', /can't be displayed/],
    ['plain-names', withEntries(entry('a\u202egnp')), 'a\\u202egnp', /can't be displayed/],
    ['plain-names', withEntries(entry('a//b', { plain: false })), 'a//b', /parts that are not names/],
    ['plain-names', withEntries(entry('a\x1b[2J', { plain: false })), 'a\\x1b[2J', /can't be displayed/],
    [
      'no-attributes',
      withEntries(entry('a', { attributes: ['SCHILY.xattr.security.capability'] })),
      'a',
      'it has SCHILY.xattr.security.capability',
    ],
    [
      'no-static-libraries',
      withEntries(entry('lib/libslurm.a')),
      'lib/libslurm.a',
      'it has the name of a static library',
    ],
    ['no-static-libraries', withEntries(entry('lib/libslurm.la')), 'lib/libslurm.la', /name of a static/],
    [
      'no-static-libraries',
      withEntries(entry('share/data', { archive: true })),
      'share/data',
      'it is an archive of object files',
    ],
    ['no-setuid', withEntries(entry('a', { mode: 0o4755 })), 'a', 'its mode is 4755'],
    ['no-setuid', withEntries(entry('a', { type: 'folder', mode: 0o2755 })), 'a', 'its mode is 2755'],
    ['no-setuid', withEntries(entry('a', { type: 'folder', mode: 0o1755 })), 'a', 'its mode is 1755'],
    ['no-world-writable', withEntries(entry('a', { mode: 0o666 })), 'a', 'its mode is 0666'],
    [
      'relative-links',
      withEntries(link('etc', '/etc/passwd')),
      'etc',
      'it points at an absolute path: /etc/passwd',
    ],
    ['relative-links', withEntries(link('lib/up', '../../x')), 'lib/up', /out of the tarball: \.\.\/\.\.\/x/],
    ['no-dangling-links', withEntries(link('lib/x.so', 'x.so.1')), 'lib/x.so', /points at x\.so\.1/],
    [
      'no-build-path',
      withEntries(entry('a', { forbidden: ['/opt/slurm-factory'] })),
      'a',
      'it holds /opt/slurm-factory',
    ],
    [
      'relocation-list',
      withEntries(entry('packages/a', { marked: true })),
      'packages/a',
      'it has no path yet, and there is no packages/relocate.list',
    ],
    ['relocation-list', withList('width 128'), 'packages/relocate.list', "it can't be read"],
    [
      'relocation-list',
      { ...withEntries(), list: 'width\t128\n' },
      'packages/relocate',
      'it is missing, and there is a list for it',
    ],
    [
      'relocation-list',
      withList('width\t128\n', entry('packages/a', { marked: true })),
      'packages/a',
      'it has no path yet, and packages/relocate.list lacks it',
    ],
    [
      'relocation-list',
      withList('width\t128\ntext\ta\n', entry('packages/a')),
      'packages/a',
      'packages/relocate.list has it, and it holds no path to be written',
    ],
    [
      'relocation-list',
      withList('width\t128\ntext\ta.so\n', entry('packages/a.so', { marked: true, elf: elf() })),
      'packages/a.so',
      'packages/relocate.list has it as a text',
    ],
    [
      'system-interpreter',
      withEntries(entry('a', { script: '/opt/slurm-factory/python/bin/python3 -E' })),
      'a',
      /asks for '\/opt\/slurm-factory\/python\/bin\/python3 -E'/,
    ],
    ['system-interpreter', withEntries(entry('a', { script: '' })), 'a', /asks for ''/],
    ['sound-elf', withEntries(entry('a', { elf: { error: 'bad magic' } })), 'a', /can't be read: bad magic/],
    ['architecture', withElf({ machine: 'EM_AARCH64' }), extra, 'it is for EM_AARCH64, not EM_X86_64'],
    [
      'architecture',
      withElf({ interpreter: '/nix/ld.so' }),
      extra,
      /its loader is \/nix\/ld\.so, not \/lib64/,
    ],
    [
      'needed-libraries',
      withElf({ needed: ['libfoo.so.1'] }),
      extra,
      'it needs libfoo.so.1, which is neither in the tarball nor a system library of Debian 12 (bookworm)',
    ],
    [
      'needed-libraries',
      withElf({ needed: ['libslurmfull.so'], runpath: ['$ORIGIN/..'] }),
      extra,
      'it needs libslurmfull.so, and its RUNPATH does not lead to lib/slurm/libslurmfull.so',
    ],
    [
      'owned-libraries',
      {
        ...withElf({ needed: ['libmunge.so.2'] }),
        systemLibraries: [{ soname: 'libmunge.so.2', path: '/usr/local/lib/libmunge.so.2', package: null }],
      },
      extra,
      'it needs /usr/local/lib/libmunge.so.2, which belongs to no package',
    ],
    [
      'owned-libraries',
      {
        ...withElf({ needed: ['libmunge.so.2'] }),
        systemLibraries: [{ soname: 'libmunge.so.2', path: null, package: null }],
      },
      extra,
      'it needs libmunge.so.2, which does not exist',
    ],
    ['relative-runpath', withElf({ runpath: ['/foreign'] }), extra, 'its RUNPATH names /foreign'],
    ['relative-runpath', withElf({ runpath: ['$ORIGINAL'] }), extra, 'its RUNPATH names $ORIGINAL'],
    [
      'relative-runpath',
      withElf({ runpath: ['$ORIGIN/../../..'] }),
      extra,
      /names \$ORIGIN\/\.\.\/\.\.\/\.\./,
    ],
    ['relative-runpath', withElf({ runpath: [''] }), extra, 'its RUNPATH names the current folder'],
    [
      'symbol-versions',
      withElf({ versions: ['GLIBC_2.38'], newSymbols: { 'GLIBC_2.38': ['__isoc23_strtol', 'strlcpy'] } }),
      extra,
      'it needs GLIBC_2.38 (__isoc23_strtol, strlcpy); Debian 12 (bookworm) has GLIBC_2.36',
    ],
    ['symbol-versions', withElf({ versions: ['GLIBCXX_3.4.31'] }), extra, /has GLIBCXX_3\.4\.30/],
    [
      'symbol-versions',
      withElf({ versions: ['GLIBC_PRIVATE'] }),
      extra,
      /needs GLIBC_PRIVATE, which no other/,
    ],
    [
      'no-gpu-stub',
      withEntries(entry('lib/libnvidia-ml.so.1')),
      'lib/libnvidia-ml.so.1',
      /name of a library/,
    ],
    ['no-gpu-stub', withElf({ soname: 'libcuda.so.1' }), extra, 'its SONAME is libcuda.so.1'],
    ['no-gpu-stub', withElf({ exports: ['nvmlInit_v2'] }), extra, 'it defines nvmlInit_v2'],
    ['lazy-binding', withElf({ bindNow: true }), extra, 'it binds all its functions as it is loaded'],
    ['no-debug-sections', withElf({ debugSections: true }), extra, 'it has debug sections'],
    [
      'promised-files',
      without('lib/slurm/auth_munge.so'),
      'lib/slurm/auth_munge.so',
      'it is missing: the target promises munge (look at munge)',
    ],
    ['promised-files', without('lib/slurm/openapi_slurmctld.so'), 'lib/slurm/openapi_*.so', /promises REST/],
    [
      'loadable',
      withLoad('lib/slurm/extra.so', { binding: 'failed', error: `${top}/${extra}: file too short` }),
      extra,
      'it does not load: lib/slurm/extra.so: file too short',
    ],
    [
      'loadable',
      withLoad('sbin/slurmctld', { binding: 'failed', program: null, error: 'exit 127' }),
      'sbin/slurmctld',
      'it does not load: exit 127',
    ],
    [
      'loadable',
      withLoad('lib/slurm/mpi_pmix_v4.so', { binding: 'lazy', missing: ['PMIx_Init'] }),
      'lib/slurm/mpi_pmix_v4.so',
      'no program of the tarball has its symbols PMIx_Init',
    ],
  ])('%s: %#', (rule, given, file, detail) => {
    expect(judge(given)).toEqual([
      [rule, file, typeof detail === 'string' ? detail : expect.stringMatching(detail)],
    ]);
  });
});

describe('a tarball that brings its libraries', () => {
  const bundled = expectationFor(bundledTarget(), bookworm, auditFacts);
  const grafted = (name: string, change: Partial<ElfFacts> = {}) =>
    withElf({ soname: name, runpath: ['$ORIGIN'], ...change }, `lib/bundled/${name}`);
  const judgeBundled = (given: Inventory) =>
    auditTree(treeOf(given, top), { ...bundled, top, promised: [] }).map(({ rule, file, detail }) => [
      rule,
      file,
      detail,
    ]);

  test.each<[string, Inventory]>([
    ['a library with a name of its own', grafted('libcurl-0123abcd.so.4', { bindNow: true })],
    ['one that Slurm opens by its name', grafted('liblua5.4.so.0')],
    ['a plugin of a library', withElf({ soname: null }, 'lib/bundled/mariadb/dialog.so')],
    ["the host's", withElf({ needed: ['libc.so.6', 'libpam.so.0', 'libdbus-1.so.3'] })],
  ])('may have %s', (_, given) => {
    expect(judgeBundled(given)).toEqual([]);
  });

  test.each<[string, Inventory, string, string]>([
    [
      'needed-libraries',
      withElf({ needed: ['libmunge.so.2'] }),
      extra,
      'it needs libmunge.so.2, which is neither in the tarball nor a system library of a host with glibc 2.34',
    ],
    [
      'own-names',
      grafted('libcurl.so.4'),
      'lib/bundled/libcurl.so.4',
      'its name is also that of a library of the host',
    ],
    [
      'own-names',
      grafted('libcurl-0123abcd.so.4', { soname: 'libcurl.so.4' }),
      'lib/bundled/libcurl-0123abcd.so.4',
      'its SONAME is libcurl.so.4',
    ],
  ])('%s: %#', (rule, given, file, detail) => {
    expect(judgeBundled(given)).toEqual([[rule, file, detail]]);
  });

  test('may need the oldest glibc of its name, not the newer one that it was built with', () => {
    const { limits, runsOn } = bundled;
    expect([limits['GLIBC'], runsOn]).toEqual(['2.34', 'a host with glibc 2.34']);
    expect(expectationFor(target, bookworm, auditFacts).limits['GLIBC']).toBe('2.36');
  });
});

describe('what looks like a breach and is none', () => {
  test.each<[string, Inventory]>([
    ['a link to a folder', withEntries(link('lib64', 'lib'))],
    ['a link through a link', withEntries(link('lib64', 'lib'), link('x.so', 'lib64/slurm/auth_munge.so'))],
    [
      'a library of the tarball behind links',
      withEntries(
        link('lib64', 'lib'),
        link('lib/slurm/libfoo.so.1', 'libslurmfull.so'),
        entry('bin/x', { elf: elf({ needed: ['libfoo.so.1'], runpath: ['${ORIGIN}/../lib64/slurm'] }) }),
      ),
    ],
    [
      'the highest versions that the toolchain has',
      withElf({ versions: ['GLIBC_2.36', 'GLIBC_ABI_DT_RELR', 'GLIBCXX_3.4.30'] }),
    ],
    [
      'versions of libraries that are not limited',
      withElf({ versions: ['LIBPAM_EXTENSION_1.0', 'CURL_OPENSSL_4'] }),
    ],
    [
      'debug files apart',
      withElf({ debugFile: true, debugSections: true, machine: 'x' }, 'bin/.debug/srun.debug'),
    ],
    [
      'a file that nobody promised and that lacks a function',
      withLoad(extra, { binding: 'lazy', missing: ['f'] }),
    ],
    [
      'a promised one whose symbols are in two programs',
      withLoad('lib/slurm/auth_munge.so', { binding: 'lazy' }),
    ],
    ["a script of the system's shell", withEntries(entry('a', { script: '/bin/sh -e' }))],
  ])('%s', (_, given) => {
    expect(judge(given)).toEqual([]);
  });
});

test.each([
  ['in a circle', [link('a', 'b'), link('b', 'a')], ['a', 'b']],
  ['through a file', [link('a', 'bin/sjstat/x')], ['a']],
])('a link that leads %s is a dangling one', (_, links, files) => {
  expect(judge(withEntries(...links)).map(([rule, file]) => [rule, file])).toEqual(
    files.map((file) => ['no-dangling-links', file]),
  );
});

test('what a link points at, and all other text of the tarball, is shown without its control characters', () => {
  const found = judge(
    withEntries(
      entry('bin/x', { mode: 0o755, script: '\x1b]0;owned\x07/bin/sh' }),
      link('y', 'x\x1b[2J'),
      entry('lib/z.so', { elf: { error: 'bad \x9b31m magic\n::error::x' } }),
    ),
  );
  expect(found.map(([rule]) => rule)).toEqual([
    'plain-names',
    'no-dangling-links',
    'system-interpreter',
    'sound-elf',
  ]);
  expect(found.map(([, , detail]) => detail).slice(1)).toEqual([
    'it points at x\\x1b[2J, which does not exist',
    "its first line asks for '\\x1b]0;owned\\x07/bin/sh'",
    "it can't be read: bad \\x9b31m magic\\x0a::error::x",
  ]);
});

test("a finding's text has an end", () => {
  const [found] = judge(withEntries(entry('a', { script: 'x'.repeat(1_000_000) })));
  expect(found?.[2]?.length).toBeLessThan(2100);
});

test('of a damaged archive only the damage is told', () => {
  expect(judge({ ...facts(), damage: 'unexpected end', entries: [], loads: [] })).toEqual([
    ['whole-archive', top, 'it is damaged: unexpected end'],
  ]);
});

test('all breaches are told, of one rule and of several', () => {
  const given = withEntries(entry('a', { mode: 0o4777 }), entry('b', { mode: 0o777 }));
  expect(judge(given).map(([rule, file]) => `${rule} ${file}`)).toEqual([
    'no-setuid a',
    'no-world-writable a',
    'no-world-writable b',
  ]);
});

test('docs/audit.md has the table of the rules', () => {
  const docs = readFileSync(join(import.meta.dirname, '../../../docs/audit.md'), 'utf8');
  const table = rules.map(({ id, description, remedy }) => `| \`${id}\` | ${description} | ${remedy} |`);
  expect(docs.split('\n').filter((line) => line.startsWith('| `'))).toEqual(table);
});

test('every rule has a name of its own and whole sentences', () => {
  expect(new Set(rules.map(({ id }) => id)).size).toBe(rules.length);
  for (const { description, remedy } of rules) {
    expect(description).toMatch(/^[A-Z].*\.$/);
    expect(remedy).toMatch(/^[A-Z].*\.$/);
  }
});
