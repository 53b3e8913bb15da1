import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { runCli } from '../support/cli.js';
import { recipe } from '../support/fakes.js';
import { isHere, projectRoot, sourceMirror, temporaryFolder } from '../support/prepare.js';
import { mirrorArchives, type UpstreamArchive } from '../support/sources.js';

/*
 * Other features than the default ones, built, audited and smoked. By SLURM_FACTORY_TEST_FEATURES=1 only: each needs a
 * builder image of its own and a compile, ten minutes on two cores. That all of them are found by the solver is in
 * concretize.test.ts.
 */
const wanted = process.env['SLURM_FACTORY_TEST_FEATURES'] === '1';
const canBuild = wanted && (await isHere('upstream', 'Docker Engine'));
const folder = temporaryFolder('features');
const minutes = 60_000;

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const sumIn = (name: string, behind: string): string => {
  const path = join(projectRoot, 'spack-repo/spack_repo/slurm_factory/packages', name, 'package.py');
  const text = readFileSync(path, 'utf8');
  return /sha256="([0-9a-f]{64})"/.exec(text.slice(text.indexOf(behind)))?.[1] ?? '';
};
const archives: readonly UpstreamArchive[] = [
  {
    ...{ repository: 'https://github.com/NVIDIA/pyxis.git', tag: 'v0.24.0', prefix: 'pyxis-0.24.0' },
    sha256: sumIn('slurm', 'name="pyxis"'),
  },
  {
    ...{ repository: 'https://github.com/aws/s2n-tls.git', tag: 'v1.7.7', prefix: 's2n-tls-1.7.7' },
    sha256: sumIn('s2n', 'version('),
  },
];

test('a feature that a release can not have ends the build before anything is started', () => {
  const done = runCli(['build', '24.11.7', '--features', '+s2n +rrdtool', '--cache-dir', folder], {
    env: { DOCKER_HOST: 'unix:///nonexistent/docker.sock' },
    cwd: folder,
  });
  expect(done.exitCode).toBe(2);
  expect(done.stderr).toContain('s2n came with Slurm 25.05; this is 24.11.7.');
  expect(done.stderr).toContain('Slurm has had no rrdtool since 23.11; this is 24.11.7.');
});

if (canBuild) {
  test.each([
    ['26.05.3', 'full', 'bookworm', '2.34'],
    ['26.05.3', 'full', 'trixie', '2.39'],
    ['26.05.3', 'minimal', 'bookworm', '2.34'],
    ['23.11.11', 'full', 'bookworm', '2.34'],
  ])(
    '%s %s on %s',
    async (version, features, toolchain, glibc) => {
      const mirror = await sourceMirror([version]);
      await mirrorArchives(mirror, archives);
      const words = ['--features', features, '--toolchain', toolchain, '--engine', 'docker'];
      const places = [
        '--source-mirror',
        mirror,
        '--cache-dir',
        join(folder, 'cache'),
        '--output-dir',
        folder,
      ];
      const done = runCli(['build', version, ...words, ...places], { cwd: folder });
      if (done.exitCode !== 0) throw new Error(done.stderr.slice(-8000));
      const identifier = /^Target +(\S+)$/m.exec(done.stdout)?.[1] ?? '';
      expect(identifier).toMatch(new RegExp(`^slurm-${version}-glibc${glibc}-a\\w+64-${features}$`));
      const manifest = JSON.parse(readFileSync(join(folder, `${identifier}-manifest.json`), 'utf8'));
      const sets = features === 'full' ? ['minimal', 'default', 'full'] : ['minimal'];
      const absent = version.startsWith('23') ? ['llhttp', 's2n'] : ['rrdtool'];
      if (toolchain === 'bookworm') absent.push('llhttp');
      expect(manifest.features).toEqual(
        recipe.variants
          .filter(({ variant, set }) => sets.includes(set) && !absent.includes(variant))
          .map(({ variant }) => variant),
      );
      const files = execFileSync('tar', ['-tzf', join(folder, `${identifier}-software.tar.gz`)], {
        encoding: 'utf8',
      });
      expect(files.includes('/bin/sview')).toBe(features === 'full');
      expect(files.includes('/sbin/slurmrestd')).toBe(features === 'full');
      expect(files.includes('/lib/slurm/tls_s2n.so')).toBe(features === 'full' && version.startsWith('26'));
    },
    30 * minutes,
  );
}
