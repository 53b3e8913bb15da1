import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import { listReleases } from '../../../src/cli/commands/list.js';
import { version } from '../../../src/cli/commands/version.js';
import { coloursOf } from '../../../src/local/style.js';
import { machine } from '../../support/cli-machine.js';
import { readFiles, release } from '../../support/fakes.js';
import { lockText } from '../../support/machine.js';

// Some builds each, on a machine that may do other things too.
jest.setTimeout(30_000);

const target = 'slurm-24.11.6-glibc2.34-amd64';

describe('list', () => {
  const facts = {
    releases: ['23.11.1', '24.11.5', '24.11.6'].map(release),
    support: [
      { series: '23.11', until: '2025-05', source: 'test' },
      { series: '24.11', until: '2026-05', source: 'test' },
    ],
    advisories: [{ ids: ['CVE-2025-1', 'CVE-2025-2'], mended: ['24.11.6'], source: 'test' }],
  };

  test('the releases come with their support and what is known against them, the newest first', async () => {
    const { lines } = await listReleases(facts, coloursOf(false), '2026-01-15');
    expect(lines).toEqual([
      'Release  Date        Support        Vulnerabilities',
      '24.11.6  2026-01-01  until 2026-05  none known',
      '24.11.5  2026-01-01  until 2026-05  2, mended in 24.11.6',
      '23.11.1  2026-01-01  ended 2025-05  2, mended in 24.11.6',
    ]);
  });

  test('shows what was built, and the releases, or one of them', async () => {
    const { cwd, run } = await machine();
    const none = await run(['list', '--built']);
    expect(none).toMatchObject({ exitCode: 0, out: expect.stringContaining('Nothing was built yet') });
    await run(['build', '24.11.6', '--output-dir', 'out']);
    const built = await run(['list', '--built', '--output-dir', 'out']);
    expect(built.out).toMatch(new RegExp(`^Built .*\\n${target} .* ${join(cwd, 'out')}\\n$`));
    expect((await run(['list', '--available'])).out).not.toContain(target);
    for (const words of [['list'], ['list', '--built', '--available']]) {
      const both = await run([...words, '--output-dir', 'out']);
      expect(both.out).toContain(target);
      expect(both.out).toMatch(/^24\.11\.5 /m);
    }
  });

  test('as JSON has the same in one document', async () => {
    const { cwd, run } = await machine();
    await run(['build', '24.11.6']);
    const { out } = await run(['list', '--json']);
    const { built, available } = JSON.parse(out);
    expect(built).toEqual([expect.objectContaining({ target, slurmVersion: '24.11.6', cached: false })]);
    expect(built[0].folder).toBe(join(cwd, 'slurm-factory-output'));
    expect(available).toContainEqual(expect.objectContaining({ version: '24.11.6', vulnerabilities: [] }));
  });
});

describe('clean', () => {
  /** A cache folder with a clone and an entry, and files beside that are none of ours. */
  async function filled() {
    const made = await machine();
    const cache = join(made.cwd, 'slurm-factory');
    const files = [
      `clones/spack-${'1'.repeat(40)}/file`,
      `entries/slurm-factory-v4-open-lock-bookworm-amd64-${'a'.repeat(64)}/spack.lock`,
      `logs/${target}-logs/a.log`,
      'entries/mine',
      'mine',
    ];
    for (const file of files) {
      const path = join(cache, file);
      await mkdir(join(path, '..'), { recursive: true, mode: 0o700 });
      await writeFile(path, 'text');
    }
    return { ...made, files: async () => Object.keys(await readFiles(cache)) };
  }

  test('without an option removes what builds left, and says how much it was', async () => {
    const { run, files } = await filled();
    const before = await files();
    const dry = await run(['clean', '--dry-run']);
    expect(dry).toMatchObject({
      exitCode: 0,
      out: expect.stringMatching(/^1 folder of logs +4 bytes .*\n4 bytes would be freed/),
    });
    expect(await files()).toEqual(before);
    expect((await run(['clean'])).out).toContain('4 bytes were freed');
    expect(await files()).toEqual(before.filter((file) => !file.startsWith('logs/')));
    expect((await run(['clean', '--builds'])).out).toBe('There is nothing to remove.\n');
  });

  test.each([['--cache'], ['--all']])('%s removes the caches, and nothing else', async (option) => {
    const { run, files } = await filled();
    const { out } = await run(['clean', option, '--json', '--dry-run']);
    const { removed } = JSON.parse(out);
    expect(removed.map(({ what }: { what: string }) => what)).toEqual(
      expect.arrayContaining(option === '--all' ? ['clone', 'entry', 'logs'] : ['clone', 'entry']),
    );
    await run(['clean', option]);
    const left = await files();
    expect(left).toEqual(expect.arrayContaining(['entries/mine', 'mine']));
    expect(left.filter((file) => file.startsWith('clones/'))).toEqual([]);
    expect(left.some((file) => file.startsWith('logs/'))).toBe(option === '--cache');
  });
});

