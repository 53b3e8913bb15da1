import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { projectWithOwnRecipes, runCli, startInTerminal } from '../support/cli.js';
import {
  docker,
  hostTarget,
  isHere,
  projectRoot,
  sourceMirror,
  temporaryFolder,
} from '../support/prepare.js';

const canRun = await isHere('upstream', 'Docker Engine');
const e2e = canRun ? test : test.skip;
const minutes = 60_000;
const folder = temporaryFolder('errors');
const cacheDir = join(folder, 'cache');
const common = ['--cache-dir', cacheDir, '--output-dir', join(folder, 'out')];
let mirror: string;

beforeAll(async () => {
  if (canRun) mirror = await sourceMirror(['24.11.6']);
}, 20 * minutes);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The report has phases of what was built, and the failure with its first error line. */
function expectFailureIn(xml: string): void {
  const suite = (name: string) =>
    xml.split('<testsuite ').find((part) => part.startsWith(`name="${name}`)) ?? '';
  expect(suite('gcc-runtime@')).toMatch(/name="install" time="\d+\.\d{3}"><\/testcase>/);
  expect(suite('gcc-runtime@')).toContain('<property name="source" value="source"/>');
  expect(suite('slurm@24-11-6-1')).toMatch(
    /name="configure" time="[\d.]+"><failure message="[^"]*C compiler cannot create executables/,
  );
  expect(suite(hostTarget('24.11.6'))).toMatch(/name="Install" time="[\d.]+"><failure /);
}

