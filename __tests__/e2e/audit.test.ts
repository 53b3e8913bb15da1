import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { AuditError } from '../../src/audit/error.js';
import { expectationFor } from '../../src/audit/expectation.js';
import { type AuditReport, auditTarball, requirePassed } from '../../src/audit/run.js';
import { PackagingError } from '../../src/base/errors.js';
import { inspectHost } from '../../src/base/host.js';
import { ensureImage } from '../../src/container/image.js';
import { containerLayout } from '../../src/container/layout.js';
import type { Session } from '../../src/container/session.js';
import { nodeProcess } from '../../src/local/process.js';
import { openProject, type Project } from '../../src/pipeline/project.js';
import { inventoryScript } from '../../src/pipeline/stages/audit.js';
import type { FittedToolchain } from '../../src/targets/toolchains.js';
import { auditFacts, recordingLogger, targetNamed } from '../support/fakes.js';
import { docker, hostArch, hostSystemTarget, projectRoot, temporaryFolder } from '../support/prepare.js';
import { builtResult } from '../support/result.js';
import { fittedToolchain } from '../support/toolchains.js';

/** The audit of a real tarball, and of copies of it with one real fault each. */

const identifier = hostSystemTarget('24.11.6');
const results = await builtResult('24.11.6', 'system');
const isThere = results !== undefined;
const minutes = 60_000;
const container = `slurm-factory-audit-test-${process.pid}`;
const folder = temporaryFolder('audit');
let project: Project;
let toolchain: FittedToolchain;
let script: string;

beforeAll(async () => {
  if (!isThere) return;
  project = await openProject(projectRoot);
  script = await inventoryScript(project);
  const loaded = await project.loadToolchain('bookworm', hostArch());
  toolchain = fittedToolchain('bookworm');
  const host = await inspectHost({ ...process.env });
  const { requirements } = project;
  const context = join(folder, 'context');
  mkdirSync(context);
  const { tag } = await ensureImage(
    'docker',
    { ...loaded, toolchain, requirements, containerImage: undefined },
    host,
    context,
    { process: nodeProcess, logger: recordingLogger() },
  );
  const user = `${host.uid}:${host.gid}`;
  const mounts = ['--volume', `${folder}:/test`, '--volume', `${resolve(results ?? '')}:/result:ro`];
  // What asks for more memory is killed, and its test fails.
  const limits = ['--memory', '1g', '--memory-swap', '1g'];
  const named = ['--name', container, '--user', user];
  docker('run', '--detach', '--init', ...named, ...limits, ...mounts, tag, 'sleep', '3600');
  copyFileSync(join(projectRoot, '__tests__/support/hostile-tarballs.py'), join(folder, 'hostile.py'));
  inside(`mkdir /test/tree && tar -xzf /result/${identifier}-software.tar.gz -C /test/tree`);
}, 20 * minutes);

afterAll(() => {
  if (isThere) docker('rm', '--force', container);
  rmSync(folder, { recursive: true, force: true });
});

const inside = (commands: string): string => docker('exec', container, 'bash', '-euc', commands);

const session: Session = {
  layout: containerLayout,
  python: '/opt/slurm-factory/python/bin/python3',
  container: undefined,
  caBundle: undefined,
  stop: async () => {},
  exec: (command) => nodeProcess.run(['docker', 'exec', container, ...command]),
};

async function audit(tarball: string): Promise<AuditReport> {
  return auditTarball(session, {
    script,
    tarball,
    toolchain,
    expectation: expectationFor(targetNamed(identifier), toolchain, auditFacts),
  });
}

/** Runs commands in a copy of the tree, packs it as it is then and audits that. */
async function auditWith(commands: string, tar = '--owner=0 --group=0'): Promise<AuditReport> {
  const copy = `/test/copy/${identifier}`;
  inside(`rm -rf /test/copy && cp -a /test/tree /test/copy && cd ${copy} && ${commands}`);
  inside(`tar -C /test/copy ${tar} --use-compress-program 'pigz -1' -cf /test/planted.tar.gz ${identifier}`);
  return audit('/test/planted.tar.gz');
}

const compile = (source: string, output: string, more = ''): string =>
  `echo '${source}' | gcc -x c -shared -fPIC -o ${output} - -x none ${more} && strip --strip-unneeded ${output}`;

const real = isThere ? describe : describe.skip;

