import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import type { MirrorIndex } from '../../src/pipeline/mirror.js';
import { runCli } from '../support/cli.js';
import {
  docker,
  hostTarget,
  isHere,
  mayBeRoot,
  projectRoot,
  sourceMirror,
  temporaryFolder,
  testCache,
} from '../support/prepare.js';
import { builtResult } from '../support/result.js';

/**
 * A mirror of all that a build fetches, then that build without a network. It saves and loads images of a gigabyte,
 * so it has a switch: SLURM_FACTORY_TEST_MIRROR=1.
 */

const asked = process.env['SLURM_FACTORY_TEST_MIRROR'] === '1' && mayBeRoot();
const canRun = asked && (await isHere('upstream', 'Docker Engine'));
const minutes = 60_000;
const version = '24.11.6';
const target = hostTarget(version);
const folder = temporaryFolder('mirror');
const mirror = join(folder, 'mirror');

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('an index that is none ends a build before anything is started', () => {
  const damaged = join(folder, 'damaged');
  mkdirSync(damaged);
  writeFileSync(join(damaged, 'mirror.json'), '{"schema": 2}');
  const words = ['--source-mirror', damaged, '--cache-dir', join(folder, 'none'), '--output-dir', folder];
  const done = runCli(['build', version, ...words]);
  expect(done.exitCode).toBe(6);
  expect(done.stderr).toContain('mirror.json is not one of this version');
});

if (canRun) {
  test(
    'a machine without a network builds from a mirror, with nothing else',
    async () => {
      await builtResult(version);
      const cacheDir = join(testCache, 'build-cache');
      const create = [
        ...['mirror', 'create', mirror, version, '--source-mirror', await sourceMirror([version])],
        ...['--engine', 'docker', '--cache-dir', cacheDir, '--output-dir', join(folder, 'first')],
      ];
      const made = runCli(create);
      expect(made.stderr + made.stdout).toMatch(/files came/);
      expect(made.exitCode).toBe(0);
      const index: MirrorIndex = JSON.parse(readFileSync(join(mirror, 'mirror.json'), 'utf8'));
      expect(index.targets.map(({ identifier }) => identifier)).toEqual([target]);
      expect(index.sources.length).toBeGreaterThanOrEqual(2);
      expect(runCli(create).stdout).toContain(`${target}  all of it was there`);

      // Nothing comes from a cache: all is fetched from the mirror and compiled.
      const bare = join(folder, 'cache');
      docker('image', 'rm', '--force', ...index.images.map(({ tag }) => tag));
      const words = [
        ...['build', version, '--source-mirror', mirror, '--container-network', 'none', '--engine', 'docker'],
        ...['--cache-dir', bare, '--output-dir', join(folder, 'second')],
      ];
      const program = [process.execPath, join(projectRoot, 'dist', 'cli', 'index.js'), ...words];
      // A network namespace of its own has not even a loopback; git knows no other place for the clones.
      const away = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1' };
      const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n', '--preserve-env'];
      const [first = '', ...rest] = [...sudo, 'unshare', '--net', ...program];
      const built = spawnSync(first, rest, {
        encoding: 'utf8',
        maxBuffer: 1 << 28,
        env: { ...process.env, ...away },
      });
      expect(built.stderr).toMatch(/slurm-factory\/builder:\S+ came from the mirror/);
      expect(built.stderr).toMatch(/slurm-factory\/smoke:\S+ came from the mirror/);
      expect(built.stderr).toMatch(/mirror\/git\/spack\.git at [0-9a-f]{12}: fetched/);
      expect(built.stderr).toContain('0 of 3 packages are in the build cache');
      expect(built.stderr).toMatch(/slurm@\S+: build/);
      expect({ stderr: built.stderr.slice(-3000), exitCode: built.status }).toMatchObject({ exitCode: 0 });
      // The same bytes as with a network.
      const sum = (of: string) =>
        execFileSync('sha256sum', [join(folder, of, `${target}-software.tar.gz`)], {
          encoding: 'utf8',
        }).slice(0, 64);
      expect(sum('second')).toBe(sum('first'));
    },
    30 * minutes,
  );
}
