import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Manifest, manifestSchema } from '../../src/bundle/manifest.js';
import { runCli } from '../support/cli.js';
import { docker, isHere, projectRoot, sourceMirror, temporaryFolder } from '../support/prepare.js';
import { buildCacheFolder, builtResult } from '../support/result.js';
import { builtOfTags } from '../support/self-contained.js';
import { mirrorArchives } from '../support/sources.js';

/*
 * Packages beside Slurm: those of support/recipes, which have a path compiled in, link Slurm, or need another's MPI,
 * and one of spack-packages. With SLURM_FACTORY_TEST_SPACK=1 only: where its package is not in the tests' cache, Slurm is
 * compiled for it.
 */
const wanted = process.env['SLURM_FACTORY_TEST_SPACK'] === '1';
const canRun = wanted && (await isHere('upstream', 'Docker Engine'));
const suite = canRun ? describe : describe.skip;
const minutes = 60_000;
const version = '24.11.6';
const folder = temporaryFolder('packages');
/** A view of packages by names, and one by folders that their projections say. */
const views = `spack:
  view:
    tools:
      root: views/tools
      select: [greeter, jansson]
    by-name:
      root: views/by-name
      select: [greeter, jansson]
      projections:
        jansson: 'json/{name}-{version}'
        all: '{name}'
`;
/** A container without a network, with what is handed out. */
const container = `sf-packages-${process.pid}`;
let manifest: Manifest;

const read = (end: string): string => {
  const name = readdirSync(folder).find((file) => file.endsWith(end));
  return readFileSync(join(folder, name ?? end), 'utf8');
};

beforeAll(async () => {
  if (!canRun) return;
  const plain = (await builtResult(version, 'system')) ?? '';
  const mirror = await sourceMirror([version]);
  await mirrorArchives(mirror, [builtOfTags.jansson]);
  const given = temporaryFolder('packages-views');
  writeFileSync(join(given, 'spack.yaml'), views);
  const built = runCli([
    ...[
      'build',
      version,
      '--spack-yaml',
      join(given, 'spack.yaml'),
      '--engine',
      'docker',
      '--toolchain',
      'bookworm',
      '--dependencies',
      'bundled',
    ],
    ...['--packages', 'greeter mpi-greeter toy-mpi jansson pmix', '--module-layout', 'hierarchical'],
    ...['--repos', join(projectRoot, '__tests__', 'support', 'recipes'), '--source-mirror', mirror],
    ...['--cache-dir', buildCacheFolder, '--output-dir', folder],
  ]);
  if (built.exitCode !== 0) throw new Error(`the build failed:\n${built.stderr.slice(-8000)}`);
  manifest = manifestSchema.parse(JSON.parse(read('-manifest.json')));
  // What the distribution has stays the distribution's.
  expect(manifest.packages?.map(({ spec }) => spec)).not.toContain('pmix');
  // It is the same package, whatever is built beside it.
  const name = readdirSync(plain).find((file) => file.endsWith('-manifest.json')) ?? '';
  const { specs } = manifestSchema.parse(JSON.parse(readFileSync(join(plain, name), 'utf8')));
  const slurm = (one: Manifest['specs']) => one.find((spec) => spec.name === 'slurm')?.hash;
  expect(slurm(manifest.specs)).toBe(slurm(specs));
  docker(
    ...['run', '--rm', '--detach', '--network', 'none', '--name', container],
    ...['--mount', `type=bind,source=${folder},target=/result,readonly`, 'debian:bookworm', 'sleep', '600'],
  );
}, 20 * minutes);

afterAll(() => {
  if (canRun) docker('rm', '--force', container);
  rmSync(folder, { recursive: true, force: true });
});

/** Standard output of a script in the container; P is where the target is installed. */
const inContainer = (prefix: string, script: string): string =>
  docker('exec', '--env', `P=${prefix}`, container, 'sh', '-euc', script);

const prefix = '/srv/an.odd+prefix/of_slurm';
const folderOf = (spec: string) => manifest.packages?.find((item) => item.spec === spec)?.path ?? spec;

