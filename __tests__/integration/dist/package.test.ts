import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import packageFile from '../../../package.json' with { type: 'json' };

/** What dist/ holds runs, and the npm package has what it needs and nothing else. */

const root = resolve(import.meta.dirname, '..', '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'slurm-factory-pack-'));
const run = (command: string, args: readonly string[], cwd = root) =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

afterAll(() => rmSync(folder, { recursive: true }));

test('the command line is a program, through a link in PATH too', () => {
  const program = join(root, 'dist', 'cli', 'index.js');
  expect(statSync(program).mode & 0o111).toBe(0o111);
  symlinkSync(program, join(folder, 'linked'));
  expect(run(join(folder, 'linked'), ['--version']).trim()).toBe(packageFile.version);
});

test('the action says its version first, and once', () => {
  const env = { PATH: process.env['PATH'], HOME: folder, RUNNER_TEMP: folder, GITHUB_WORKSPACE: folder };
  const main = (more: Record<string, string>) =>
    spawnSync(process.execPath, [join(root, 'dist', 'build', 'index.js')], {
      env: { ...env, INPUT_TOOLCHAIN: 'none-such', ...more },
      encoding: 'utf8',
    }).stdout;
  for (const secret of [{}, { 'INPUT_GITHUB-TOKEN': 'ghs_token' }] as Record<string, string>[]) {
    const said = main(secret);
    expect(said.split('\n')[0]).toBe(`slurm-factory ${packageFile.version}`);
    expect(said.match(/^slurm-factory \d/gm)).toHaveLength(1);
    expect(said).toContain('none-such');
  }
  expect(main({ STATE_isPost: 'true' })).not.toMatch(/^slurm-factory \d/m);
});

test('what every call loads has no schemas in it, which take longer to load than all the rest', () => {
  const start = readFileSync(join(root, 'dist', 'cli', 'index.js'), 'utf8');
  expect(start).not.toContain('ZodError');
});

describe('the npm package', () => {
  let files: string[] = [];

  beforeAll(() => {
    const [packed] = JSON.parse(
      run('npm', ['pack', '--json', '--loglevel=error', '--pack-destination', folder]),
    );
    files = packed.files.map(({ path }: { path: string }) => path);
    run('tar', ['-xzf', join(folder, packed.filename), '-C', folder]);
    // The library needs its dependencies; the program has them in its one file, so no registry is asked.
    const about = join(folder, 'package', 'package.json');
    const { dependencies: _, devDependencies: __, ...rest } = JSON.parse(readFileSync(about, 'utf8'));
    writeFileSync(about, JSON.stringify(rest));
    run('npm', [
      ...[
        'install',
        '--global',
        '--offline',
        '--no-audit',
        '--no-fund',
        '--loglevel=error',
        '--install-links',
      ],
      ...['--prefix', join(folder, 'prefix'), join(folder, 'package')],
    ]);
  });

  test.each([
    'man/slurm-factory.1',
    'action.yml',
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'build/src/index.js',
    'build/src/index.d.ts',
    'dist/cli/index.js',
    'dist/licenses.txt',
    'data/slurm-releases.json',
    'data/pins.json',
    'toolchains/bookworm/toolchain.yaml',
    'toolchains/dpkg.Dockerfile',
    'toolchains/dpkg.yaml',
    'toolchains/rpm.Dockerfile',
    'toolchains/rpm.yaml',
    'templates/install.sh',
    'spack-repo/spack_repo/slurm_factory/packages/slurm/package.py',
    'scripts/inside/elf_inventory.py',
    'scripts/inside/smoke/smoke.sh',
  ])('has %s', (file) => {
    expect(files).toContain(file);
  });

  test('has nothing that is only for the development', () => {
    const allowed =
      /^(package\.json|README\.md|LICENSE|CHANGELOG\.md|((index|plan|publish)\/)?action\.yml|(build\/src|dist|data|toolchains|templates|spack-repo|scripts\/(inside|mirrors)|man|site)\/.*)$/;
    expect(files.filter((file) => !allowed.test(file))).toEqual([]);
    expect(
      files.filter((file) => /__tests__|\.test\.|__pycache__|\.pyc$|\.env|\.npmrc|\.pem$|\.key$/.test(file)),
    ).toEqual([]);
    expect(files.filter((file) => file.startsWith('build/src/entry/'))).toEqual([]);
  });

  test('installed brings a command in PATH', () => {
    const env = { ...process.env, PATH: `${join(folder, 'prefix', 'bin')}:${process.env['PATH']}` };
    const call = (...words: string[]) =>
      execFileSync('slurm-factory', words, { env, cwd: folder, encoding: 'utf8' });
    expect(call('--version').trim()).toBe(packageFile.version);
    // What these load is in chunks of their own.
    expect(call('version')).toContain(`slurm-factory ${packageFile.version}`);
    expect(call('list', '--available')).toMatch(/^24\.11\.6 /m);
    expect(call('config', '--explain')).toMatch(/^toolchain +bookworm/m);
    expect(call('completion', 'bash')).toContain('complete -F');
    const manual = join(folder, 'prefix', 'share', 'man', 'man1', 'slurm-factory.1');
    expect(readFileSync(manual, 'utf8')).toContain('.SH COMMANDS');
  });
});