real('the audit of a real tarball', () => {
  test('finds nothing wrong with it, and loads all that is promised', async () => {
    const report = await audit(`/result/${identifier}-software.tar.gz`);
    expect(report.findings).toEqual([]);
    expect(report.figures.elfFiles).toBeGreaterThan(100);
    expect(report.figures.loaded).toBe(report.figures.elfFiles);
    expect(report.figures.highest['GLIBC']).toBe('2.34');
    const program = (name: string) => report.plugins.find(({ file }) => file.endsWith(name))?.load;
    expect(program('/cgroup_v2.so')).toMatchObject({ binding: 'now', program: 'sbin/slurmd' });
    expect(program('/rest_auth_jwt.so')).toMatchObject({ binding: 'now', program: 'sbin/slurmrestd' });
    expect(program('/mpi_pmix.so')).toMatchObject({ binding: 'now' });
    expect(program('/accounting_storage_mysql.so')).toMatchObject({ binding: 'now' });
    expect(report.plugins.filter(({ load }) => load !== undefined && load.binding !== 'now')).toEqual([]);
    expect(report.runtimePackages).toEqual(expect.arrayContaining(['libc6', 'libmunge2', 'libpmix2']));
    expect(() => requirePassed(report)).not.toThrow();
  });

  test('takes less than two seconds', async () => {
    const seconds: number[] = [];
    for (let i = 0; i < 3; i++) {
      const { figures } = await audit(`/result/${identifier}-software.tar.gz`);
      seconds.push(figures.seconds);
    }
    console.info(`audit: ${seconds.map((s) => s.toFixed(2)).join(', ')} s`);
    // The machine may be busy with something else; the audit is not.
    expect(Math.min(...seconds)).toBeLessThan(2);
  });

  test('leaves nothing behind in the session', () => {
    expect(inside('ls /tmp')).not.toContain('slurm-factory-audit');
  });
});

/** A fault, how it is planted, and the findings: rule, file, what is wrong. */
type Case = readonly [
  name: string,
  commands: string,
  findings: readonly (readonly [string, string, RegExp])[],
];

/** What an ELF file's header says of machines: this one, and one that can't run its programs. */
const amd64 = { name: 'EM_X86_64', byte: '\\x3e' };
const arm64 = { name: 'EM_AARCH64', byte: '\\xb7' };
const [own, other] = hostArch() === 'amd64' ? [amd64, arm64] : [arm64, amd64];

const plugin = (name: string): string => `lib/slurm/${name}.so`;
const future =
  'echo "GLIBC_2.99 { from_the_future; };" > /tmp/future.map && ' +
  'echo "void from_the_future(void) {}" | ' +
  'gcc -x c -shared -fPIC -nostdlib -Wl,-soname,libc.so.6 -Wl,--version-script=/tmp/future.map -o /tmp/future.so - && ';

