import { spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { file, type Member, smallTarget, smallTree, writeSmallResult } from '../../support/installer.js';
import { projectRoot } from '../../support/prepare.js';
import { reachable } from '../../support/sources.js';

/** install.sh on the machine itself, with a result that has hardly anything to install. */

const slurmRepository = 'https://github.com/SchedMD/slurm.git';
const root = realpathSync(mkdtempSync(join(tmpdir(), 'sf-installer-')));
const [small, other] = [
  writeSmallResult(join(root, 'small')),
  writeSmallResult(join(root, 'other'), { ...smallTarget, version: '25.05.8' }),
];
/** What links point at. These tests run as root: a script that follows one must hit nothing of the machine's. */
const outside = join(root, 'outside');
/** A fresh folder for each test. */
let place: string;
let prefix: string;

const present = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
const shells = [['sh'], ['bash'], ['bash', '--posix'], ['busybox', 'sh']].filter(([program = '']) => {
  const there = present(program);
  if (!there) console.warn(`skipped, there is no ${program} here`);
  return there;
});

interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Way {
  readonly shell?: readonly string[];
  readonly script?: string;
  readonly env?: Record<string, string>;
}

function sh(options: readonly string[], way: Way = {}): Outcome {
  const [program = 'sh', ...more] = way.shell ?? ['sh'];
  const done = spawnSync(program, [...more, way.script ?? small.script, ...options], {
    encoding: 'utf8',
    cwd: root,
    env: { PATH: process.env['PATH'], ...way.env },
    timeout: 60_000,
  });
  return { exitCode: done.status, stdout: done.stdout, stderr: done.stderr };
}

/** The options of an installation that writes all it can; this machine may be any. */
const everything = () => [
  ...['--force', '--prefix', prefix, '--modules', join(place, 'modules'), '--default'],
  ...['--systemd', join(place, 'units')],
];
const install = (way: Way = {}, more: readonly string[] = []) =>
  sh(['--force', '--prefix', prefix, ...more], way);
const uninstall = (way: Way = {}, more: readonly string[] = []) =>
  sh(['--uninstall', '--prefix', prefix, ...more], way);

const mustInstall = (): void =>
  expect(sh(everything())).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('is in') });

/** All below a folder: type, permissions, sum or link, path. */
function tree(at: string): string[] {
  const done = spawnSync(
    'sh',
    [
      '-c',
      `find . -type f -exec sha256sum {} + ; find . -printf '%y %m %p %l\\n'; find . -name .slurm-factory-install -exec cat {} +`,
    ],
    { encoding: 'utf8', cwd: at, env: { PATH: process.env['PATH'], LC_ALL: 'C' } },
  );
  return done.stdout.split('\n').sort();
}

