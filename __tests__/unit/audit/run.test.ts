import { expect, test } from '@jest/globals';
import { AuditError } from '../../../src/audit/error.js';
import { auditTarball, makeReport, requirePassed } from '../../../src/audit/run.js';
import { describeError, exitCodeOf, PackagingError } from '../../../src/base/errors.js';
import { sha256 } from '../../../src/base/files.js';
import { containerLayout } from '../../../src/container/layout.js';
import type { Session } from '../../../src/container/session.js';
import { bookworm, elf, entry, expectation, facts, load, top, withEntries } from '../../support/audit.js';
import type { Answer } from '../../support/fakes.js';

const commands: string[][] = [];
const session = (answer: Answer): Session => ({
  layout: containerLayout,
  python: '/python3',
  container: undefined,
  caBundle: undefined,
  stop: async () => {},
  exec: async (command) => {
    commands.push([...command]);
    return { exitCode: 0, stdout: '', stderr: '', ...answer };
  },
});
const request = {
  script: 'the script',
  tarball: `/out/${top}-software.tar.gz`,
  toolchain: bookworm,
  expectation,
};

test('the script is asked once, with all that it looks for', async () => {
  const report = await auditTarball(session({ stdout: JSON.stringify(facts()) }), request);
  expect(commands).toHaveLength(1);
  const [command = []] = commands;
  expect(command.slice(0, 3)).toEqual(['/python3', '-c', 'the script']);
  expect(JSON.parse(command[3] ?? '')).toMatchObject({
    archive: request.tarball,
    top,
    packageManager: 'dpkg',
    forbidden: ['__spack_path_placeholder__', '/opt/slurm-factory'],
    limits: { GLIBC: '2.36', GLIBCXX: '3.4.30' },
    hosts: expect.arrayContaining(['sbin/slurmctld', 'sbin/slurmd']),
  });
  expect(report.tarball).toBe(`${top}-software.tar.gz`);
  expect(report.findings).toEqual([]);
  expect(() => requirePassed(report)).not.toThrow();
});

test('the report has the figures, the promised files and the runtime packages', () => {
  const given = withEntries(
    entry('lib/slurm/x.so', { elf: elf({ versions: ['GLIBC_2.9', 'GLIBCXX_3.4.21', 'LUA_5.4', 'FOO'] }) }),
  );
  const report = makeReport(
    { ...given, loads: [...given.loads, load('lib/slurm/x.so', { binding: 'lazy', missing: ['f'] })] },
    request,
    () => 0.5,
  );
  expect(report.figures).toEqual({
    entries: 13,
    files: 7,
    elfFiles: 6,
    scripts: 1,
    loaded: 6,
    highest: { GLIBC: '2.34', GLIBCXX: '3.4.21', LUA: '5.4' },
    seconds: 0.5,
  });
  expect(report.runtimePackages).toEqual(['libc6', 'libmunge2', 'libpmix2']);
  expect(report.incomplete).toEqual([{ file: 'lib/slurm/x.so', missing: ['f'] }]);
  const loaded = { binding: 'now', program: 'sbin/slurmctld', missing: [] };
  expect(report.plugins).toEqual([
    { feature: 'daemons', file: 'sbin/slurmctld', load: { ...loaded, program: null } },
    { feature: 'munge', file: 'lib/slurm/auth_munge.so', load: loaded },
    { feature: 'PMIx', file: 'lib/slurm/mpi_pmix.so', load: loaded },
    { feature: 'REST', file: 'lib/slurm/openapi_slurmctld.so', load: loaded },
  ]);
});

test('a broken rule is an AuditError that names file, rule and remedy of every finding', async () => {
  const given = withEntries(
    entry('a', { mode: 0o4755 }),
    entry('b', { mode: 0o2755 }),
    entry('c', { uid: 7 }),
  );
  const report = await auditTarball(session({ stdout: JSON.stringify(given) }), request);
  const fail = () => requirePassed(report);
  expect(fail).toThrow(AuditError);
  expect(fail).toThrow(PackagingError);
  let error: unknown;
  try {
    fail();
  } catch (thrown) {
    error = thrown;
  }
  expect(exitCodeOf(error)).toBe(5);
  expect(describeError(error).split('\n')).toEqual([
    `${top}-software.tar.gz fails its audit in 3 places:`,
    '[plain-entries] c: it belongs to 7:0.',
    '  → Pack the tarball with the arguments of src/bundle/archive.ts.',
    '[no-setuid] a: its mode is 4755.',
    '[no-setuid] b: its mode is 2755.',
    '  → Take the bit away where the file is installed; Slurm needs none.',
    'Do what the lines with an arrow say and build again; docs/audit.md explains the rules.',
    'See docs/errors.md#auditerror',
  ]);
});

test.each<[string, Answer, RegExp]>([
  ['a script that fails', { exitCode: 1, stderr: 'Traceback\nOSError: disk full' }, /OSError: disk full/],
  ['an answer that is no JSON', { stdout: 'Killed' }, /inventory can't be read/],
  ['an answer of another kind', { stdout: '{"schema": 2}' }, /inventory can't be read/],
])('%s is a PackagingError', async (_, answer, message) => {
  const audit = auditTarball(session(answer), request);
  await expect(audit).rejects.toThrow(PackagingError);
  await expect(audit).rejects.toThrow(message);
});

test('the report lists what lies below the top folder, as unpacking leaves it', () => {
  const given = withEntries(
    entry('lib/Z', { mode: 0o644 }),
    entry('lib/a', { sha256: '1'.repeat(64) }),
    entry('lib/a', { sha256: '2'.repeat(64) }),
    entry('dev/null', { type: 'other', sha256: null }),
    entry('outside', { path: 'etc/passwd' }),
  );
  const { contents } = makeReport(given, request, () => 0.5);
  const paths = contents.map(({ path }) => path);
  expect(paths).toEqual([...paths].sort());
  expect(paths).toEqual(expect.arrayContaining(['bin', 'bin/sjstat', 'lib/slurm/mpi_pmix.so']));
  expect(paths).not.toEqual(expect.arrayContaining(['.']));
  expect(paths.filter((path) => /null|passwd/.test(path))).toEqual([]);
  const find = (wanted: string) => contents.filter(({ path }) => path === wanted);
  expect(find('lib/Z')).toEqual([
    { path: 'lib/Z', type: 'file', mode: 0o644, sha256: sha256('lib/Z'), target: null },
  ]);
  expect(find('lib/a')).toEqual([
    { path: 'lib/a', type: 'file', mode: 0o755, sha256: '2'.repeat(64), target: null },
  ]);
  expect(find('lib')).toEqual([{ path: 'lib', type: 'folder', mode: 0o755, sha256: null, target: null }]);
  expect(find('lib/slurm/mpi_pmix.so')).toEqual([
    {
      path: 'lib/slurm/mpi_pmix.so',
      type: 'symlink',
      mode: 0o777,
      sha256: null,
      target: './mpi_pmix_v4.so',
    },
  ]);
});

test('an error has an end: of many places that break a rule it names some, and says how many more', () => {
  const many = Array.from({ length: 40_000 }, (_, index) => entry(`bin/${index}`, { mode: 0o4755 }));
  const message = new AuditError('t', makeReport(withEntries(...many), request, () => 1).findings).message;
  expect(message.length).toBeLessThan(10_000);
  expect(message).toContain('fails its audit in 40000 places');
  expect(message).toContain('[no-setuid] and 39950 more.');
});