describe('config', () => {
  test('shows what is set and where, with --explain the defaults too', async () => {
    const { cwd, run } = await machine();
    expect((await run(['config'])).out).toContain('Nothing is set');
    await writeFile(join(cwd, 'slurm-factory.yml'), 'toolchain: bookworm\njobs: 3\n');
    const env = { SLURM_FACTORY_SPACK_JOBS: '5' };
    const { out } = await run(['config', '--gpu'], env);
    expect(out).toMatch(/^toolchain +bookworm +config-file: .*slurm-factory\.yml/m);
    expect(out).toMatch(/^jobs +5 +variable: SLURM_FACTORY_SPACK_JOBS$/m);
    expect(out).toMatch(/^gpu +cuda +option$/m);
    expect(out).not.toMatch(/^dependencies/m);
    const all = await run(['config', '--explain'], env);
    expect(all.out).toMatch(/^dependencies +bundled +default$/m);
    expect(all.out).toMatch(/^cache-dir +\/.*slurm-factory +default$/m);
    expect(all.out).not.toMatch(/^(github-token|upload)/m);
  });

  test('a build goes by it', async () => {
    const { cwd, run } = await machine();
    await writeFile(join(cwd, 'slurm-factory.yml'), 'output-dir: from-file\nlog-level: warning\n');
    const done = await run(['build', '24.11.6'], { SLURM_FACTORY_CACHE_DIR: join(cwd, 'other') });
    expect(done).toMatchObject({ exitCode: 0, err: '' });
    expect(done.out).toContain(join(cwd, 'from-file'));
    expect(Object.keys(await readFiles(cwd)).some((file) => file.startsWith('other/'))).toBe(true);
  });

  test('what is wrong in a file is told with its line, and ends with 6', async () => {
    const { cwd, run } = await machine();
    await writeFile(join(cwd, 'slurm-factory.yml'), 'jobz: 3\n');
    for (const words of [['config'], ['build', '24.11.6'], ['list', '--built']]) {
      const done = await run(words);
      expect(done.exitCode).toBe(6);
      expect(done.err).toMatch(/jobz .*slurm-factory\.yml.*Did you mean 'jobs'/);
    }
  });
});

describe('doctor', () => {
  test('tells what is well, and ends with 0', async () => {
    const { run } = await machine();
    const done = await run(['doctor']);
    expect(done).toMatchObject({ exitCode: 0, err: '' });
    expect(done.out).toMatch(/^ok +engine +docker \d/m);
    expect(done.out).toMatch(/Builds should work here\./);
  });

  test('without an engine ends with 3, and says what to start', async () => {
    const answer = (words: readonly string[]) =>
      words[1] === 'version' ? { exitCode: 1, stderr: 'not running' } : undefined;
    const { run } = await machine({ answer });
    const done = await run(['doctor', '--json']);
    expect(done.exitCode).toBe(3);
    const { ok, findings } = JSON.parse(done.out);
    expect(ok).toBe(false);
    expect(findings[0]).toMatchObject({
      check: 'engine',
      state: 'failed',
      hint: expect.stringContaining('systemctl'),
    });
  });

  test('of a toolchain that there is not ends with 2', async () => {
    const { run } = await machine();
    expect(await run(['doctor', '--toolchain', 'bokworm'])).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining("Did you mean 'bookworm'?"),
    });
  });
});

test('version names this program, Node and the pins', async () => {
  const { run } = await machine();
  expect((await run(['--version'])).out).toBe('1.2.3\n');
  const context = { root: resolve(import.meta.dirname, '..', '..', '..'), version: '1.2.3' };
  const { lines } = await version.run({ argument: undefined, options: {}, problems: [] }, context as never);
  expect(lines).toEqual([
    'slurm-factory 1.2.3',
    expect.stringMatching(/^Node \d+\.\d+\.\d+, linux-/),
    expect.stringMatching(/^Spack [0-9a-f]{12}, spack-packages [0-9a-f]{12}$/),
  ]);
});