beforeEach(() => {
  writeFileSync(outside, 'mine');
  place = mkdtempSync(join(root, 'place-'));
  prefix = join(place, 'above', 'slurm');
});
afterEach(() => expect(readFileSync(outside, 'utf8')).toBe('mine'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe.each(shells.map((shell) => [shell.join(' '), shell] as const))('with %s', (_, shell) => {
  test('an installation is what the tarball has, and --uninstall leaves nothing', () => {
    const done = sh(everything(), { shell });
    expect(done.exitCode).toBe(0);
    expect(done.stdout).toContain(`\nconfiguration: the examples in ${prefix}/etc; docs/cluster.md goes`);
    expect(readdirSync(prefix).sort()).toEqual(['.slurm-factory-install', 'bin', 'etc', 'lib', 'sbin']);
    for (const { path, text } of smallTree)
      if (text !== undefined) expect(readFileSync(join(prefix, path), 'utf8')).toBe(text);
    expect(readdirSync(join(place, 'units'))).toHaveLength(5);
    expect(readdirSync(join(place, 'above'))).toEqual(['slurm']);
    expect(uninstall({ shell })).toMatchObject({ exitCode: 0, stderr: '', stdout: `${prefix} is removed\n` });
    expect(readdirSync(place)).toEqual([]);
  });

  // In its POSIX mode bash itself refuses to start with functions of these names.
  test.each([
    ['POSIXLY_CORRECT', { POSIXLY_CORRECT: '1' }, []],
    ['functions', {}, shell.includes('--posix') ? [] : ['unset', 'set', 'export', 'trap']],
  ])('the environment changes nothing, %s in it', (_name, more, special) => {
    mustInstall();
    const plain = tree(place);
    uninstall();
    const hostile = join(place, 'hostile');
    writeFileSync(hostile, 'tar() { :; }; mv() { :; }; sha256sum() { :; }; alias rm=: cat=:; set -C -f\n');
    const lie = '() { :;\n}';
    const functions = ['tar', 'awk', '[', 'stat', 'cd', 'read', 'command', 'find', 'compgen', 'printf'];
    const env = {
      ...{ TAR_OPTIONS: '--exclude=*', GZIP: '--best', CDPATH: '/tmp:/', IFS: '/' },
      ...{ ENV: hostile, BASH_ENV: hostile, GREP_OPTIONS: '-v', GREP_COLORS: 'mt=1', TMPDIR: '/nowhere' },
      ...{ SHELLOPTS: 'noclobber:noglob:braceexpand', BASHOPTS: 'failglob:nullglob:nocasematch' },
      ...{ LC_ALL: 'tr_TR.UTF-8', LANGUAGE: 'de', QUOTING_STYLE: 'c', AWKPATH: '/tmp', TZ: 'Asia/Tokyo' },
      ...{
        force: 'yes',
        dir: '/nowhere',
        prefix: '/nowhere',
        stage: '/',
        contents: 'file',
        FIND_BLOCK_SIZE: '1',
      },
      ...more,
      ...Object.fromEntries([...functions, ...special].map((name) => [`BASH_FUNC_${name}%%`, lie])),
    };
    const done = sh(everything(), { shell, env });
    rmSync(hostile);
    expect(done).toMatchObject({ exitCode: 0 });
    expect(tree(place)).toEqual(plain);
    expect(uninstall({ shell, env: { ...env, ENV: '', BASH_ENV: '' } })).toMatchObject({ exitCode: 0 });
    expect(readdirSync(place)).toEqual([]);
  });

  test('what was changed or added stays where it is, and is named', () => {
    mustInstall();
    appendFileSync(join(prefix, 'bin/sinfo'), 'changed');
    mkdirSync(join(prefix, 'etc/slurm'), { recursive: true });
    writeFileSync(join(prefix, 'etc/slurm/slurm.conf'), 'mine');
    writeFileSync(join(prefix, 'lib/slurm/\u001b[31mmine\nx'), 'mine');
    rmSync(join(prefix, 'lib/libslurm.so'));
    symlinkSync(outside, join(prefix, 'lib/libslurm.so'));
    appendFileSync(join(place, 'units/slurmd.service'), '# mine\n');
    const done = uninstall({ shell });
    expect(done.exitCode).toBe(0);
    expect(done.stderr.split('\n').slice(0, -1).sort()).toEqual([
      expect.stringMatching(/^left: .*\/bin\/sinfo was changed$/),
      expect.stringMatching(/^left: .*\/etc\/slurm was added$/),
      expect.stringMatching(/^left: .*\/lib\/libslurm\.so was changed$/),
      expect.stringMatching(/^left: .*\/lib\/slurm\/\?\[31mmine/),
      expect.stringMatching(/^left: .*\/units\/slurmd\.service was changed$/),
    ]);
    const files = tree(place).filter((line) => /^[fl] /.test(line));
    expect(files).toHaveLength(5);
    expect(readFileSync(join(prefix, 'etc/slurm/slurm.conf'), 'utf8')).toBe('mine');
    expect(readdirSync(prefix).sort()).toEqual(['bin', 'etc', 'lib']);
    expect(readdirSync(join(place, 'above'))).toEqual(['slurm']);
  });
});

describe('a tarball that is not what the script installs', () => {
  const without = (path: string) => smallTree.filter((member) => member.path !== path);
  const replaced = (member: Member) => [...without(member.path), member];
  test.each<[string, string, readonly Member[]]>([
    ['lacks a file', 'missing: bin/sinfo', without('bin/sinfo')],
    ['has one more', 'added: bin/evil', [...smallTree, file('bin/evil')]],
    ['has another content', 'changed: sbin/slurmd', replaced(file('sbin/slurmd', 'evil'))],
    ['has other permissions', 'changed: sbin/slurmd', replaced(file('sbin/slurmd', 'sbin/slurmd', 0o777))],
    [
      'has a program that runs as root',
      'changed: bin/sinfo',
      replaced(file('bin/sinfo', 'bin/sinfo', 0o4755)),
    ],
    ['has a device', 'added: lib/null', [...smallTree, { path: 'lib/null', type: '3', mode: 0o666 }]],
    ['has a device for a file', 'bin/sinfo', replaced({ path: 'bin/sinfo', type: '3', mode: 0o755 })],
    ['has a pipe', 'added: lib/pipe', [...smallTree, { path: 'lib/pipe', type: '6', mode: 0o644 }]],
    [
      'has a hard link',
      'changed: bin/sinfo',
      [
        ...without('bin/sinfo'),
        file('bin/twin', 'bin/sinfo'),
        { path: 'bin/sinfo', type: '1', mode: 0o755, link: 'bin/twin' },
      ],
    ],
    [
      'has another link',
      'changed: lib/libslurm.so',
      replaced({ path: 'lib/libslurm.so', type: '2', mode: 0o777, link: outside }),
    ],
    [
      'has a link in the place of the record',
      'added: .slurm-factory-install',
      [...smallTree, { path: '.slurm-factory-install', type: '2', mode: 0o777, link: outside }],
    ],
  ])('%s: it is refused and nothing is left', (_, message, packed) => {
    const { script } = writeSmallResult(mkdtempSync(join(root, 'odd-')), smallTarget, packed);
    const done = sh(everything(), { script });
    expect(done.exitCode).toBe(1);
    // Whoever may make no devices gets tar's word.
    if (process.getuid?.() === 0 || !message.includes('null')) expect(done.stderr).toContain(message);
    expect(readdirSync(place)).toEqual([]);
  });
});

test.each([
  [['--systemd', '']],
  [['--systemd=']],
  [['--modules', '']],
  [['--dir', '']],
  [['--prefix', '']],
  [['--check', '--force']],
])('%j is wrong', (options) => {
  expect(install({}, options)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('error: ') });
  expect(readdirSync(place)).toEqual([]);
});

describe('links that somebody planted', () => {
  test('the record is one: nothing is read or written through it', () => {
    mustInstall();
    const record = join(prefix, '.slurm-factory-install');
    const victim = join(place, 'victim');
    writeFileSync(victim, readFileSync(record));
    rmSync(record);
    symlinkSync(victim, record);
    const before = tree(place);
    for (const done of [uninstall({}, ['--force']), install()]) expect(done.exitCode).toBe(1);
    expect(tree(place)).toEqual(before);
  });

  test.each(['units/slurmd.service', 'modules/tcl/slurm/24.11.6', 'above/slurm'])('%s is one', (path) => {
    mkdirSync(join(place, path, '..'), { recursive: true });
    symlinkSync(join(place, 'victim'), join(place, path));
    const before = tree(place);
    expect(sh(everything()).exitCode).toBe(1);
    expect(tree(place)).toEqual(before);
  });

  test('a record that names a file by a way through .. is not believed', () => {
    mustInstall();
    const victim = join(place, 'victim');
    writeFileSync(victim, 'mine');
    const sum = spawnSync('sha256sum', [victim], { encoding: 'utf8' }).stdout.slice(0, 64);
    appendFileSync(join(prefix, '.slurm-factory-install'), `entry file\t644\t${sum}\tlib/../../../victim\n`);
    const before = tree(place);
    expect(uninstall({}, ['--force'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('is damaged'),
    });
    expect(tree(place)).toEqual(before);
  });
});

test('another target’s script removes nothing but with --force', () => {
  mustInstall();
  const before = tree(place);
  const done = uninstall({ script: other.script });
  expect(done).toMatchObject({ exitCode: 1 });
  expect(done.stderr).toContain(
    'holds slurm-24.11.6-bookworm-amd64, but this is the script of slurm-25.05.8',
  );
  expect(tree(place)).toEqual(before);
  expect(uninstall({ script: other.script }, ['--force'])).toMatchObject({ exitCode: 0 });
  expect(readdirSync(place)).toEqual([]);
});

test('an installation is not changed in place', () => {
  mustInstall();
  const before = tree(place);
  for (const script of [small.script, other.script]) {
    const done = install({ script });
    expect(done.exitCode).toBe(1);
    expect(done.stderr).toContain('it holds slurm-24.11.6-bookworm-amd64, and no installation is changed in');
  }
  expect(tree(place)).toEqual(before);
});

test('of two at once one wins, and the other says so', async () => {
  // Folders that both need: whose they are is nobody's to say.
  for (const name of ['above', 'units', 'modules/lmod/slurm', 'modules/tcl/slurm'])
    mkdirSync(join(place, name), { recursive: true });
  const before = tree(place);
  for (let round = 0; round < 5; round++) {
    const both = [0, 1].map(
      () =>
        new Promise<number | null>((ended) => {
          spawn('sh', [small.script, ...everything()], { stdio: 'ignore' }).once('exit', ended);
        }),
    );
    expect((await Promise.all(both)).sort()).toEqual([0, 1]);
    expect(readdirSync(join(place, 'above'))).toEqual(['slurm']);
    expect(readdirSync(join(place, 'units')).sort()).toEqual(
      ['sackd', 'slurmctld', 'slurmd', 'slurmdbd', 'slurmrestd'].map((name) => `${name}.service`),
    );
    expect(uninstall()).toMatchObject({ exitCode: 0, stderr: '' });
    expect(tree(place)).toEqual(before);
  }
});

describe('killed at any command', () => {
  const tools = [
    'awk',
    'cat',
    'chmod',
    'find',
    'ln',
    'mkdir',
    'mv',
    'rm',
    'rmdir',
    'sed',
    'sha256sum',
    'sort',
  ];
  const wrappers = join(root, 'wrappers');
  let calls: string;

  beforeAll(() => {
    mkdirSync(wrappers);
    calls = join(root, 'calls');
    // Counts the commands; at the one that is named in `calls.at`, kills the whole group before or after it.
    writeFileSync(
      join(wrappers, 'wrapper'),
      `#!/bin/sh
tool=\${0##*/}
PATH=$(/usr/bin/printenv PATH | /bin/sed 's|^[^:]*:||')
echo >>${calls}
read -r at when group <${calls}.at
count=$(wc -l <${calls})
[ "$count-$when" != "$at-before" ] || kill -s KILL 0
[ "$count-$when" = "$at-after" ] || exec "$tool" "$@"
"$tool" "$@"
kill -s KILL 0
`,
    );
    chmodSync(join(wrappers, 'wrapper'), 0o755);
    for (const tool of [...tools, 'tar', 'stat', 'tr', 'xargs', 'readlink'])
      symlinkSync('wrapper', join(wrappers, tool));
  });

  /** Runs the script and kills it and all that it started at a command. */
  async function killAt(
    command: number,
    when: string,
    options: readonly string[],
  ): Promise<'killed' | 'missed' | 'ended'> {
    writeFileSync(calls, '');
    writeFileSync(`${calls}.at`, `${command} ${when}\n`);
    const child = spawn('sh', [small.script, ...options], {
      detached: true,
      stdio: 'ignore',
      env: { PATH: `${wrappers}:${process.env['PATH']}` },
    });
    const signal = await new Promise((ended) => child.once('exit', (_, by) => ended(by)));
    if (signal === 'SIGKILL') return 'killed';
    // Two of a pipeline may count at the same time, and one number is left out.
    return readFileSync(calls, 'utf8').length < command ? 'ended' : 'missed';
  }

  /** Every few commands, from a random one on, so that other runs try others; 1 tries all of them. */
  const stride = Number(process.env['SLURM_FACTORY_TEST_STRIDE'] ?? 23);
  const first = 1 + Math.floor(Math.random() * stride);

  test(`an installation: the next run installs, or --uninstall clears up (from ${first} on)`, async () => {
    let [command, killed] = [first, 0];
    for (; ; command += stride) {
      const when = killed % 2 === 0 ? 'before' : 'after';
      const how = await killAt(command, when, everything());
      if (how === 'ended') break;
      if (how === 'killed') killed += 1;
      if (killed % 3 !== 0) {
        const again = sh(everything());
        // Killed at its very end, it was done.
        if (again.exitCode !== 0) expect(again.stderr).toContain('it holds slurm-24.11.6');
        expect(readdirSync(join(place, 'above'))).toEqual(['slurm']);
        expect(readdirSync(join(place, 'units'))).toHaveLength(5);
        expect(uninstall()).toMatchObject({ exitCode: 0, stderr: '' });
      } else {
        uninstall();
      }
      expect([command, when, tree(place)]).toEqual([command, when, tree(mkdtempSync(join(root, 'empty-')))]);
    }
    expect(killed).toBeGreaterThan(50 / stride);
  }, 600_000);

  test.each(['nothing', 'something'])(
    'an uninstallation with %s of the user’s',
    async (what) => {
      let [command, killed] = [first, 0];
      for (; ; command += stride) {
        rmSync(place, { recursive: true });
        mkdirSync(place);
        mustInstall();
        if (what === 'something') {
          writeFileSync(join(prefix, 'etc/slurm.conf'), 'mine');
          writeFileSync(join(prefix, 'lib/slurm/mine.so'), 'mine');
        }
        const when = killed % 2 === 0 ? 'after' : 'before';
        const how = await killAt(command, when, ['--uninstall', '--prefix', prefix]);
        const mine = () => ['etc/slurm.conf', 'lib/slurm/mine.so'].map((path) => join(prefix, path));
        if (what === 'something') expect(mine().filter((path) => !existsSync(path))).toEqual([]);
        // Never half a tree that starts: with the library that all programs load, all is there.
        if (existsSync(join(prefix, 'lib/slurm/libslurmfull.so')))
          for (const { path, type } of smallTree)
            if (type === '0')
              expect([command, path, existsSync(join(prefix, path))]).toEqual([command, path, true]);
        if (how === 'ended') break;
        if (how === 'killed') killed += 1;
        uninstall();
        const files = tree(place).filter((line) => /^[fl] /.test(line));
        expect([command, when, files.length]).toEqual([command, when, what === 'something' ? 2 : 0]);
        if (what === 'nothing') expect(readdirSync(place)).toEqual([]);
      }
      expect(killed).toBeGreaterThan(20 / stride);
    },
    600_000,
  );
});

const releases: Record<string, { version: string; tag: string }[]> = JSON.parse(
  readFileSync(join(projectRoot, 'data', 'slurm-releases.json'), 'utf8'),
).releases;
const newest = Object.values(releases).flatMap((series) => series.at(-1) ?? []);
const canCompare = await reachable(slurmRepository);
if (!canCompare) console.warn(`skipped, ${slurmRepository} can't be reached`);

(canCompare ? describe : describe.skip)('units are upstream’s own', () => {
  const clone = join(root, 'slurm.git');
  const git = (...words: string[]) => {
    const done = spawnSync('git', ['-C', clone, ...words], { encoding: 'utf8' });
    return { found: done.status === 0, text: done.stdout };
  };

  beforeAll(() => {
    spawnSync('git', ['init', '--quiet', '--bare', clone]);
    git('remote', 'add', 'origin', slurmRepository);
    const refs = newest.map(({ tag }) => `refs/tags/${tag}:refs/tags/${tag}`);
    expect(git('fetch', '--quiet', '--depth', '1', '--filter=blob:none', 'origin', ...refs).found).toBe(true);
  }, 300_000);

  test.each(newest.map(({ version, tag }) => [version, tag]))('in %s', (version = '', tag = '') => {
    const { script } = writeSmallResult(join(root, version), { ...smallTarget, version });
    expect(sh(everything(), { script })).toMatchObject({ exitCode: 0 });
    /** The lines that say something. */
    const lines = (text: string) => text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    const names = readdirSync(join(place, 'units')).sort();
    expect(names).toEqual(
      ['sackd', 'slurmctld', 'slurmd', 'slurmdbd', 'slurmrestd'].map((name) => `${name}.service`),
    );
    for (const name of names) {
      const upstream = git('show', `${tag}:etc/${name}.in`);
      // The small tree has sackd in every release; upstream from 23.11 on.
      if (!upstream.found && name === 'sackd.service' && /^2(2|3\.02)/.test(version)) continue;
      const text = upstream.text
        .replaceAll('@sysconfdir@', '/etc/slurm')
        .replaceAll('@sbindir@', `${prefix}/sbin`)
        .replaceAll('@sharedstatedir@', '/var/lib')
        .replaceAll('@SLURMRESTD_PORT@', '6820')
        .replaceAll('@SYSTEMD_TASKSMAX_OPTION@', 'TasksMax=infinity');
      expect(lines(readFileSync(join(place, 'units', name), 'utf8'))).toEqual(lines(text));
    }
  });
});

describe('what a run left that is not this user’s or not this machine’s', () => {
  /** A folder like a run's, whose journal would have a file removed. */
  function plant(id: string, mode: number): string {
    const victim = join(place, 'victim');
    writeFileSync(victim, 'mine');
    const found = spawnSync('sh', ['-c', `sha256sum <"$0"; stat -c %d:%i "$0"`, victim], {
      encoding: 'utf8',
    });
    const [sum = '', inode = ''] = found.stdout.replace('  -', '').split('\n');
    const planted = `${prefix}.partial.${id}`;
    mkdirSync(join(planted, 'tree'), { recursive: true });
    writeFileSync(join(planted, 'journal'), `file ${sum} ${victim} ${inode}\n`);
    writeFileSync(join(planted, 'owner'), 'elsewhere boot\n');
    chmodSync(planted, mode);
    return victim;
  }

  test('a folder that others can write in is not believed', () => {
    const victim = plant('1.0000ffff', 0o777);
    expect(install()).toMatchObject({ exitCode: 0, stderr: expect.stringContaining('left: ') });
    expect(readFileSync(victim, 'utf8')).toBe('mine');
  });

  test('another machine’s counts as at work for an hour', () => {
    const victim = plant('1.0000ffff', 0o700);
    expect(install()).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('belongs to a run on elsewhere'),
    });
    expect(existsSync(victim)).toBe(true);
    const past = Date.now() / 1000 - 3700;
    utimesSync(`${prefix}.partial.1.0000ffff`, past, past);
    expect(install()).toMatchObject({ exitCode: 0 });
    // That was this user's own journal, and is obeyed.
    expect(existsSync(victim)).toBe(false);
    expect(readdirSync(join(place, 'above'))).toEqual(['slurm']);
  });
});

(process.getuid?.() === 0 ? test : test.skip)('root installs below nothing that all may write in', () => {
  chmodSync(place, 0o777);
  const done = install();
  expect(done).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('has no sticky bit') });
  chmodSync(place, 0o1777);
  expect(install()).toMatchObject({ exitCode: 0 });
});