suite('packages beside Slurm', () => {
  test('are in the manifest, those that others need too, and in the SBOM as shipped', () => {
    const asked = manifest.packages?.map(({ spec, asked }) => [spec, asked]).sort();
    expect(asked).toEqual([
      ['greeter', true],
      ['greeting', false],
      ['jansson', true],
      ['mpi-greeter', true],
      ['toy-mpi', true],
    ]);
    expect(folderOf('jansson')).toMatch(/^packages\/linux-x86_64\/jansson-2\.14-/);
    const sbom = JSON.parse(read('-sbom.spdx.json'));
    const jansson = sbom.packages.find((item: { name: string }) => item.name === 'jansson');
    expect(jansson).toMatchObject({ versionInfo: '2.14', licenseDeclared: 'MIT' });
  });

  test("the smoke test has loaded their modules, Lmod's by levels", () => {
    const report = read('-smoke.xml');
    for (const name of ['libraries', 'build-prefix', 'packages-lmod', 'packages-tcl']) {
      expect(report).toMatch(new RegExp(`<testcase [^>]*name="${name}"[^>]*>(?!\\s*<(?:failure|skipped))`));
    }
  });

  test('the installer writes where they lie into them', () => {
    inContainer(prefix, 'sh /result/*-install.sh --prefix "$P" --force');
    const told = inContainer(
      prefix,
      `cd "$P/${folderOf('greeter')}/bin" && ./greeter && ./greet
       ! grep -rl -e __slurm_factory_packages__ -e __spack_path_placeholder__ "$P"
       "$P/${folderOf('mpi-greeter')}/bin/mpi-greeter"
       sed -n 1p "$P/${folderOf('greeting')}/lib/pkgconfig/greeting.pc"`,
    );
    expect(told.split('\n').slice(0, 4)).toEqual([
      'program: hello from where it lies',
      'script: hello from where it lies',
      expect.stringMatching(/^Slurm \d+$/),
      `prefix=${prefix}/${folderOf('greeting')}`,
    ]);
  });

  test('views and their projections lie beside them, with relative links that hold', () => {
    const told = inContainer(
      prefix,
      `cd "$P/packages/views"
       find . -type l -lname '/*'
       find . -xtype l
       "$P/packages/views/tools/bin/greeter"
       [ -e tools/include/jansson.h ] && [ -e by-name/json/jansson-2.14/include/jansson.h ]
       by-name/greeter/bin/greeter`,
    );
    expect(told).toBe('program: hello from where it lies\n'.repeat(2));
  });

  test('modules of packages that need the MPI are behind its own, and all are relocated', () => {
    const files = inContainer(
      prefix,
      'cd "$P/packages/modulefiles" && find . -type f ! -name ".*" | sort',
    ).trim();
    expect(files.replaceAll(/(?<=\d)-[a-z2-7]{7}\b/g, '-hash').split('\n')).toEqual([
      './lmod/Core/greeter/2.0.lua',
      './lmod/Core/greeting/1.0-hash.lua',
      './lmod/Core/jansson/2.14.lua',
      './lmod/Core/toy-mpi/4.1.lua',
      './lmod/toy-mpi/4.1-hash/Core/mpi-greeter/3.0.lua',
      './tcl/greeter/2.0',
      './tcl/greeting/1.0-hash',
      './tcl/jansson/2.14',
      './tcl/mpi-greeter/3.0',
      './tcl/toy-mpi/4.1',
    ]);
    const mpi = inContainer(prefix, 'cat "$P/packages/modulefiles/lmod/Core/toy-mpi/4.1.lua"');
    expect(mpi).toContain(`setenv("TOY_MPI_ROOT", "${prefix}/${folderOf('toy-mpi')}")`);
    expect(mpi).toContain(`prepend_path("MODULEPATH", "${prefix}/packages/modulefiles/lmod/toy-mpi/4.1-`);
  });

  test('the uninstaller leaves nothing, and a prefix that is too long is refused', () => {
    inContainer(prefix, 'sh /result/*-install.sh --uninstall --prefix "$P" && [ ! -e "$P" ]');
    const long = `/srv/${'p'.repeat(130)}`;
    const refused = inContainer(long, 'sh /result/*-install.sh --prefix "$P" --force 2>&1 || [ ! -e "$P" ]');
    expect(refused).toContain('the prefix is longer than 119 characters');
  });

  test('what was only unpacked is relocated by a program in it, again after a move', () => {
    const told = inContainer(
      '/srv/unpacked',
      `mkdir "$P" && tar -xzf /result/*-software.tar.gz -C "$P" --strip-components=1
       sh "$P/packages/relocate" && "$P/${folderOf('greeter')}/bin/greeter"
       mv "$P" /moved && /moved/packages/relocate && rm -rf /srv
       /moved/${folderOf('greeter')}/bin/greeter && /moved/${folderOf('greeter')}/bin/greet
       ! grep -rl /srv/unpacked /moved`,
    );
    expect(told).toBe(
      'program: hello from where it lies\nprogram: hello from where it lies\nscript: hello from where it lies\n',
    );
  });
});