describe('--json', () => {
  test('a build gives its report, and the log is as without it', async () => {
    const { run } = await machine();
    const done = await run(['build', '24.11.6', '--json']);
    expect(JSON.parse(done.out)).toMatchObject({ identifier: target, cacheHit: 'none' });
    expect(done.err).toContain('== Install');
  });

  test('a failure is a document too, with its class and each problem', async () => {
    const { run } = await machine();
    const done = await run(['build', '24.1', '--gpu', 'nvidia', '--json']);
    expect(done.exitCode).toBe(2);
    expect(JSON.parse(done.out).error).toMatchObject({
      ...{ name: 'InputError', exitCode: 2, hint: 'Correct these 2 inputs.' },
      problems: [{ input: 'slurm-version' }, { input: 'gpu' }],
    });
  });

  test('so is a call that can not be read', async () => {
    const { run } = await machine();
    const { out, err, exitCode } = await run(['audit', '--json']);
    expect({ err, exitCode }).toEqual({ err: '', exitCode: 2 });
    expect(JSON.parse(out).error.message).toContain("missing required argument 'tarball'");
  });

  test('what a terminal would obey is written otherwise, and read as it was', async () => {
    const { run } = await machine();
    const { out } = await run(['build', '24.11.6', '--\x9bx', '--json']);
    expect(out).not.toContain('\x9b');
    expect(JSON.parse(out).error.problems[0].input).toBe('--\x9bx');
  });
});

describe('how much is said', () => {
  test('--quiet: the answer alone', async () => {
    const { run } = await machine();
    const done = await run(['build', '24.11.6', '--quiet']);
    expect(done).toMatchObject({ exitCode: 0, err: '', out: expect.stringContaining(target) });
  });

  test('no keys of cache entries, and with --verbose those and each command', async () => {
    const { run } = await machine();
    const plain = await run(['build', '24.11.5']);
    expect(plain.err).not.toMatch(/slurm-factory-v\d+-|^\$ /m);
    const verbose = await run(['build', '24.11.6', '--verbose']);
    expect(verbose.err).toMatch(/Saved to the cache: slurm-factory-v\d+-/);
  });

  test('colours on a terminal alone, and not where NO_COLOR is set', async () => {
    const { run } = await machine({}, { isTTY: true });
    const colour = '\x1b[1m';
    expect((await run(['list', '--available'])).out).toContain(colour);
    expect((await run(['list', '--available'], { NO_COLOR: '1' })).out).not.toContain('\x1b');
    expect((await run(['list', '--available', '--json'])).out).not.toContain('\x1b');
    const { run: piped } = await machine();
    expect((await piped(['list', '--available'])).out).not.toContain('\x1b');
    expect((await piped(['list', '--available'], { FORCE_COLOR: '1' })).out).toContain(colour);
  });
});

test('on a terminal a build has a line for each stage, and in CI plain ones', async () => {
  const { run } = await machine({}, { isTTY: true });
  const live = await run(['build', '24.11.6'], { LANG: 'C.UTF-8', NO_COLOR: '1' });
  expect(live.exitCode).toBe(0);
  expect(live.err).toContain(`${target}\n`);
  expect(live.err).not.toContain('== Install');
  const plain = await run(['build', '24.11.5'], { CI: 'true', NO_COLOR: '1' });
  expect(plain.err).toContain('== Install');
});

describe('shell', () => {
  const failing = {
    answer: (words: readonly string[]) => {
      if (words.includes('build-env')) return { exitCode: 3 };
      return words.includes('install')
        ? { exitCode: 1, stdout: '[x] sssssss slurm@24-11-6-1 failed' }
        : undefined;
    },
  };

  test('runs a command in the failed build that was kept, and ends as that does', async () => {
    const { run, process } = await machine(failing);
    expect((await run(['build', '24.11.6', '--keep-container'])).exitCode).toBe(4);
    const done = await run(['shell', target, '--', 'make', '-n']);
    expect(done).toMatchObject({ exitCode: 3, out: '' });
    expect(done.err).toMatch(/slurm@24-11-6-1 failed in phase starting[\s\S]*Remove it: slurm-factory clean/);
    expect(process.lines.at(-1)).toMatch(/ build-env slurm -- make -n$/);
    // How the shell itself ended says nothing.
    expect((await run(['shell'])).exitCode).toBe(0);
    expect(process.lines.at(-1)).toMatch(/ build-env slurm -- bash$/);
    expect(await run(['shell', 'slurm-1'])).toMatchObject({
      ...{ exitCode: 2, err: expect.stringContaining(`There are:\n  ${target}: slurm@24-11-6-1`) },
    });
  });

  test('without a kept build says how to keep one', async () => {
    const { run } = await machine();
    expect(await run(['shell'])).toMatchObject({
      ...{
        exitCode: 2,
        err: expect.stringContaining('Keep one: slurm-factory build RELEASE --keep-container'),
      },
    });
  });
});