/** A command and a terminal run in the build environment of the package that failed, in its folder. */
async function expectShell(): Promise<void> {
  const target = hostTarget('24.11.6');
  const script = 'test -f config.log && echo "$CC" "$SPACK_SHORT_SPEC"; exit 3';
  const ran = runCli(['shell', target, '--cache-dir', cacheDir, '--', 'sh', '-c', script]);
  expect(ran.stdout).toMatch(/^\/opt\/slurm-factory\/store\/.*compiler-wrapper.*\/gcc slurm@=?24-11-6-1/);
  expect(ran.exitCode).toBe(3);
  const terminal = startInTerminal(['shell', '--cache-dir', cacheDir]);
  await terminal.shows(/failed in phase configure[\s\S]*[#$] $/);
  // A prompt that breaks no line in two.
  terminal.type("PS1='> '\n");
  await terminal.shows(/(?:2004h|\n)> $/);
  terminal.type('tty && basename "$PWD" && echo "it is $((40 + 2))"\n');
  await terminal.shows(/\/dev\/pts\/\d+\s+spack-src\s+it is 42/);
  // Ctrl-C ends what runs in there, and nothing else.
  terminal.type('sleep 1000\n');
  await terminal.shows(/sleep 1000\s/);
  terminal.type('\x03');
  terminal.type('echo still $?\n');
  await terminal.shows(/still 130/);
  terminal.type('exit\n');
  expect((await terminal.ended).exitCode).toBe(0);
  expect(runCli(['clean', '--cache-dir', cacheDir]).stdout).toMatch(/1 container/);
  expect(runCli(['shell', '--cache-dir', cacheDir]).exitCode).toBe(2);
}

const noContainersLeft = (): void =>
  expect(docker('ps', '--all', '--quiet', '--filter', 'label=slurm-factory.owner').trim()).toBe('');

test('packages that no distribution has for Slurm end in a clear error, and build nothing', () => {
  const words = ['--dependencies', 'self-contained', '--externals', 'curl readlin zlip'];
  const done = runCli(['build', '24.11.6', ...words, ...common]);
  expect(done.exitCode).toBe(2);
  expect(done.stderr).toContain("'readlin' (did you mean 'readline'?)");
  expect(done.stderr).toContain("'zlip'");
});

test('a value that looks like shell text reaches no shell', () => {
  const witness = join(folder, 'witness');
  const done = runCli([
    'build',
    `$(touch ${witness})`,
    '--container-image',
    `x; touch ${witness}`,
    ...common,
  ]);
  expect(done.exitCode).toBe(2);
  expect(done.stderr).toContain('slurm-version');
  expect(done.stderr).toContain('container-image');
  expect(readdirSync(folder)).not.toContain('witness');
});

test('an engine that does not answer: exit code 3, and what to do', () => {
  const done = runCli(['build', '24.11.6', '--engine', 'docker', ...common], {
    env: { DOCKER_HOST: 'unix:///nonexistent/docker.sock' },
  });
  expect(done.exitCode).toBe(3);
  expect(done.stderr).toMatch(/No container engine answers \(docker: .+\)/);
  expect(done.stderr).toContain('systemctl start docker');
});

e2e(
  'Spack that can not be reached: exit code 4',
  () => {
    const done = runCli(
      [
        'build',
        '24.11.6',
        '--engine',
        'docker',
        '--cache-dir',
        join(folder, 'none'),
        '--output-dir',
        join(folder, 'out'),
      ],
      {
        env: {
          GIT_CONFIG_GLOBAL: '/dev/null',
          GIT_CONFIG_NOSYSTEM: '1',
          GIT_CONFIG_COUNT: '1',
          GIT_CONFIG_KEY_0: 'url.file:///nonexistent/.insteadOf',
          GIT_CONFIG_VALUE_0: 'https://github.com/',
        },
      },
    );
    // Both repositories are asked at the same time; the first that fails is named.
    expect(done.stderr).toMatch(/https:\/\/github\.com\/spack\/spack(-packages)?\.git can.t be reached/);
    expect(done.exitCode).toBe(4);
  },
  10 * minutes,
);

e2e(
  'too little disk: exit code 6 before anything is fetched',
  () => {
    const image = 'debian:bookworm';
    const program = [
      'run',
      '--rm',
      '--tmpfs',
      '/small:size=64m',
      '--mount',
      `type=bind,source=${projectRoot},target=/project,readonly`,
      '--mount',
      `type=bind,source=${process.execPath},target=/usr/bin/node,readonly`,
      image,
      'sh',
      '-c',
      'node /project/dist/cli/index.js build 24.11.6 --engine none --cache-dir /small/cache --output-dir /small/out; echo "exit $?"',
    ];
    const log = docker(...program);
    expect(log).toContain('exit 6');
  },
  5 * minutes,
);

e2e(
  'an archive with other bytes: exit code 4, named as such, and nothing is kept of it',
  () => {
    const damaged = join(folder, 'mirror');
    cpSync(mirror, damaged, { recursive: true });
    const archives = join(damaged, '_source-cache', 'archive', '28');
    for (const file of readdirSync(archives)) writeFileSync(join(archives, file), 'not the archive');
    const done = runCli(['build', '24.11.6', '--source-mirror', damaged, ...common], {
      env: { https_proxy: 'http://127.0.0.1:9', http_proxy: 'http://127.0.0.1:9' },
    });
    expect(done.stderr).toMatch(/error: An archive's sha256 is not the expected one/);
    expect(done.exitCode).toBe(4);
    noContainersLeft();
  },
  10 * minutes,
);

e2e(
  'a package that fails: exit code 4, its name, phase and first error line, and the log is kept',
  async () => {
    const root = projectWithOwnRecipes(join(folder, 'project'));
    const recipe = join(root, 'spack-repo', 'spack_repo', 'slurm_factory', 'packages', 'slurm', 'package.py');
    const text = readFileSync(recipe, 'utf8');
    const broken = text.replace('CFLAGS={self._optimization}', 'CFLAGS=-fno-such-flag');
    expect(broken).not.toBe(text);
    writeFileSync(recipe, broken);
    const junit = join(folder, 'build.xml');
    const words = ['--source-mirror', mirror, '--junit', junit, '--keep-container', ...common];
    const done = runCli(['build', '24.11.6', ...words], { root });
    expect(done.exitCode).toBe(4);
    expect(done.stderr).toMatch(
      /error: slurm@24-11-6-1 failed in phase configure: .*C compiler cannot create executables/,
    );
    const logs = readdirSync(join(cacheDir, 'logs', `${hostTarget('24.11.6')}-logs`));
    expect(logs.some((name) => name.startsWith('slurm-24-11-6-1-') && name.endsWith('.log'))).toBe(true);
    expectFailureIn(readFileSync(junit, 'utf8'));
    await expectShell();
    noContainersLeft();
    // What was built before the failure is in the cache.
    const entries = readdirSync(join(cacheDir, 'entries'));
    expect(entries.some((name) => name.includes('-package-') && name.includes('gcc-runtime'))).toBe(true);
  },
  15 * minutes,
);