const cases: readonly Case[] = [
  [
    'a plugin is missing',
    `rm ${plugin('cgroup_v2')}`,
    [
      [
        'promised-files',
        plugin('cgroup_v2'),
        /the target promises cgroup v2 \(look at dbus and linux\/bpf\.h\)/,
      ],
    ],
  ],
  [
    'a plugin that another one is a link to is missing',
    `rm ${plugin('mpi_pmix_v4')}`,
    [
      ['no-dangling-links', plugin('mpi_pmix'), /points at \.\/mpi_pmix_v4\.so, which does not exist/],
      ['promised-files', plugin('mpi_pmix'), /promises PMIx \(look at pmix\)/],
    ],
  ],
  [
    'a foreign RPATH',
    `patchelf --set-rpath /foreign/lib ${plugin('auth_munge')}`,
    [['relative-runpath', plugin('auth_munge'), /^its RUNPATH names \/foreign\/lib$/]],
  ],
  [
    'a symbol of a newer glibc',
    future +
      compile(
        'void from_the_future(void); void use(void) { from_the_future(); }',
        'lib/slurm/new.so',
        '/tmp/future.so',
      ),
    [
      [
        'symbol-versions',
        plugin('new'),
        /needs GLIBC_2\.99 \(from_the_future\); Debian 12 \(bookworm\) has GLIBC_2\.36/,
      ],
      ['loadable', plugin('new'), /version `GLIBC_2\.99' not found/],
    ],
  ],
  [
    'a stub of NVML',
    compile(
      'int nvmlInit_v2(void) { return 999; }',
      'lib/libnvidia-ml.so.1',
      '-Wl,-soname,libnvidia-ml.so.1',
    ),
    [['no-gpu-stub', 'lib/libnvidia-ml.so.1', /name of a library of the driver/]],
  ],
  [
    'a stub of NVML by another name',
    compile('int nvmlInit_v2(void) { return 999; }', plugin('helper')),
    [['no-gpu-stub', plugin('helper'), /^it defines nvmlInit_v2$/]],
  ],
  ['a setuid file', 'chmod u+s bin/srun', [['no-setuid', 'bin/srun', /^its mode is 4755$/]]],
  ['a setgid folder', 'chmod g+s lib/slurm', [['no-setuid', 'lib/slurm', /^its mode is 2755$/]]],
  [
    'a file that all may write',
    'chmod o+w include/slurm/slurm.h',
    [['no-world-writable', 'include/slurm/slurm.h', /^its mode is 0646$/]],
  ],
  [
    'an absolute link',
    'ln -s /etc/passwd lib/passwd',
    [['relative-links', 'lib/passwd', /absolute path: \/etc\/passwd$/]],
  ],
  [
    'a dangling link',
    'ln -s libnone.so.1 lib/libnone.so',
    [['no-dangling-links', 'lib/libnone.so', /points at libnone\.so\.1, which does not exist/]],
  ],
  [
    'a plugin that is cut off',
    `truncate --size 4096 ${plugin('auth_jwt')}`,
    [['sound-elf', plugin('auth_jwt'), /can't be read/]],
  ],
  [
    'a plugin whose function nobody has',
    compile('void from_nowhere(void); void use(void) { from_nowhere(); }', plugin('auth_jwt')),
    [['loadable', plugin('auth_jwt'), /no program of the tarball has its symbols from_nowhere/]],
  ],
  [
    'a plugin that has no symbol of its own and asks for one that nobody has',
    compile(
      'void from_nowhere(void); __attribute__((destructor)) static void end(void) { from_nowhere(); }',
      plugin('auth_jwt'),
    ),
    [['loadable', plugin('auth_jwt'), /no program of the tarball has its symbols from_nowhere/]],
  ],
  [
    'a plugin whose data nobody has',
    compile('extern int nowhere; int *use(void) { return &nowhere; }', plugin('auth_jwt')),
    [['loadable', plugin('auth_jwt'), /does not load: .*undefined symbol: nowhere/]],
  ],
  [
    'a file with the build prefix',
    'echo "/* /opt/slurm-factory/store/linux/slurm */" >> include/slurm/slurm.h',
    [['no-build-path', 'include/slurm/slurm.h', /^it holds \/opt\/slurm-factory$/]],
  ],
  [
    "a plugin with Spack's padding",
    compile('const char *where = "/x/__spack_path_placeholder__/y";', plugin('auth_none')),
    [['no-build-path', plugin('auth_none'), /^it holds __spack_path_placeholder__$/]],
  ],
  [
    'a library that nobody has',
    'echo "void f(void) {}" | gcc -x c -shared -fPIC -Wl,-soname,libforeign.so.1 -o /tmp/libforeign.so - && ' +
      compile('void f(void); void use(void) { f(); }', plugin('extra'), '/tmp/libforeign.so'),
    [
      ['needed-libraries', plugin('extra'), /needs libforeign\.so\.1, which is neither in the tarball nor/],
      ['owned-libraries', plugin('extra'), /needs libforeign\.so\.1, which does not exist/],
      ['loadable', plugin('extra'), /libforeign\.so\.1: cannot open shared object file/],
    ],
  ],
  [
    'a file for another machine',
    `printf '${other.byte}' | dd of=${plugin('hash_k12')} bs=1 seek=18 conv=notrunc status=none`,
    [
      ['architecture', plugin('hash_k12'), new RegExp(`it is for ${other.name}, not ${own.name}`)],
      ['loadable', plugin('hash_k12'), /it does not load/],
    ],
  ],
  [
    "a script with the builder's interpreter",
    'printf "#!/opt/slurm-factory/python/bin/python3\\n" > bin/sjstat',
    [
      ['no-build-path', 'bin/sjstat', /it holds \/opt\/slurm-factory/],
      ['system-interpreter', 'bin/sjstat', /asks for '\/opt\/slurm-factory\/python\/bin\/python3'/],
    ],
  ],
  [
    'debug sections',
    `echo 'int f(void) { return 1; }' | gcc -g -x c -shared -fPIC -o ${plugin('extra')} -`,
    [['no-debug-sections', plugin('extra'), /^it has debug sections$/]],
  ],
  [
    'a program without its library',
    'mv lib/slurm/libslurm_pmi.so lib/slurm/moved.so',
    [
      ['needed-libraries', 'lib/libpmi.so.0.0.0', /needs libslurm_pmi\.so, which is neither/],
      ['owned-libraries', 'lib/libpmi.so.0.0.0', /needs libslurm_pmi\.so, which does not exist/],
      ['loadable', 'lib/libpmi.so.0.0.0', /libslurm_pmi\.so: cannot open shared object file/],
    ],
  ],
];

real('each fault is found, with file and remedy', () => {
  test.each(cases)('%s', async (_, commands, findings) => {
    const report = await auditWith(commands);
    expect(report.findings.map(({ rule, file, detail }) => [rule, file, detail])).toEqual(
      findings.map(([rule, file, detail]) => [rule, file, expect.stringMatching(detail)]),
    );
    const [first] = report.findings;
    expect(() => requirePassed(report)).toThrow(AuditError);
    expect(() => requirePassed(report)).toThrow(`[${first?.rule}] ${first?.file}: ${first?.detail}.`);
    expect(() => requirePassed(report)).toThrow(`→ ${first?.remedy}`);
  });

  test("a plugin may ask for the driver's functions, which no builder has", async () => {
    const source = 'int nvmlInit_v2(void); void *use(void) { return nvmlInit_v2; }';
    const report = await auditWith(compile(source, plugin('gpu_nvml')));
    expect(report.findings).toEqual([]);
    expect(report.incomplete.map(({ file }) => file)).not.toContain(plugin('gpu_nvml'));
  });

  test('a file that belongs to somebody', async () => {
    const report = await auditWith('true', '--owner=1001 --group=0');
    expect(new Set(report.findings.map(({ rule }) => rule))).toEqual(new Set(['plain-entries']));
    expect(report.findings.at(-1)?.detail).toBe('it belongs to 1001:0');
  });

  test('another top folder', async () => {
    inside(
      `tar -C /test/tree --transform s,^slurm,slurmx, --owner=0 --group=0 -czf /test/planted.tar.gz ${identifier}`,
    );
    const report = await audit('/test/planted.tar.gz');
    expect(report.findings[0]).toMatchObject({ rule: 'top-folder' });
  });

  test.each([
    ['cut off', `head --bytes 3000000 /result/${identifier}-software.tar.gz > /test/planted.tar.gz`],
    [
      'changed in one byte',
      `cp /result/${identifier}-software.tar.gz /test/planted.tar.gz && chmod u+w /test/planted.tar.gz && ` +
        "printf 'X' | dd of=/test/planted.tar.gz bs=1 seek=3000000 conv=notrunc status=none",
    ],
    ['no tarball at all', 'echo hello > /test/planted.tar.gz'],
    ['empty', 'tar -czf /test/planted.tar.gz --files-from /dev/null'],
  ])('a tarball that is %s', async (_, commands) => {
    inside(`rm -f /test/planted.tar.gz && ${commands}`);
    const report = await audit('/test/planted.tar.gz');
    expect(report.findings).toMatchObject([{ rule: 'whole-archive', file: identifier }]);
    expect(() => requirePassed(report)).toThrow(
      /planted\.tar\.gz fails its audit in one place:\n\[whole-archive\]/,
    );
  });
});

real('a tarball that somebody made to do harm', () => {
  const make = (kind: string): string => {
    inside(
      `rm -rf /test/hostile.tar.gz && python3 /test/hostile.py ${kind} ${identifier} /test/hostile.tar.gz`,
    );
    return '/test/hostile.tar.gz';
  };

  test.each([
    ['zeros', /has a file of 36700160000 bytes/],
    ['files', /unpacks to more than 1024 MiB/],
    ['tail', /unpacks to more than 1024 MiB/],
    ['entries', /more than 50000 entries/],
    ['names', /more than 50000 entries, or very long names/],
    ['sparse', /has a sparse file/],
    ['sparse-pax', /has a sparse file/],
    ['header', /extended headers of more than/],
    ['headers', /extended headers of more than/],
    ['name', /extended headers of more than/],
    ['global', /a header for all of its members/],
    ['twice', /say the same, each in its own way/],
    ['link-data', /data that belongs to no file/],
    ['lone-zeros', /what follows its last entry is no tar/],
    ['no-end', /unexpected end of data/],
  ])('%s: it is damaged, and takes no more than 1 GiB of memory to tell', async (kind, detail) => {
    const tarball = make(kind);
    if (kind === 'zeros') expect(Number(inside(`stat --format %s ${tarball}`))).toBeGreaterThan(30_000_000);
    const { findings } = await audit(tarball);
    expect(findings).toEqual([
      expect.objectContaining({ rule: 'whole-archive', detail: expect.stringMatching(detail) }),
    ]);
  });

  test('libraries of 200 MiB are read within 1 GiB of memory', async () => {
    const { findings } = await audit(make('libraries'));
    expect(findings.filter(({ rule }) => rule === 'sound-elf')).toHaveLength(5);
  });

  test('nothing is written outside of its folder, and each try is a finding', async () => {
    const { findings } = await audit(make('outside'));
    const found = findings.map(({ rule, file }) => `${rule} ${file}`);
    for (const expected of [
      'top-folder ../../../../../../../../tmp/escaped',
      'top-folder /tmp/escaped',
      'top-folder link/escaped',
      'top-folder up/escaped',
      'top-folder file/escaped',
      'top-folder a/b',
      'relative-links link',
      'relative-links up',
      'plain-entries hard',
    ]) {
      expect(found).toContain(expected);
    }
    expect(inside('ls -A /tmp /')).not.toMatch(/escaped|slurm-factory-audit/);
  });

  test('what no tarball of Slurm has is found, and shown without its control characters', async () => {
    const { findings } = await audit(make('strange'));
    const found = findings.map(({ rule, file }) => [rule, file]);
    expect(found).toEqual(
      expect.arrayContaining([
        ['no-attributes', 'capability'],
        ['no-attributes', 'acl'],
        ['no-attributes', 'attribute'],
        ['plain-names', 'new\\x0aline'],
        ['plain-names', '\\x1b[2Jescape'],
        ['plain-names', '\\u202edirection'],
        ['no-static-libraries', 'lib/libslurm.a'],
        ['no-static-libraries', 'share/data'],
        ['plain-entries', 'owner'],
        ['plain-entries', 'null'],
        ['plain-entries', 'fifo'],
      ]),
    );
  });

  test.each([
    ['a FIFO', 'mkfifo'],
    ['a folder', 'mkdir'],
    ['a link to a device without end', 'ln -s /dev/zero'],
  ])('%s is refused at once', async (_, command) => {
    inside(`rm -rf /test/hostile.tar.gz && ${command} /test/hostile.tar.gz`);
    await expect(audit('/test/hostile.tar.gz')).rejects.toThrow(PackagingError);
    inside('rm -rf /test/hostile.tar.gz');
  });

  test('the report lists what tar unpacks, with its sums', async () => {
    const { contents } = await audit(`/result/${identifier}-software.tar.gz`);
    const files = contents.filter(({ type }) => type === 'file');
    const sums = files.map(({ path, sha256 }) => `${sha256}  ${path}`).join('\n');
    expect(inside(`cd /test/tree/${identifier} && find . -type f | wc -l`).trim()).toBe(String(files.length));
    inside(`cd /test/tree/${identifier} && sha256sum --check --quiet <<'SUMS'\n${sums}\nSUMS`);
    const links = contents.filter(({ type }) => type === 'symlink');
    const seen = inside(`cd /test/tree/${identifier} && find . -type l -printf '%P %l\\n' | LC_ALL=C sort`);
    expect(seen.trim().split('\n')).toEqual(links.map(({ path, target }) => `${path} ${target}`));
    const modes = inside(`cd /test/tree/${identifier} && find . -mindepth 1 ! -type l -printf '%P %m\\n'`);
    expect(new Set(modes.trim().split('\n'))).toEqual(
      new Set(
        contents.flatMap(({ path, type, mode }) =>
          type === 'symlink' ? [] : [`${path} ${mode.toString(8)}`],
        ),
      ),
    );
  });
});