describe('diff and graph', () => {
  test('what two builds differ in, as text and as JSON', async () => {
    const { run } = await machine();
    await run(['build', '24.11.5', '--output-dir', 'a']);
    await run(['build', '24.11.6', '--output-dir', 'b']);
    const { out, exitCode } = await run(['diff', 'a', 'b']);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^- slurm-24\.11\.5-.*\n\+ slurm-24\.11\.6-/);
    expect(out).toMatch(/^ {2}release +24\.11\.5 +→ +24\.11\.6$/m);
    const read = JSON.parse((await run(['diff', 'a', 'b', '--json'])).out);
    expect(read).toMatchObject({ same: false, facts: expect.arrayContaining([expect.anything()]) });
    expect((await run(['diff', 'a', 'a'])).out).toMatch(/^Nothing differs/);
    expect(await run(['diff', 'a'])).toMatchObject({ exitCode: 2, err: expect.stringContaining("'after'") });
    expect(await run(['diff', 'a', 'c'])).toMatchObject({
      exitCode: 2,
      err: expect.stringContaining('after: '),
    });
  });

  test('the graph of a target that was built, in each language', async () => {
    const answer = (words: readonly string[]) => (words[0] === 'dot' ? { stdout: '<svg/>\n' } : undefined);
    const { cwd, run, process } = await machine({ answer });
    await run(['build', '24.11.6']);
    const dot = await run(['graph', target]);
    expect(dot.out).toMatch(/^digraph slurm \{\n[\s\S]*label="slurm 24\.11\.6"/);
    expect((await run(['graph', target, '--format', 'mermaid'])).out).toMatch(/^graph LR\n/);
    expect((await run(['graph', target, '--format', 'svg'])).out).toBe('<svg/>\n');
    expect(process.calls.at(-1)).toMatchObject({
      command: ['dot', '-Tsvg'],
      options: { input: dot.out.trimEnd() },
    });
    const file = join(cwd, 'slurm-factory-output', `${target}-sbom.spdx.json`);
    expect((await run(['graph', file])).out).toBe(dot.out);
    const none = await run(['graph', 'slurm-1']);
    expect(none).toMatchObject({ exitCode: 2, err: expect.stringContaining(`There are: ${target}.`) });
  });

  test('who is in a target that was built, by licence and size', async () => {
    const { cwd, run } = await machine();
    await run(['build', '24.11.6']);
    const { out, exitCode } = await run(['graph', target, '--format', 'table']);
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^Package +Version +Size +Files +From +Licence\nslurm +24\.11\.6 /m);
    expect(out).toMatch(/^GPL-2\.0-or-later WITH cryptsetup-OpenSSL-exception .* slurm$/m);
    const read = JSON.parse((await run(['graph', target, '--format', 'table', '--json'])).out);
    expect(read).toMatchObject({ target, packages: [{ name: 'slurm', from: 'Spack' }, expect.anything()] });
    await writeFile(join(cwd, 'spack.lock'), lockText);
    const lock = await run(['graph', 'spack.lock', '--format', 'table']);
    expect(lock).toMatchObject({ exitCode: 2, err: expect.stringContaining('neither licences nor sizes') });
    await rm(join(cwd, 'slurm-factory-output', `${target}-software.tar.gz`));
    const sbom = join(cwd, 'slurm-factory-output', `${target}-sbom.spdx.json`);
    const bare = await run(['graph', sbom, '--format', 'table']);
    expect(bare).toMatchObject({ exitCode: 2, err: expect.stringContaining('-software.tar.gz beside') });
  });

  test('svg without Graphviz ends with 6, and says what to install', async () => {
    const answer = (words: readonly string[]) => (words[0] === 'dot' ? { exitCode: 127 } : undefined);
    const { run } = await machine({ answer });
    await run(['build', '24.11.6']);
    const done = await run(['graph', target, '--format', 'svg']);
    expect(done).toMatchObject({ exitCode: 6, err: expect.stringContaining('Install graphviz') });
  });
});
