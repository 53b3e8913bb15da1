import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { runCli } from '../support/cli.js';
import { isHere, sourceMirror, temporaryFolder } from '../support/prepare.js';

/*
 * What a user says in Spack's own words, with real Spack: solved here; built with SLURM_FACTORY_TEST_SPACK=1 only, since
 * that compiles Slurm for nothing else.
 */
const canRun = await isHere('upstream', 'Docker Engine');
const folder = temporaryFolder('spack');
const minutes = 60_000;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const files = {
  'site.yaml': `
spack:
  concretizer:
    unify: when_possible
  packages:
    all:
      providers:
        site-words: [site-second]
    sitetool:
      variants: words=many
    lz4:
      require: "@1.9:"
`,
  'recipes/spack_repo/site/repo.yaml': 'repo:\n  namespace: site\n  api: v2.0\n',
  'recipes/spack_repo/site/packages/sitetool/package.py': `
from spack.package import *
from spack_repo.builtin.build_systems.generic import Package


class Sitetool(Package):
    """A tool of a site."""

    homepage = "https://example.org"
    has_code = False
    version("1.0")
    variant("words", default="few", values=("few", "many"), multi=False)
    depends_on("site-words", type="run")

    def install(self, spec, prefix):
        mkdirp(prefix.bin)
        with open(join_path(prefix.bin, "sitetool"), "w") as script:
            script.write("#!/bin/sh\\necho " + spec.variants["words"].value + "\\n")
        set_executable(join_path(prefix.bin, "sitetool"))

    @run_after("install")
    @on_package_attributes(run_tests=True)
    def check_words(self):
        Executable(join_path(self.prefix.bin, "sitetool"))(output="words.txt")
        if open("words.txt").read() != "many\\n":
            raise InstallError("sitetool says too few words")
`,
  ...Object.fromEntries(['first', 'second'].map((name) => [provider(name), providerRecipe(name)])),
};

function provider(name: string): string {
  return `recipes/spack_repo/site/packages/site_${name}/package.py`;
}

function providerRecipe(name: string): string {
  return `
from spack.package import *
from spack_repo.builtin.build_systems.bundle import BundlePackage


class Site${name === 'first' ? 'First' : 'Second'}(BundlePackage):
    """One of two that can be had for the same thing."""

    homepage = "https://example.org"
    version("1.0")
    provides("site-words")
`;
}

beforeAll(() => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
});

const own = [
  '--spec',
  'cflags="-O2 -funroll-loops" target=x86_64_v2',
  '--repos',
  'recipes',
  '--spack-yaml',
  'site.yaml',
];
const many = [...own, '--packages', 'sitetool'];

function run(command: string, words: readonly string[], mirror: string) {
  const places = [
    '--cache-dir',
    'cache',
    '--output-dir',
    'out',
    '--source-mirror',
    mirror,
    '--engine',
    'docker',
  ];
  return runCli([command, '26.05.3', ...words, ...places], { cwd: folder });
}

interface Solved {
  readonly identifier: string;
  readonly further: readonly { readonly name: string }[];
  readonly specs: readonly { readonly name: string; readonly version: string; readonly hash: string }[];
}

if (canRun && process.arch === 'x64') {
  test(
    'specs, an environment and a repository are solved, and the lock that comes out goes in',
    async () => {
      const mirror = await sourceMirror(['26.05.3']);
      const solved = run('concretize', [...many, '--lock', 'a.lock', '--json'], mirror);
      if (solved.exitCode !== 0) throw new Error(solved.stderr.slice(-4000));
      const { identifier, further, specs } = JSON.parse(solved.stdout) as Solved;
      expect(identifier).toMatch(/^slurm-26\.05\.3\.e[0-9a-f]{12}-glibc2\.34-amd64$/);
      expect(further.map(({ name }) => name)).toEqual(['sitetool']);
      expect(solved.stderr).toContain('spack-yaml: concretizer.unify is "when_possible", in place of true.');
      const lock = JSON.parse(readFileSync(join(folder, 'a.lock'), 'utf8'));
      const { concrete_specs: all } = lock as { concrete_specs: Record<string, never> };
      const named = (name: string) => all[specs.find((spec) => spec.name === name)?.hash ?? ''];
      expect(named('slurm')).toMatchObject({
        parameters: { cflags: ['-O2', '-funroll-loops'] },
        arch: { target: 'x86_64_v2' },
      });
      // A preference and a choice of providers, of the environment.
      expect(named('sitetool')).toMatchObject({ namespace: 'site', parameters: { words: 'many' } });
      expect(specs.map(({ name }) => name)).toContain('site-second');
      expect(specs.map(({ name }) => name)).not.toContain('site-first');

      const given = run('concretize', [...many, '--spack-lock', 'a.lock', '--json'], mirror);
      if (given.exitCode !== 0) throw new Error(given.stderr.slice(-4000));
      expect(given.stderr).toContain('The lock is the one of spack-lock; nothing is concretized.');
      expect((JSON.parse(given.stdout) as Solved).specs).toEqual(specs);

      const other = run('concretize', [...many, '--features', '-x11', '--spack-lock', 'a.lock'], mirror);
      expect(other.exitCode).toBe(2);
      expect(other.stderr).toMatch(/spack-lock: it is of 'slurm@=26-05-3-1 .*, and this build is of '/);
    },
    10 * minutes,
  );

  test(
    'what can not be solved ends with what Spack says of it',
    async () => {
      const done = run('concretize', ['--spec', '^lz4@1.8'], await sourceMirror(['26.05.3']));
      expect(done.exitCode).toBe(4);
      expect(done.stderr).toMatch(/Spack found no solution: .*lz4/);
    },
    10 * minutes,
  );
}

if (canRun && process.env['SLURM_FACTORY_TEST_SPACK'] === '1') {
  test(
    'all of it is built and tested, and its lock builds the same bytes again',
    async () => {
      const mirror = await sourceMirror(['26.05.3']);
      const failed = run(
        'build',
        [...own, '--packages', 'sitetool words=few', '--spack-test', 'root'],
        mirror,
      );
      expect(failed.exitCode).toBe(4);
      expect(failed.stderr).toContain('sitetool says too few words');
      const built = run('build', [...many, '--spack-test', 'root'], mirror);
      if (built.exitCode !== 0) throw new Error(built.stderr.slice(-8000));
      const identifier = /^Target +(\S+)$/m.exec(built.stdout)?.[1] ?? '';
      const sum = () => {
        const sums = readFileSync(join(folder, 'out', `${identifier}-SHA256SUMS`), 'utf8');
        return /^(\w+) .*-software\.tar\.gz$/m.exec(sums)?.[1];
      };
      const manifest = JSON.parse(readFileSync(join(folder, 'out', `${identifier}-manifest.json`), 'utf8'));
      expect(manifest.environment).toMatchObject({
        spec: ['cflags="-O2 -funroll-loops"', 'target=x86_64_v2'],
        packages: ['sitetool'],
        repos: [{ namespace: 'site' }],
      });
      const first = sum();
      const lock = join('out', `${identifier}-spack.lock`);
      const again = run('build', [...many, '--spack-lock', lock, '--cache', 'false'], mirror);
      if (again.exitCode !== 0) throw new Error(again.stderr.slice(-8000));
      expect(again.stderr).toContain('The lock is the one of spack-lock');
      expect(sum()).toBe(first);
    },
    30 * minutes,
  );
}
